"""Accept: debit, ledger entry, submission and messages of a call, in one transaction (contract, section 8)."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from yizhan.model.message import State
from yizhan.model.money import show_credits
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Admitted
from yizhan.store import sqlite as sql
from yizhan.store.database import driver
from yizhan.store.handouts import note_unsent
from yizhan.store.schema import BOOK_TRAFFIC, FIRST_MESSAGE_KEY

# The client's id: from 100000000, positive in int32, cycling (contract, section 8).
FIRST_CLIENT_ID = 100_000_000
CLIENT_IDS = 2_147_483_647 - FIRST_CLIENT_ID + 1


def client_id_of(key: int) -> int:
    """A submission's key (1, 2, ...) folded into the range of ids that clients see."""
    return FIRST_CLIENT_ID + (key - 1) % CLIENT_IDS


def keys_of(client_id: int, last_key: int) -> Iterator[int]:
    """Every key up to ``last_key`` that was given out as ``client_id``, newest first."""
    first = client_id - FIRST_CLIENT_ID + 1
    if first < 1 or first > CLIENT_IDS or last_key < first:
        return iter(())
    return iter(range(first + (last_key - first) // CLIENT_IDS * CLIENT_IDS, 0, -CLIENT_IDS))


def read_counter(raw: Any, name: str, start: int = 0) -> int:
    """The last value that the counter gave out."""
    row = raw.execute(sql.READ_COUNTER, (name,)).fetchone()
    return start if row is None else int(row[0])


def accept(connection: Connection, calls: Sequence[Admitted]) -> list[int | Refusal]:
    """The client's id of each call, or Refusal(BALANCE_TOO_LOW) with nothing of that call written.

    The debit comes first and carries its own condition, so a refused call needs no savepoint. Row 19 of the table.
    """
    raw = driver(connection)
    key = read_counter(raw, "submission")
    message_key = read_counter(raw, "message", FIRST_MESSAGE_KEY - 1)
    answers: list[int | Refusal] = []
    submissions: list[tuple[Any, ...]] = []
    messages: list[tuple[Any, ...]] = []
    entries: list[tuple[Any, ...]] = []
    for call in calls:
        price = call.price_milli
        if raw.execute(sql.DEBIT, (price, call.account_id, price)).rowcount == 0:
            answers.append(Refusal(Reject.BALANCE_TOO_LOW, f"price {show_credits(price)}"))
            continue
        key = _next_key(raw, key, call.account_id)
        client_id = client_id_of(key)
        submissions.append(_submission_row(key, client_id, call))
        rows = list(_message_rows(key, message_key, call))
        messages.extend(rows)
        note_unsent(raw, call.account_id, call.accepted_at_ms, [(row[0], row[5]) for row in rows if row[9] is None])
        message_key += len(call.recipients)
        if price:
            entries.append((call.accepted_at_ms, "send", call.account_id, BOOK_TRAFFIC, price, key, ""))
        answers.append(client_id)
    raw.executemany(sql.INSERT_SUBMISSION, submissions)
    raw.executemany(sql.INSERT_MESSAGE, messages)
    raw.executemany(sql.INSERT_ENTRY, entries)
    raw.execute(sql.WRITE_COUNTER, ("submission", key))
    raw.execute(sql.WRITE_COUNTER, ("message", message_key))
    return answers


def _next_key(raw: Any, key: int, account_id: int) -> int:
    """The next key; after the first cycle one whose client id no kept row of the account has."""
    key += 1
    while key > CLIENT_IDS and raw.execute(sql.CLIENT_ID_TAKEN, (account_id, client_id_of(key))).fetchone():
        key += 1
    return key


def _submission_row(key: int, client_id: int, call: Admitted) -> tuple[Any, ...]:
    return (
        key,
        call.account_id,
        client_id,
        call.accepted_at_ms,
        call.send_at_ms,
        call.text,
        call.encoding.value,
        call.parts,
        call.cell,
        call.price_milli,
        int(call.lane),
        call.signature.value,
        call.keywords_checked,
        call.call.operation.name,
        call.call.transport.value,
        call.call.address,
    )


def _message_rows(key: int, last_message_key: int, call: Admitted) -> Iterator[tuple[Any, ...]]:
    """One row a number; those that are not sent are final at once."""
    due_at_ms = call.accepted_at_ms if call.send_at_ms is None else call.send_at_ms
    account_id, lane, parts, accepted_at_ms = call.account_id, int(call.lane), call.parts, call.accepted_at_ms
    for message_key, recipient in enumerate(call.recipients, last_message_key + 1):
        sends = recipient.state in (State.QUEUED, State.SCHEDULED)
        yield (
            message_key,
            key,
            account_id,
            lane,
            int(recipient.state),
            recipient.number,
            recipient.written,
            parts,
            recipient.price_milli,
            due_at_ms if sends else None,
            None if sends else accepted_at_ms,
            recipient.route_key,
        )

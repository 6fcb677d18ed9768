"""Accept: debit, ledger entry, submission and messages of a call, in one transaction (contract, section 8)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from yizhan.model.message import State
from yizhan.model.money import show_credits
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Admitted
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.handouts import note_unsent
from yizhan.store.schema import BOOK_TRAFFIC

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


def take_keys(raw: Any, name: str, count: int) -> range:
    """The next ``count`` values of the counter: nobody else gets them."""
    last = int(raw.execute(sql.TAKE_KEYS, (name, count)).fetchone()[0])
    return range(last - count + 1, last + 1)


def accept(connection: Connection, calls: Sequence[Admitted]) -> list[int | Refusal]:
    """The client's id of each call, or Refusal(BALANCE_TOO_LOW) with nothing of that call written.

    The debits come first and carry their own condition, so a refused call needs no savepoint. Row 19 of the table.
    """
    raw = driver(connection)
    paid = _debit(raw, calls)
    keys = _keys(raw, [call for call, ok in zip(calls, paid, strict=True) if ok])
    message_keys = iter(
        take_keys(raw, "message", sum(len(call.recipients) for call, ok in zip(calls, paid, strict=True) if ok))
    )
    answers: list[int | Refusal] = []
    submissions: list[tuple[Any, ...]] = []
    requests: list[tuple[Any, ...]] = []
    messages: list[tuple[Any, ...]] = []
    entries: list[tuple[Any, ...]] = []
    for call, ok in zip(calls, paid, strict=True):
        price = call.price_milli
        if not ok:
            answers.append(Refusal(Reject.BALANCE_TOO_LOW, f"price {show_credits(price)}"))
            continue
        key = next(keys)
        client_id = client_id_of(key)
        submissions.append(_submission_row(key, client_id, call))
        if call.original is not None:
            requests.append((key, *call.original))
        rows = list(_message_rows(key, message_keys, call))
        messages.extend(rows)
        note_unsent(raw, call.account_id, call.accepted_at_ms, [(row[0], row[5]) for row in rows if row[9] is None])
        if price:
            entries.append((call.accepted_at_ms, "send", call.account_id, BOOK_TRAFFIC, price, key, ""))
        answers.append(client_id)
    raw.executemany(sql.INSERT_SUBMISSION, submissions)
    raw.executemany(sql.INSERT_REQUEST, requests)
    raw.executemany(sql.INSERT_MESSAGE, messages)
    raw.executemany(sql.INSERT_ENTRY, entries)
    return answers


def _debit(raw: Any, calls: Sequence[Admitted]) -> list[bool]:
    """Which of the calls are paid for. An account pays for all of its calls at once; one by one, in their order, when
    its balance does not hold that much.

    By account id, so that two nodes which charge the same accounts never wait for each other.
    """
    of_account: dict[int, list[int]] = defaultdict(list)
    for place, call in enumerate(calls):
        of_account[call.account_id].append(place)
    paid = [False] * len(calls)
    for account_id, places in sorted(of_account.items()):
        prices = [calls[place].price_milli for place in places]
        if _pays(raw, account_id, sum(prices)):
            for place in places:
                paid[place] = True
        elif len(places) > 1:
            for place, price in zip(places, prices, strict=True):
                paid[place] = _pays(raw, account_id, price)
    return paid


def _pays(raw: Any, account_id: int, price_milli: int) -> bool:
    return bool(raw.execute(sql.DEBIT, (price_milli, account_id, price_milli)).rowcount)


def _keys(raw: Any, calls: Sequence[Admitted]) -> Iterator[int]:
    """A key for each call; after the first cycle one whose client id no kept row of its account has."""
    for key, call in zip(take_keys(raw, "submission", len(calls)), calls, strict=True):
        free = key
        while free > CLIENT_IDS and raw.execute(sql.CLIENT_ID_TAKEN, (call.account_id, client_id_of(free))).fetchone():
            (free,) = take_keys(raw, "submission", 1)
        yield free


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


def _message_rows(key: int, message_keys: Iterator[int], call: Admitted) -> Iterator[tuple[Any, ...]]:
    """One row a number; those that are not sent are final at once."""
    due_at_ms = call.accepted_at_ms if call.send_at_ms is None else call.send_at_ms
    account_id, lane, parts, accepted_at_ms = call.account_id, int(call.lane), call.parts, call.accepted_at_ms
    for recipient, message_key in zip(call.recipients, message_keys):  # noqa: B905  the keys are those of all calls
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

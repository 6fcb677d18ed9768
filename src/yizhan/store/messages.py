"""Messages as operators look for them: lists, one message with its rows, counts, and cancelling."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select

from yizhan.kit.clock import to_rfc3339
from yizhan.model.message import State
from yizhan.model.money import as_number
from yizhan.model.views import AuditView, MessagePage, MessageView
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.handouts import note_ends
from yizhan.store.ledger import refund
from yizhan.store.records import deeds_on
from yizhan.store.schema import messages, parts
from yizhan.store.search import Filter, search


@dataclass(frozen=True, slots=True)
class Record:
    """One message's view with the rows that its story is told from."""

    view: MessageView
    message: Row[Any]
    parts: Sequence[Row[Any]]
    deeds: Sequence[AuditView]  # what operators have done to it


def list_messages(connection: Connection, wanted: Filter) -> MessagePage:
    """Views of the newest messages that match."""
    found = search(connection, wanted)
    return MessagePage([_view(row) for row in found.rows], found.before, to_rfc3339(found.stopped_at_ms))


def find_records(connection: Connection, wanted: Filter) -> list[Record]:
    """The same with all their rows."""
    found = search(connection, wanted).rows
    of_message: dict[int, list[Row[Any]]] = defaultdict(list)
    ids = [row.messages_id for row in found]
    for row in connection.execute(
        select(parts).where(parts.c.message_id.in_(ids)).order_by(parts.c.message_id, parts.c.attempt, parts.c.part)
    ):
        of_message[row.message_id].append(row)
    deeds = deeds_on(connection, ids)
    return [
        Record(_view(row), row, of_message[id], [deed for deed in deeds if deed.subject == str(id)])
        for id, row in zip(ids, found, strict=True)
    ]


def count_waiting(connection: Connection) -> dict[str, int]:
    """How many messages stand in each unfinished state before the carrier has them."""
    query = select(messages.c.state, func.count()).where(messages.c.due_at_ms.is_not(None)).group_by(messages.c.state)
    counts = {State(state): count for state, count in connection.execute(query)}
    unfinished = (State.SCHEDULED, State.QUEUED, State.SENDING, State.UNCERTAIN)
    return {state.word: counts.get(state, 0) for state in unfinished}


def oldest_due_ms(connection: Connection) -> int | None:
    """When the oldest queued message became due; None when nothing is queued."""
    query = select(func.min(messages.c.due_at_ms)).where(
        messages.c.due_at_ms.is_not(None), messages.c.state == int(State.QUEUED)
    )
    found: int | None = connection.execute(query).scalar_one()
    return found


def cancel_submission(connection: Connection, submission_key: int, at_ms: int) -> int:
    """Cancel what was not yet sent and pay it back: how many messages (contract, section 3, the last fate)."""
    raw = driver(connection)
    rows = raw.execute(sql.STILL_PAID, (submission_key,)).fetchall()
    note_ends(raw, [(message_id, State.CANCELLED, at_ms) for _, _, message_id in rows])
    raw.execute(sql.CANCEL, (at_ms, submission_key))
    by_account: dict[int, int] = defaultdict(int)
    for account_id, paid_milli, _ in rows:
        by_account[account_id] += paid_milli
    refund(raw, by_account, at_ms, "cancelled")
    return len(rows)


def _view(row: Row[Any]) -> MessageView:
    return MessageView(
        id=row.messages_id,
        submission=row.submissions_client_id,
        account=row.accounts_corp_id,
        number=row.messages_number,
        written=row.messages_written,
        text=row.submissions_text,
        parts=row.messages_parts,
        price=as_number(row.messages_price_milli),
        refunded=as_number(row.messages_refunded_milli),
        state=State(row.messages_state).word,
        word=row.messages_word,
        channel=row.messages_channel,
        uncertain=row.messages_uncertain,
        accepted_at=to_rfc3339(row.submissions_accepted_at_ms) or "",
        send_at=to_rfc3339(row.submissions_send_at_ms),
        finished_at=to_rfc3339(row.messages_finished_at_ms),
    )

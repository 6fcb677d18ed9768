"""Hand-outs: what has ended or come in waits for its client, is leased to a fetch, and goes when the answer has left.

Contract, section 9. An account with a webhook gets pushes in their place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from yizhan.model.handout import Queue, ReplyRow, ReportRow
from yizhan.model.message import FAILING, State
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.schema import handouts, pushes


@dataclass(frozen=True, slots=True)
class Wish:
    """A fetch: at most ``limit`` rows of one queue, leased until a moment; only those of ``cell`` when not empty."""

    queue: Queue
    account_id: int
    limit: int
    now_ms: int
    until_ms: int
    cell: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """Rows under way to a client, as (at_ms, item_id)."""

    queue: Queue
    account_id: int
    keys: tuple[tuple[int, int], ...]
    until_ms: int


@dataclass(frozen=True, slots=True)
class Leased:
    """A lease and what it holds, oldest first: replies or reports, as its queue says."""

    lease: Lease
    rows: tuple[Any, ...]


def lease(connection: Connection, wishes: Sequence[Wish]) -> list[Leased]:
    """Take the oldest rows that nobody else has; other fetches do not see them until the lease ends."""
    raw = driver(connection)
    return [_lease(raw, wish) for wish in wishes]


def _lease(raw: Any, wish: Wish) -> Leased:
    replies = wish.queue is Queue.REPLIES
    query = sql.WAITING_REPLIES if replies else sql.WAITING_REPORTS
    found = raw.execute(query, (int(wish.queue), wish.account_id, wish.now_ms, wish.cell, wish.limit)).fetchall()
    taken = Lease(wish.queue, wish.account_id, tuple((row[0], row[1]) for row in found), wish.until_ms)
    raw.executemany(sql.LEASE_HANDOUT, [(wish.until_ms, *key) for key in _keys(taken)])
    return Leased(taken, tuple(ReplyRow(*row[2:]) if replies else report_row(row[2:]) for row in found))


def confirm(connection: Connection, leases: Sequence[Lease]) -> list[None]:
    """The answers have left: these rows are never handed out again."""
    raw = driver(connection)
    raw.executemany(sql.CONFIRM_HANDOUT, [key for lease in leases for key in _keys(lease)])
    return [None] * len(leases)


def release(connection: Connection, leases: Sequence[Lease]) -> list[None]:
    """The answers did not leave: these rows wait again."""
    raw = driver(connection)
    raw.executemany(sql.RELEASE_HANDOUT, [(*key, lease.until_ms) for lease in leases for key in _keys(lease)])
    return [None] * len(leases)


def note_ends(raw: Any, ends: Iterable[tuple[int, State, int]]) -> None:
    """Messages that are about to reach a final state, as (message, state, at_ms). Call before the state is written.

    Each message is reported once, at its first end; one batch may hold an UNKNOWN and the definite end behind it.
    """
    first: dict[int, int] = {}
    failing: dict[int, int] = {}
    for message_id, state, at_ms in ends:
        first.setdefault(message_id, at_ms)
        if state in FAILING:
            failing[message_id] = at_ms
    if not first:
        return
    ended = [(at_ms, message_id) for message_id, at_ms in first.items()]
    raw.executemany(sql.HAND_OUT_REPORT, ended)
    raw.executemany(sql.HAND_OUT_FAILURE, [(at_ms, message_id) for message_id, at_ms in failing.items()])
    if raw.execute(sql.ANY_WEBHOOK).fetchone():
        raw.executemany(sql.PUSH_REPORT, ended)


def note_unsent(raw: Any, account_id: int, at_ms: int, messages: Sequence[tuple[int, str]]) -> None:
    """Messages of a call, as (message, number), that ended as it was accepted: malformed or blocked numbers."""
    if not messages:
        return
    if pushes_to(raw, account_id):
        rows = [(account_id, int(Queue.REPORTS), message_id, number, at_ms) for message_id, number in messages]
        raw.executemany(sql.PUSH, rows)
        return
    for queue in (Queue.REPORTS, Queue.FAILURES):
        raw.executemany(sql.HAND_OUT, [(int(queue), account_id, at_ms, message_id) for message_id, _ in messages])


def note_reply(raw: Any, account_id: int, number: str, at_ms: int, reply_id: int) -> None:
    """A reply that has come for an account."""
    if pushes_to(raw, account_id):
        raw.execute(sql.PUSH, (account_id, int(Queue.REPLIES), reply_id, number, at_ms))
    else:
        raw.execute(sql.HAND_OUT, (int(Queue.REPLIES), account_id, at_ms, reply_id))


def pushes_to(raw: Any, account_id: int) -> bool:
    """Whether the account has a webhook."""
    return raw.execute(sql.HAS_WEBHOOK, (account_id,)).fetchone() is not None


@dataclass(frozen=True, slots=True)
class WaitingReport:
    """A message's report that its client has not got yet."""

    queue: Queue
    leased_until_ms: int = 0  # under way to a fetch until then
    by_webhook: bool = False
    attempts: int = 0  # of the webhook's
    next_at_ms: int | None = None  # None: given up
    said: str = ""  # why the last attempt failed


def waiting_reports(connection: Connection, account_id: int, message_id: int) -> list[WaitingReport]:
    """Where the report of a message waits to be fetched or pushed. A walk over all that waits for the account."""
    queues = (int(Queue.REPORTS), int(Queue.FAILURES))
    fetched = select(handouts).where(handouts.c.account_id == account_id, handouts.c.queue.in_(queues))
    pushed = select(pushes).where(pushes.c.account_id == account_id, pushes.c.queue == int(Queue.REPORTS))
    found = [
        WaitingReport(Queue(row.queue), row.leased_until_ms)
        for row in connection.execute(fetched.where(handouts.c.item_id == message_id).order_by(handouts.c.queue))
    ]
    for row in connection.execute(pushed.where(pushes.c.item_id == message_id)):
        next_at_ms = None if row.parked else row.next_at_ms
        found.append(
            WaitingReport(Queue.REPORTS, by_webhook=True, attempts=row.attempts, next_at_ms=next_at_ms, said=row.said)
        )
    return found


def _keys(taken: Lease) -> list[tuple[int, int, int, int]]:
    return [(int(taken.queue), taken.account_id, at_ms, item_id) for at_ms, item_id in taken.keys]


def report_row(row: Sequence[Any]) -> ReportRow:
    """What a report says, from its columns in their order."""
    client_id, written, submitted_at_ms, state, word, reported_at_ms, cell = row
    return ReportRow(client_id, written, submitted_at_ms, State(state), word, reported_at_ms, cell)

"""What happened besides sending: refused calls (a bounded table) and operators' actions (the audit log)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from yizhan.kit.clock import to_rfc3339
from yizhan.model.views import AuditView
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.schema import audit, refusals


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """One refused call; ``text`` is masked."""

    at_ms: int
    operation: str
    account: str
    address: str
    reject: str
    hit: str
    text: str
    id: int = 0  # as long as it is not stored


def note_refusals(connection: Connection, batches: Sequence[tuple[Sequence[RefusedCall], int]]) -> list[None]:
    """Write refused calls and drop the oldest beyond the bound: each argument is (calls, how many rows to keep)."""
    raw = driver(connection)
    for calls, keep in batches:
        raw.executemany(
            sql.INSERT_REFUSAL,
            [(c.at_ms, c.operation, c.account, c.address, c.reject, c.hit, c.text) for c in calls],
        )
        raw.execute(sql.PRUNE_REFUSALS, (keep,))
    return [None] * len(batches)


def list_refusals(
    connection: Connection,
    limit: int,
    before: int | None = None,
    account: str | None = None,
    reject: str | None = None,
) -> list[RefusedCall]:
    """The newest refused calls, or those before one; of an account as callers named it, by one rule."""
    query = select(refusals).order_by(refusals.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(refusals.c.id < before)
    if account is not None:
        query = query.where(refusals.c.account == account)
    if reject is not None:
        query = query.where(refusals.c.reject == reject)
    return [
        RefusedCall(row.at_ms, row.operation, row.account, row.address, row.reject, row.hit, row.text, row.id)
        for row in connection.execute(query)
    ]


@dataclass(frozen=True, slots=True)
class Action:
    """One operator action: who changed what, from what to what (both JSON)."""

    at_ms: int
    actor: str
    action: str
    subject: str
    before: str
    after: str


def note_action(connection: Connection, done: Action) -> None:
    """Write an operator action, in the transaction that carries it out."""
    row = (done.at_ms, done.actor[:64], done.action, done.subject[:128], done.before, done.after)
    driver(connection).execute(sql.INSERT_AUDIT, row)


def deeds_on(connection: Connection, message_ids: Collection[int]) -> list[AuditView]:
    """What operators have done to messages, oldest first."""
    query = select(audit).where(audit.c.subject.in_([str(id) for id in message_ids])).order_by(audit.c.id)
    rows = connection.execute(query.where(audit.c.action.like("message %")))
    return [_view(row) for row in rows]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which actions to list; None leaves a column free. Actor and subject need only be a part of it."""

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    before: int | None = None  # ids below this one: the next page
    limit: int = 50


def list_actions(connection: Connection, wanted: Wanted) -> list[AuditView]:
    """The newest operator actions that match."""
    query = select(audit).order_by(audit.c.id.desc()).limit(wanted.limit)
    if wanted.action is not None:
        query = query.where(audit.c.action == wanted.action)
    for column, part in ((audit.c.actor, wanted.actor), (audit.c.subject, wanted.subject)):
        if part is not None:
            query = query.where(column.contains(part, autoescape=True))
    if wanted.before is not None:
        query = query.where(audit.c.id < wanted.before)
    return [_view(row) for row in connection.execute(query)]


def _view(row: Row[Any]) -> AuditView:
    return AuditView(row.id, to_rfc3339(row.at_ms) or "", row.actor, row.action, row.subject, row.before, row.after)

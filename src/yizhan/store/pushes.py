"""Pushes: events that wait for an account's webhook, retried, parked and replayed; and the webhooks themselves."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select, true, update

from yizhan.kit.clock import to_rfc3339
from yizhan.model.handout import Queue
from yizhan.model.views import PushView, WebhookView
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.insert import insert
from yizhan.store.schema import accounts, pushes, webhooks


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an account's events go, and what signs them."""

    account_id: int
    corp_id: str
    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Push:
    """One event that is due, with the columns of what it tells."""

    id: int
    attempts: int  # so far
    number: str  # events of one number go in order
    queue: Queue
    item_id: int
    row: tuple[Any, ...]  # of a report or of a reply, in the order of its statement


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of an attempt: delivered, or the next one at ``next_at_ms``, or parked (None)."""

    id: int
    delivered: bool
    next_at_ms: int | None = None
    said: str = ""


def load_webhooks(connection: Connection, account_id: int | None = None) -> list[Webhook]:
    """Every webhook, or that of one account."""
    query = select(webhooks, accounts.c.corp_id).join(accounts, accounts.c.id == webhooks.c.account_id)
    if account_id is not None:
        query = query.where(webhooks.c.account_id == account_id)
    return [Webhook(row.account_id, row.corp_id, row.url, row.secret) for row in connection.execute(query)]


def count_parked(connection: Connection) -> int:
    """How many events were given up, of all accounts."""
    query = select(func.count()).select_from(pushes).where(pushes.c.parked)
    return int(connection.execute(query).scalar_one())


def due(connection: Connection, account_id: int, now_ms: int, limit: int) -> list[Push]:
    """The oldest event of each number, if its time has come: later ones of the number wait for it."""
    raw = driver(connection)
    found = raw.execute(sql.DUE_PUSHES, (account_id, now_ms, limit)).fetchall()
    texts: dict[tuple[int, int], tuple[Any, ...]] = {}
    for queue, query in ((Queue.REPORTS, sql.PUSHED_REPORTS), (Queue.REPLIES, sql.PUSHED_REPLIES)):
        ids = json.dumps([row[4] for row in found if row[3] == queue])
        texts.update(((int(queue), row[0]), tuple(row[1:])) for row in raw.execute(query, (ids,)))
    return [Push(row[0], row[1], row[2], Queue(row[3]), row[4], texts[row[3], row[4]]) for row in found]


def settle_pushes(connection: Connection, batches: Sequence[Sequence[Tried]]) -> list[None]:
    """Write down attempts: what was delivered goes, what was not waits or is parked."""
    raw = driver(connection)
    for tried in batches:
        raw.executemany(sql.DELETE_PUSH, [(one.id,) for one in tried if one.delivered])
        failed = [(one.next_at_ms, one.next_at_ms is None, one.said, one.id) for one in tried if not one.delivered]
        raw.executemany(sql.RETRY_PUSH, failed)
    return [None] * len(batches)


def webhook_url(connection: Connection, account_id: int) -> str | None:
    """Where the account's events go; None when they are fetched."""
    found = connection.execute(select(webhooks.c.url).where(webhooks.c.account_id == account_id)).scalar()
    return None if found is None else str(found)


def set_webhook(connection: Connection, account_id: int, url: str, secret: str, at_ms: int) -> None:
    """Send the account's events to ``url`` from now on; what waits to be fetched goes there, too.

    So does what a fetch has leased just now: it may come twice, but never not at all.
    """
    row = {"url": url, "secret": secret}
    query = insert(connection, webhooks).values(account_id=account_id, created_at_ms=at_ms, **row)
    connection.execute(query.on_conflict_do_update(index_elements=["account_id"], set_=row))
    raw = driver(connection)
    for queue, move in ((Queue.REPLIES, sql.PUSH_WAITING_REPLIES), (Queue.REPORTS, sql.PUSH_WAITING_REPORTS)):
        raw.execute(move, (account_id, at_ms))
        raw.execute(sql.FORGET_WAITING, (int(queue), account_id))


def remove_webhook(connection: Connection, account_id: int) -> bool:
    """Whether there was one. What was not delivered waits to be fetched again."""
    raw = driver(connection)
    if not raw.execute(sql.HAS_WEBHOOK, (account_id,)).fetchone():
        return False
    raw.execute(sql.FETCH_PUSHES, (account_id,))
    raw.execute(sql.FETCH_FAILED_PUSHES, (account_id,))
    connection.execute(delete(pushes).where(pushes.c.account_id == account_id))
    connection.execute(delete(webhooks).where(webhooks.c.account_id == account_id))
    return True


def replay(connection: Connection, account_id: int | None, push_id: int | None, now_ms: int) -> int:
    """Send parked events again, all of them, one account's or a single one: how many."""
    query = update(pushes).where(pushes.c.parked).values(parked=False, attempts=0, next_at_ms=now_ms)
    if account_id is not None:
        query = query.where(pushes.c.account_id == account_id)
    if push_id is not None:
        query = query.where(pushes.c.id == push_id)
    return connection.execute(query).rowcount


def view_webhooks(connection: Connection, account_id: int | None = None) -> list[WebhookView]:
    """The webhooks, or that of one account, with what waits and what is parked; their secrets stay here."""
    of = true() if account_id is None else pushes.c.account_id == account_id
    counts = (
        select(
            pushes.c.account_id,
            func.count().filter(~pushes.c.parked).label("waiting"),
            func.count().filter(pushes.c.parked).label("parked"),
        )
        .where(of)
        .group_by(pushes.c.account_id)
        .subquery()
    )
    query = (
        select(webhooks, accounts.c.corp_id, counts.c.waiting, counts.c.parked)
        .join(accounts, accounts.c.id == webhooks.c.account_id)
        .outerjoin(counts, counts.c.account_id == webhooks.c.account_id)
        .order_by(accounts.c.corp_id)
    )
    if account_id is not None:
        query = query.where(webhooks.c.account_id == account_id)
    return [
        WebhookView(row.corp_id, row.url, row.waiting or 0, row.parked or 0, to_rfc3339(row.created_at_ms) or "")
        for row in connection.execute(query)
    ]


def view_pushes(
    connection: Connection, account_id: int | None, parked: bool | None, limit: int, after: int | None = None
) -> list[PushView]:
    """Events that wait or are parked, oldest first; or those behind one."""
    query = select(pushes, accounts.c.corp_id).join(accounts, accounts.c.id == pushes.c.account_id)
    query = query.order_by(pushes.c.id).limit(limit)
    if account_id is not None:
        query = query.where(pushes.c.account_id == account_id)
    if parked is not None:
        query = query.where(pushes.c.parked == parked)
    if after is not None:
        query = query.where(pushes.c.id > after)
    return [
        PushView(
            id=row.id,
            account=row.corp_id,
            event="reply" if row.queue == Queue.REPLIES else "report",
            number=row.number,
            at=to_rfc3339(row.at_ms) or "",
            attempts=row.attempts,
            next_at=None if row.parked else to_rfc3339(row.next_at_ms),
            parked=row.parked,
            said=row.said,
        )
        for row in connection.execute(query)
    ]

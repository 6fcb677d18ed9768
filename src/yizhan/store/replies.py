"""Replies: stored for the account that they belong to, with the number that they block."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, exists, or_, select

from yizhan.kit.clock import to_rfc3339
from yizhan.model.carriage import Reply
from yizhan.model.handout import Queue
from yizhan.model.views import ReplyView
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.handouts import note_reply
from yizhan.store.lists import block_number
from yizhan.store.revisions import touch
from yizhan.store.schema import accounts, handouts, pushes, replies

NOBODY = 0  # the account id of a reply that belongs to nobody


@dataclass(frozen=True, slots=True)
class Arrived:
    """A reply with what was decided about it. ``account_id`` is NOBODY when it belongs to no account."""

    channel: str
    reply: Reply
    account_id: int
    cell: str
    blocks: tuple[int, ...]  # the accounts for which it blocks its number


def store_replies(connection: Connection, batches: Sequence[Sequence[Arrived]]) -> list[list[int]]:
    """Keep replies and hand them on; the id of each."""
    return [[_store(connection, arrived) for arrived in batch] for batch in batches]


def _store(connection: Connection, arrived: Arrived) -> int:
    raw, reply, account_id = driver(connection), arrived.reply, arrived.account_id
    about = (account_id, arrived.channel, reply.number[:20], reply.sent_to[:32], arrived.cell[:32])
    row = raw.execute(sql.INSERT_REPLY, (*about, reply.text, bool(arrived.blocks), reply.at_ms)).fetchone()
    if account_id != NOBODY:
        note_reply(raw, account_id, reply.number, reply.at_ms, row[0])
    if arrived.blocks:
        touch(connection, "number")
    for blocking_id in arrived.blocks:
        block_number(connection, blocking_id, reply.number, f"reply: {reply.text.strip()[:32]}", reply.at_ms)
    return int(row[0])


def last_sender(
    connection: Connection, number: str, cell: str, among: Collection[int], newest_messages: int
) -> int | None:
    """Which of the accounts wrote to ``number`` (E.164) last, preferring the same Cell, in the newest messages."""
    arguments = (newest_messages, number, json.dumps(sorted(among)), cell)
    row = driver(connection).execute(sql.LAST_SENDER, arguments).fetchone()
    return None if row is None else int(row[0])


def view_replies(
    connection: Connection,
    account_id: int | None,
    limit: int,
    reply_id: int | None = None,
    before: int | None = None,
) -> list[ReplyView]:
    """The newest replies (or those before one), of an account (NOBODY: of none) or of all; or a single one."""
    waits = or_(
        exists().where(
            handouts.c.queue == int(Queue.REPLIES),
            handouts.c.account_id == replies.c.account_id,
            handouts.c.at_ms == replies.c.at_ms,
            handouts.c.item_id == replies.c.id,
        ),
        exists().where(pushes.c.queue == int(Queue.REPLIES), pushes.c.item_id == replies.c.id),
    )
    query = select(replies, accounts.c.corp_id, waits.label("waiting"))
    query = query.outerjoin(accounts, accounts.c.id == replies.c.account_id)
    query = query.order_by(replies.c.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(replies.c.account_id == account_id)
    if reply_id is not None:
        query = query.where(replies.c.id == reply_id)
    if before is not None:
        query = query.where(replies.c.id < before)
    return [
        ReplyView(
            id=row.id,
            at=to_rfc3339(row.at_ms) or "",
            account=row.corp_id,
            number=row.number,
            to=row.sent_to,
            cell=row.cell,
            text=row.text,
            channel=row.channel,
            opted_out=row.opted_out,
            waiting=bool(row.waiting),
        )
        for row in connection.execute(query)
    ]

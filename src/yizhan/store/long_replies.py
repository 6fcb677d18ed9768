"""Long replies: their parts are kept until all have come, whatever bind or order they take, or their time is up."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from yizhan.model.carriage import LongReply, Reply
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver, lock
from yizhan.store.replies import Arrived, store_replies

_GAP = "…"


@dataclass(frozen=True, slots=True)
class Joined:
    """A reply joined from its parts, and the key under which so many are kept."""

    reply: Reply
    key: tuple[Any, ...]
    parts: int


def add_parts(connection: Connection, batches: Sequence[tuple[str, Sequence[LongReply]]]) -> list[list[Joined]]:
    """Keep parts; one that came before changes nothing. Each argument is (channel, parts): the replies complete now.

    Their parts stay until ``store_joined``, so that a crash between the two loses nothing.
    """
    raw = driver(connection)
    complete = []
    for channel, parts in batches:
        lock(raw, f"long replies of {channel}")  # the last two parts may come to two nodes at once
        # A part may end in half a surrogate pair, which no column of text can hold.
        rows = [(*_key(channel, part), part.part, json.dumps(part.text), part.at_ms) for part in parts]
        raw.executemany(sql.ADD_REPLY_PART, rows)
        whole = [_join(raw, key) for key in dict.fromkeys(_key(channel, part) for part in parts)]
        complete.append([joined for joined, gaps in whole if not gaps])
    return complete


def overdue_replies(connection: Connection, channel: str, before_ms: int, limit: int) -> list[Joined]:
    """Replies whose last part came before a moment: what there is of them."""
    raw = driver(connection)
    keys = [tuple(row) for row in raw.execute(sql.OLD_REPLY_PARTS, (channel, before_ms, limit)).fetchall()]
    return [_join(raw, key)[0] for key in keys]


def store_joined(
    connection: Connection, batches: Sequence[tuple[Sequence[Arrived], Sequence[Joined]]]
) -> list[list[int]]:
    """Store joined replies, and forget their parts, in one transaction, unless another node has done so."""
    raw = driver(connection)
    ours = [
        [one for one, joined in zip(arrived, batch, strict=True) if _take(raw, joined)] for arrived, batch in batches
    ]
    return list(store_replies(connection, ours))


def _take(raw: Any, joined: Joined) -> bool:
    return bool(raw.execute(sql.FORGET_REPLY_PARTS, joined.key).rowcount >= joined.parts)


def _key(channel: str, part: LongReply) -> tuple[Any, ...]:
    return (channel, part.number[:20], part.sent_to[:32], part.reference, part.total)


def _join(raw: Any, key: tuple[Any, ...]) -> tuple[Joined, bool]:
    """The text of the parts there are, and whether some are missing."""
    rows = raw.execute(sql.REPLY_PARTS, key).fetchall()
    texts = {row[0]: json.loads(row[1]) for row in rows}
    total = key[4]
    text = "".join(texts.get(part, _GAP) for part in range(1, total + 1))
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    at_ms = max((row[2] for row in rows), default=0)
    return Joined(Reply(key[1], key[2], text, at_ms), key, len(rows)), len(texts) < total

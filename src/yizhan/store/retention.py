"""Retention: what is old goes, in batches so small that traffic does not notice, and the books hold all the same.

A submission goes message by message, then itself with its entry in the ledger; what both cost is added to the account's
row in ``carried``, in the same commit. What nobody has fetched goes first, so that no hand-out names a message that is
gone.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from enum import Enum
from typing import Any

from sqlalchemy import Connection

from yizhan.store import sqlite as sql
from yizhan.store.hand import driver

BATCH_ROWS = 50
KEYS_AT_ONCE = 200 * BATCH_ROWS

# What a batch adds to the accounts' rows in ``carried``: counts, and 1/1000 条.
_Carried = defaultdict[int, Counter[str]]
_AMOUNTS = ("submissions", "messages", "sent_milli", "refunded_milli")


class Kind(Enum):
    """What goes row by row: the statement that finds rows older than a moment, and the one that deletes one of them."""

    HANDOUTS = (sql.OLD_HANDOUTS, sql.CONFIRM_HANDOUT)  # reports and replies that nobody has fetched
    PUSHES = (sql.OLD_PUSHES, sql.DELETE_PUSH)  # the same for webhooks
    REPLIES = (sql.OLD_REPLIES, sql.DELETE_REPLY)
    AUDIT = (sql.OLD_AUDIT, sql.DELETE_AUDIT)

    def __init__(self, find: str, delete: str) -> None:
        self.find = find
        self.delete = delete


def old_submissions(connection: Connection, after: int, before_ms: int) -> tuple[list[int], int | None]:
    """Some submissions behind ``after`` whose messages have all ended before a moment, and behind which to look next.

    For readers: it steps over what may not go. (.., None): there are no more.
    """
    rows = driver(connection).execute(sql.OLD_SUBMISSIONS, (before_ms, after, before_ms, BATCH_ROWS)).fetchall()
    return [row[0] for row in rows if row[1]], rows[-1][0] if len(rows) == BATCH_ROWS else None


def prune_submissions(connection: Connection, wishes: Sequence[tuple[list[int], int]]) -> list[bool]:
    """Prune at most ``BATCH_ROWS`` messages of some submissions; whether any of them has messages left that may go.

    Each wish is (submissions, ended before). What may not go, by now, stays.
    """
    raw = driver(connection)
    return [_prune_submissions(raw, json.dumps(ids), before_ms) for ids, before_ms in wishes]


def _prune_submissions(raw: Any, ids: str, before_ms: int) -> bool:
    rows = raw.execute(sql.OLD_MESSAGES, (ids, before_ms, BATCH_ROWS)).fetchall()
    carried: _Carried = defaultdict(Counter)
    spent: Counter[int] = Counter()
    for _, submission_id, account_id, price_milli, refunded_milli in rows:
        spent[submission_id] += price_milli
        carried[account_id].update(messages=1, refunded_milli=refunded_milli)
    messages = json.dumps([row[0] for row in rows])
    raw.execute(sql.DELETE_PARTS, (messages,))
    raw.execute(sql.DELETE_MESSAGES, (messages,))
    raw.executemany(sql.NOTE_PRUNED, [(milli, submission_id) for submission_id, milli in spent.items()])
    _delete_empty(raw, ids, carried)
    raw.executemany(sql.CARRY, [(account_id, *(row[name] for name in _AMOUNTS)) for account_id, row in carried.items()])
    return len(rows) == BATCH_ROWS


def _delete_empty(raw: Any, ids: str, carried: _Carried) -> None:
    """Submissions without a message left, each with its entry in the ledger."""
    empty = raw.execute(sql.EMPTY_SUBMISSIONS, (ids,)).fetchall()
    by_account: dict[int, list[int]] = defaultdict(list)
    for submission_id, account_id, price_milli in empty:
        carried[account_id].update(submissions=1, sent_milli=price_milli)
        if price_milli:
            by_account[account_id].append(submission_id)
    for account_id, charged in by_account.items():
        # The oldest entries of the account stand first, and each submission has one: the walk ends after a few steps.
        entries = raw.execute(sql.SEND_ENTRIES, (account_id, json.dumps(charged), len(charged))).fetchall()
        raw.execute(sql.DELETE_ENTRIES, (json.dumps([row[0] for row in entries]),))
    gone = json.dumps([row[0] for row in empty])
    raw.execute(sql.DELETE_REQUESTS, (gone,))
    raw.execute(sql.DELETE_SUBMISSIONS, (gone,))


def old_rows(connection: Connection, kind: Kind, before_ms: int) -> list[tuple[int, ...]]:
    """The keys of some rows of a kind from before a moment. For readers: it may look at every row there is."""
    rows: list[tuple[int, ...]] = driver(connection).execute(kind.find, (before_ms, KEYS_AT_ONCE)).fetchall()
    return rows


def prune_rows(connection: Connection, wishes: Sequence[tuple[Kind, list[tuple[int, ...]]]]) -> list[int]:
    """Delete rows by their keys; how many of each wish were still there."""
    raw = driver(connection)
    return [raw.executemany(kind.delete, keys).rowcount for kind, keys in wishes]

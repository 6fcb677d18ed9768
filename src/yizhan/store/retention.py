"""Retention: what is old goes, in batches so small that traffic does not notice, and the books hold all the same.

A submission goes message by message, then itself with its entry in the ledger; what both cost is added to the account's
row in ``carried``, in the same commit. What nobody has fetched goes first, so that no hand-out names a message that is
gone.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from yizhan.store import sqlite as sql
from yizhan.store.database import driver

BATCH_ROWS = 200


@dataclass(frozen=True, slots=True)
class Cutoffs:
    """What is older goes, as UTC ms; 0: nothing does."""

    messages_ms: int = 0  # since the last message of a submission ended
    unfetched_ms: int = 0  # reports and replies that nobody has fetched, and pushes that were given up
    replies_ms: int = 0
    audit_ms: int = 0


def old_submissions(connection: Connection, after: int, before_ms: int) -> tuple[list[int], int]:
    """Some submissions behind ``after`` whose messages have all ended before a moment, and behind which to look next.

    For readers: it steps over what may not go. (.., 0): there are no more.
    """
    rows = driver(connection).execute(sql.OLD_SUBMISSIONS, (before_ms, after, before_ms, BATCH_ROWS)).fetchall()
    return [row[0] for row in rows if row[1]], rows[-1][0] if len(rows) == BATCH_ROWS else 0


def prune_submissions(connection: Connection, wishes: Sequence[tuple[list[int], int]]) -> list[bool]:
    """Prune at most ``BATCH_ROWS`` messages of some submissions; whether any of them has messages left that may go.

    Each wish is (submissions, ended before). What may not go, by now, stays.
    """
    raw = driver(connection)
    return [_prune_submissions(raw, json.dumps(ids), before_ms) for ids, before_ms in wishes]


def _prune_submissions(raw: Any, ids: str, before_ms: int) -> bool:
    rows = raw.execute(sql.OLD_MESSAGES, (ids, before_ms, BATCH_ROWS)).fetchall()
    carried = _Carried()
    spent: dict[int, int] = defaultdict(int)
    for _, submission_id, account_id, price_milli, refunded_milli in rows:
        spent[submission_id] += price_milli
        carried.add(account_id, messages=1, refunded_milli=refunded_milli)
    messages = json.dumps([row[0] for row in rows])
    raw.execute(sql.DELETE_PARTS, (messages,))
    raw.execute(sql.DELETE_MESSAGES, (messages,))
    raw.executemany(sql.NOTE_PRUNED, [(milli, submission_id) for submission_id, milli in spent.items()])
    _delete_empty(raw, ids, carried)
    carried.write(raw)
    return len(rows) == BATCH_ROWS


def _delete_empty(raw: Any, ids: str, carried: "_Carried") -> None:
    """Submissions without a message left, each with its entry in the ledger."""
    empty = raw.execute(sql.EMPTY_SUBMISSIONS, (ids,)).fetchall()
    by_account: dict[int, list[int]] = defaultdict(list)
    for submission_id, account_id, price_milli in empty:
        carried.add(account_id, submissions=1, sent_milli=price_milli)
        if price_milli:
            by_account[account_id].append(submission_id)
    for account_id, charged in by_account.items():
        # The oldest entries of the account stand first, and each submission has one: the walk ends after a few steps.
        entries = raw.execute(sql.SEND_ENTRIES, (account_id, json.dumps(charged), len(charged))).fetchall()
        raw.execute(sql.DELETE_ENTRIES, (json.dumps([row[0] for row in entries]),))
    raw.execute(sql.DELETE_SUBMISSIONS, (json.dumps([row[0] for row in empty]),))


class _Carried:
    """What a batch adds to the accounts' rows in ``carried``."""

    def __init__(self) -> None:
        self._by_account: dict[int, dict[str, int]] = {}

    def add(self, account_id: int, **amounts: int) -> None:
        """Counts and 1/1000 条."""
        row = self._by_account.setdefault(
            account_id, {"submissions": 0, "messages": 0, "sent_milli": 0, "refunded_milli": 0}
        )
        for name, amount in amounts.items():
            row[name] += amount

    def write(self, raw: Any) -> None:
        """Add them."""
        raw.executemany(sql.CARRY, [(account_id, *row.values()) for account_id, row in self._by_account.items()])


def prune_others(connection: Connection, wishes: Sequence[Cutoffs]) -> list[int]:
    """A batch of everything else that is too old; how many rows went. 0: nothing is left to go."""
    raw = driver(connection)
    return [_prune_others(raw, cutoffs) for cutoffs in wishes]


def _prune_others(raw: Any, cutoffs: Cutoffs) -> int:
    count = 0
    if cutoffs.unfetched_ms:
        for queue, account_id in raw.execute(sql.HANDOUT_QUEUES).fetchall():
            count += _gone(raw, sql.DELETE_HANDOUTS, (queue, account_id, cutoffs.unfetched_ms, BATCH_ROWS))
        count += _gone(raw, sql.DELETE_PUSHES, (cutoffs.unfetched_ms, BATCH_ROWS))
    if cutoffs.replies_ms:
        count += _gone(raw, sql.DELETE_REPLIES, (cutoffs.replies_ms, BATCH_ROWS))
    if cutoffs.audit_ms:
        count += _gone(raw, sql.DELETE_AUDIT, (cutoffs.audit_ms, BATCH_ROWS))
    return count


def _gone(raw: Any, statement: str, values: tuple[int, ...]) -> int:
    return int(raw.execute(statement, values).rowcount)

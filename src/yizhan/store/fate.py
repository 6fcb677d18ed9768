"""Fate: what a batch of answers or receipts does to messages, written for all of them together."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from yizhan.model.message import State, whole_state
from yizhan.store import sqlite as sql
from yizhan.store.hand import lock_messages
from yizhan.store.handouts import note_ends
from yizhan.store.ledger import refund


@dataclass(slots=True)
class Changes:
    """What a batch does to messages: their parts' states are in the rows by now."""

    whole: list[tuple[Any, ...]] = field(default_factory=list)  # arguments of SETTLE_MESSAGE
    several: dict[int, int] = field(default_factory=dict)  # message of several parts -> when
    back: list[tuple[Any, ...]] = field(default_factory=list)  # arguments of GIVE_BACK
    # message -> (parts to pay back, of so many that left)
    failed_parts: dict[int, tuple[int, int]] = field(default_factory=dict)

    def fail_parts(self, message_id: int, count: int, of: int) -> None:
        """Pay back ``count`` of the message's parts."""
        before, _ = self.failed_parts.get(message_id, (0, of))
        self.failed_parts[message_id] = (before + count, of)


def apply(raw: Any, changes: Changes, at_ms: int) -> None:
    """Write the states of the messages, hand out their ends, pay back."""
    lock_messages(raw, {row[4] for row in changes.whole} | changes.several.keys() | changes.failed_parts.keys())
    if changes.several:
        changes.whole.extend(_wholes(raw, changes.several))
    note_ends(raw, ((row[4], State(row[0]), row[3]) for row in changes.whole if row[3] is not None))
    raw.executemany(sql.SETTLE_MESSAGE, changes.whole)
    if changes.failed_parts:
        _pay_back(raw, changes.failed_parts, at_ms)


def _wholes(raw: Any, several: dict[int, int]) -> Iterable[tuple[Any, ...]]:
    """The states of messages of several parts, once each part of the current attempt is answered.

    A definite end stands: another part that fails later is paid back, but changes no word that clients may have read.
    """
    found = raw.execute(sql.PARTS_OF_ATTEMPT, (json.dumps(list(several)),)).fetchall()
    for message_id, group in groupby(found, key=lambda row: row[0]):
        rows = list(group)
        before, at_ms = State(rows[0][4]), several[message_id]
        state = whole_state([State(row[1]) for row in rows], rows[0][3])
        if state is not State.SENDING and (before is State.UNKNOWN or not before.final):
            word = next((row[2] for row in rows if row[1] == state), "")
            yield (int(state), word, at_ms, at_ms if state.final else None, message_id)


def _pay_back(raw: Any, failed_parts: dict[int, tuple[int, int]], at_ms: int) -> None:
    """The price of each failed part, to its account: one entry per account and commit."""
    by_account: dict[int, int] = defaultdict(int)
    amounts: list[tuple[int, int]] = []
    paid = raw.execute(sql.PAID, (json.dumps(list(failed_parts)),)).fetchall()
    for message_id, account_id, price_milli, parts, refunded_milli in paid:
        count, of = failed_parts[message_id]
        # Never more than was paid: a part may fail in two attempts when the first one's fate was uncertain. A message
        # may leave in another number of parts than it was paid for; when all of them fail, all is paid back.
        share = price_milli if count >= of else price_milli // max(parts, of) * count
        amount = min(share, price_milli - refunded_milli)
        amounts.append((amount, message_id))
        by_account[account_id] += amount
    raw.executemany(sql.REFUND_MESSAGE, amounts)
    refund(raw, by_account, at_ms)

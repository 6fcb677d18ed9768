"""Fate: what a batch of answers or receipts does to messages, written for all of them together."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from yizhan.model.message import State, whole_state
from yizhan.store import sqlite as sql
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
    for message_id, settled_at_ms in changes.several.items():
        changes.whole.extend(_whole(raw, message_id, settled_at_ms))
    note_ends(raw, ((row[4], State(row[0]), row[3]) for row in changes.whole if row[3] is not None))
    raw.executemany(sql.SETTLE_MESSAGE, changes.whole)
    if changes.failed_parts:
        _pay_back(raw, changes.failed_parts, at_ms)


def _whole(raw: Any, message_id: int, at_ms: int) -> Iterable[tuple[Any, ...]]:
    """The state of a message of several parts, once each of the current attempt is answered.

    A definite end stands: another part that fails later is paid back, but changes no word that clients may have read.
    """
    rows = raw.execute(sql.PARTS_OF_ATTEMPT, (message_id,)).fetchall()
    if not rows:
        return
    before = State(rows[0][3])
    state = whole_state([State(row[0]) for row in rows], rows[0][2])
    if state is not State.SENDING and (before is State.UNKNOWN or not before.final):
        word = next((row[1] for row in rows if row[0] == state), "")
        yield (int(state), word, at_ms, at_ms if state.final else None, message_id)


def _pay_back(raw: Any, failed_parts: dict[int, tuple[int, int]], at_ms: int) -> None:
    """The price of each failed part, to its account: one entry per account and commit."""
    by_account: dict[int, int] = defaultdict(int)
    for message_id, (count, of) in failed_parts.items():
        query = "SELECT account_id, price_milli, parts, refunded_milli FROM messages WHERE id = ?"
        account_id, price_milli, parts, refunded_milli = raw.execute(query, (message_id,)).fetchone()
        # Never more than was paid: a part may fail in two attempts when the first one's fate was uncertain. A message
        # may leave in another number of parts than it was paid for; when all of them fail, all is paid back.
        share = price_milli if count >= of else price_milli // max(parts, of) * count
        amount = min(share, price_milli - refunded_milli)
        raw.execute(sql.REFUND_MESSAGE, (amount, message_id))
        by_account[account_id] += amount
    refund(raw, by_account, at_ms)

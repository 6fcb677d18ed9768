"""Settle: the carrier's answers and receipts become states, and money goes back for what definitely failed."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from yizhan.model.carriage import Answer, Receipt
from yizhan.model.message import State, receipt_state, whole_state
from yizhan.model.settings import RefundRule
from yizhan.store import sqlite as sql
from yizhan.store.database import driver
from yizhan.store.ledger import refund

# A receipt ends in one of these states definitely undelivered; UNKNOWN is not among them.
_DEFINITE = (State.FAILED, State.EXPIRED, State.REJECTED)


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers of one channel, with the rule by which refused parts are paid back."""

    channel: str
    answers: Sequence[Answer]
    refund: RefundRule


@dataclass(frozen=True, slots=True)
class Reported:
    """Receipts of one channel, likewise."""

    channel: str
    receipts: Sequence[Receipt]
    refund: RefundRule


@dataclass(slots=True)
class _Changes:
    """What a batch does to messages: their parts' states are in the rows by now."""

    whole: list[tuple[Any, ...]] = field(default_factory=list)  # arguments of SETTLE_MESSAGE
    several: dict[int, int] = field(default_factory=dict)  # message of several parts -> when
    failed_parts: dict[int, int] = field(default_factory=lambda: defaultdict(int))  # message -> parts to pay back


def settle_answers(connection: Connection, batches: Sequence[Answered]) -> list[None]:
    """Store each part's answer; a message whose every part is answered is sent, or failed if one was refused."""
    raw = driver(connection)
    for batch in batches:
        changes = _Changes()
        rows: list[tuple[Any, ...]] = []
        for answer in batch.answers:
            state = State.SENT if answer.taken else State.FAILED
            finished_at_ms = None if answer.taken else answer.at_ms
            carrier_says = (answer.carrier_id or None, int(state), answer.word, answer.at_ms, finished_at_ms)
            rows.append((answer.part, batch.channel, *carrier_says, answer.message_id))
            if answer.of == 1:
                changes.whole.append((int(state), answer.word, answer.at_ms, finished_at_ms, answer.message_id))
            else:
                changes.several[answer.message_id] = answer.at_ms
            if not answer.taken and batch.refund is not RefundRule.NEVER:
                changes.failed_parts[answer.message_id] += 1
        raw.executemany(sql.INSERT_PART, rows)
        _apply(raw, changes, max((answer.at_ms for answer in batch.answers), default=0))
        _match_parked(raw, batch)
    return [None] * len(batches)


def settle_receipts(connection: Connection, batches: Sequence[Reported]) -> list[None]:
    """Store each receipt; a final one of an unknown part waits for its answer, a repeated one changes nothing."""
    raw = driver(connection)
    for batch in batches:
        known = _known_parts(raw, batch.channel, [receipt.carrier_id for receipt in batch.receipts])
        unknown = [r for r in batch.receipts if r.carrier_id not in known and receipt_state(r.word) is not None]
        raw.executemany(sql.PARK_RECEIPT, [(batch.channel, r.carrier_id, r.word[:32], r.at_ms) for r in unknown])
        _report(raw, batch, known)
    return [None] * len(batches)


def _report(raw: Any, batch: Reported, known: dict[str, tuple[int, int, State]]) -> None:
    changes = _Changes()
    rows = []
    for receipt in batch.receipts:
        found = known.get(receipt.carrier_id)
        state = receipt_state(receipt.word)
        if found is None or state is None:
            continue
        message_id, of, before = found
        if before.final and before is not State.UNKNOWN:
            continue  # the same report once more, or one that contradicts a final state: the first final one stands
        known[receipt.carrier_id] = (message_id, of, state)
        word = receipt.word[:32]
        rows.append((int(state), word, receipt.at_ms, batch.channel, receipt.carrier_id))
        if of == 1:
            changes.whole.append((int(state), word, receipt.at_ms, receipt.at_ms, message_id))
        else:
            changes.several[message_id] = receipt.at_ms
        if state in _DEFINITE and batch.refund is RefundRule.FAILED:
            changes.failed_parts[message_id] += 1
    raw.executemany(sql.FINISH_PART, rows)
    _apply(raw, changes, max((receipt.at_ms for receipt in batch.receipts), default=0))


def _match_parked(raw: Any, batch: Answered) -> None:
    """Receipts that came before their answer."""
    if raw.execute("SELECT 1 FROM parked_receipts LIMIT 1").fetchone() is None:
        return
    taken = json.dumps([answer.carrier_id for answer in batch.answers if answer.taken])
    parked = [Receipt(*row) for row in raw.execute(sql.TAKE_PARKED, (batch.channel, taken)).fetchall()]
    if parked:
        known = _known_parts(raw, batch.channel, [receipt.carrier_id for receipt in parked])
        _report(raw, Reported(batch.channel, parked, batch.refund), known)


def _known_parts(raw: Any, channel: str, carrier_ids: Sequence[str]) -> dict[str, tuple[int, int, State]]:
    """carrier id -> (message, its number of parts, the part's state)."""
    rows = raw.execute(sql.KNOWN_PARTS, (channel, json.dumps(carrier_ids)))
    return {row[0]: (row[1], row[2], State(row[3])) for row in rows}


def _apply(raw: Any, changes: _Changes, at_ms: int) -> None:
    for message_id, settled_at_ms in changes.several.items():
        changes.whole.extend(_whole(raw, message_id, settled_at_ms))
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


def _pay_back(raw: Any, failed_parts: dict[int, int], at_ms: int) -> None:
    """The price of each failed part, to its account: one entry per account and commit."""
    by_account: dict[int, int] = defaultdict(int)
    for message_id, count in failed_parts.items():
        query = "SELECT account_id, price_milli, parts, refunded_milli FROM messages WHERE id = ?"
        account_id, price_milli, parts, refunded_milli = raw.execute(query, (message_id,)).fetchone()
        # Never more than was paid: a part may fail in two attempts when the first one's fate was uncertain.
        amount = min(price_milli // parts * count, price_milli - refunded_milli)
        raw.execute(sql.REFUND_MESSAGE, (amount, message_id))
        by_account[account_id] += amount
    refund(raw, by_account, at_ms)

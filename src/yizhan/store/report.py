"""Report: what carriers say of parts that they took, in whatever order and under whatever id they say it."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from yizhan.model.carriage import Answer, Receipt
from yizhan.model.message import State, receipt_state
from yizhan.model.settings import RefundRule
from yizhan.store import sqlite as sql
from yizhan.store.fate import Changes, apply
from yizhan.store.hand import driver, lock
from yizhan.wire.smpp.receipts import id_key, keys_of_answer

# A receipt ends in one of these states definitely undelivered; UNKNOWN is not among them.
_DEFINITE = (State.FAILED, State.EXPIRED, State.REJECTED)


@dataclass(frozen=True, slots=True)
class Reported:
    """Receipts of one channel, with the rule by which failed parts are paid back."""

    channel: str
    receipts: Sequence[Receipt]
    refund: RefundRule


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a batch: for each receipt the key of the answer that it belongs to, empty when that was not found by
    the number, too; and for each part that it ended, how long its report took.
    """

    keys: list[str]
    delays_ms: list[int]


@dataclass(slots=True)
class _Part:
    """A part that a receipt may be about."""

    key: str
    message_id: int
    attempt: int
    part: int
    state: State
    number: str
    of: int
    answered_at_ms: int

    @property
    def open(self) -> bool:
        """Whether a report still changes it."""
        return not self.state.final or self.state is State.UNKNOWN


def settle_receipts(connection: Connection, batches: Sequence[Reported]) -> list[Found]:
    """Store each receipt. One of an unknown part waits for its answer, a repeated one changes nothing."""
    raw = driver(connection)
    return [_report(raw, batch) for batch in batches]


def match_parked(raw: Any, channel: str, taken: Sequence[Answer], rule: RefundRule) -> None:
    """Receipts that came before these answers, whose parts are stored by now."""
    if not taken:
        return
    lock(raw, _parking(channel), shared=True)
    if raw.execute(sql.ANY_PARKED, (channel,)).fetchone() is None:
        return
    if parked := _parked_about(raw, channel, taken):
        report = _Report(raw, Reported(channel, parked, rule))
        strange = set(report.match(range(len(parked))))
        rows = [_parked(channel, receipt) for place, receipt in enumerate(parked) if place not in strange]
        raw.executemany(sql.FORGET_PARKED, [row[:3] for row in rows])
        report.store()


def _parking(channel: str) -> str:
    """The lock by which answers and receipts of a channel, stored at once by two nodes, do not miss each other.

    Who parks has it alone, and looks once more for the part; who stores parts shares it while looking for what is
    parked. So one of the two always comes after the other's commit.
    """
    return f"receipts of {channel}"


def _parked_about(raw: Any, channel: str, taken: Sequence[Answer]) -> list[Receipt]:
    """Parked receipts that may be about these parts."""
    keys = {key: id_key(answer.carrier_id) for answer in taken for key in keys_of_answer(answer.carrier_id)}
    found = []
    for key, word, at_ms, number, carrier_id in raw.execute(sql.PARKED, (channel, json.dumps(sorted(keys)))).fetchall():
        found.append(Receipt(tuple(dict.fromkeys((key, keys[key]))), word, at_ms, number, carrier_id))
    ids = json.dumps([answer.message_id for answer in taken])
    return found + _receipts(raw.execute(sql.PARKED_WITHOUT_ID, (channel, ids)).fetchall())


def _report(raw: Any, batch: Reported) -> Found:
    report = _Report(raw, batch)
    strange = report.match(range(len(batch.receipts)))
    if strange and lock(raw, _parking(batch.channel)):
        strange = report.match(strange)
    raw.executemany(sql.PARK_RECEIPT, [_parked(batch.channel, batch.receipts[place]) for place in strange])
    report.store()
    return Found(report.found, report.delays_ms)


class _Report:
    """A batch of receipts on its way to the parts that they are about."""

    def __init__(self, raw: Any, batch: Reported) -> None:
        self.found = [""] * len(batch.receipts)  # the key of the answer that each belongs to
        self.delays_ms: list[int] = []
        self._raw = raw
        self._batch = batch
        self._known = _Known(raw, batch.channel)
        self._changes = Changes()
        self._rows: list[tuple[Any, ...]] = []

    def match(self, places: Sequence[int]) -> list[int]:
        """Find the parts of the receipts at these places of the batch: the places of those of unknown parts."""
        receipts, strange = self._batch.receipts, []
        self._known.look([receipts[place] for place in places])
        for place in places:
            receipt = receipts[place]
            state = receipt_state(receipt.word)
            part = self._known.find(receipt)
            self.found[place] = part.key if part and part.number == receipt.number else ""
            if state is None:
                continue
            if part is None:
                strange.append(place)
            elif part.open:  # else the same report once more, or one that contradicts: the first final one stands
                part.state = state
                self.delays_ms.append(max(0, receipt.at_ms - part.answered_at_ms))
                _end(self._changes, self._rows, self._batch, receipt, part)
        return strange

    def store(self) -> None:
        """Write what was found."""
        self._raw.executemany(sql.FINISH_PART, self._rows)
        apply(self._raw, self._changes, max((receipt.at_ms for receipt in self._batch.receipts), default=0))


class _Known:
    """The parts that a batch of receipts may be about, as they stand while the batch is worked through."""

    def __init__(self, raw: Any, channel: str) -> None:
        self._raw = raw
        self._channel = channel
        self._by_key: dict[str, list[_Part]] = {}
        self._parts: dict[tuple[int, int, int], _Part] = {}  # one object a part, however it was found

    def look(self, receipts: Sequence[Receipt]) -> None:
        """What the store knows of the ids of these."""
        keys = sorted({key for receipt in receipts for key in receipt.keys})
        by_key: dict[str, list[_Part]] = {key: [] for key in keys}
        for row in self._raw.execute(sql.KNOWN_PARTS, (self._channel, json.dumps(keys))):
            part = self._one(_Part(row[0], row[1], row[2], row[3], State(row[4]), *row[5:]))
            by_key.setdefault(part.key, []).append(part)
        self._by_key |= by_key

    def find(self, receipt: Receipt) -> _Part | None:
        """The part that a receipt is about: the newest open one whose message went to the receipt's number.

        The number tells a hexadecimal id from a decimal one, and a part from an older one under the same id. Carriers
        that name no number, or another one, are believed when they repeat the answer's id as it was.
        """
        if not receipt.keys:
            return self._find_by_number(receipt)
        fitting = [part for key in receipt.keys for part in self._by_key.get(key, ()) if part.number == receipt.number]
        if not fitting:
            fitting = self._by_key.get(receipt.keys[0], [])
        return next((part for part in fitting if part.open), fitting[0] if fitting else None)

    def _find_by_number(self, receipt: Receipt) -> _Part | None:
        """For a receipt without an id: the oldest part to its number that still awaits one."""
        if not receipt.number:
            return None
        ended = sum(part.state is not State.SENT for part in self._parts.values())
        for row in self._raw.execute(sql.AWAITING_PARTS, (receipt.number, self._channel, ended + 1)):
            part = self._one(_Part("", row[0], row[1], row[2], State(row[3]), receipt.number, *row[4:]))
            if part.state is State.SENT:
                return part
        return None

    def _one(self, part: _Part) -> _Part:
        return self._parts.setdefault((part.message_id, part.attempt, part.part), part)


def _end(changes: Changes, rows: list[tuple[Any, ...]], batch: Reported, receipt: Receipt, part: _Part) -> None:
    word, at_ms, state = receipt.word[:32], receipt.at_ms, part.state
    rows.append((int(state), word, at_ms, part.message_id, part.attempt, part.part))
    if part.of == 1:
        changes.whole.append((int(state), word, at_ms, at_ms, part.message_id))
    else:
        changes.several[part.message_id] = at_ms
    if state in _DEFINITE and batch.refund is RefundRule.FAILED:
        changes.fail_parts(part.message_id, 1, part.of)


def _parked(channel: str, receipt: Receipt) -> tuple[Any, ...]:
    key = receipt.keys[0] if receipt.keys else ""
    return (channel, key, receipt.number[:20], receipt.carrier_id[:80], receipt.word[:32], receipt.at_ms)


def settle_held(connection: Connection, wishes: Sequence[tuple[str, int, int, RefundRule]]) -> list[int]:
    """Held messages for whose number a report has come that belongs to no known part: it is theirs.

    Each wish is (channel, held before, at most so many, rule); how many messages got a report. A message whose number
    several messages are held for waits on: nobody can say which of them was meant.
    """
    raw = driver(connection)
    return [_settle_held(raw, *wish) for wish in wishes]


def _settle_held(raw: Any, channel: str, before_ms: int, limit: int, rule: RefundRule) -> int:
    held = raw.execute(sql.HELD, (channel, before_ms, limit)).fetchall()
    numbers = Counter(row[1] for row in held)
    count = 0
    for message_id, number, attempt, claimed_at_ms, parts in held:
        if numbers[number] > 1:
            continue
        receipts = _receipts(raw.execute(sql.TAKE_PARKED_FOR, (channel, number, claimed_at_ms)))
        known = {row[0] for row in raw.execute(sql.PARTS_OF, (message_id,))}
        free = [part for part in range(1, parts + 1) if part not in known]
        changes, batch = Changes(), Reported(channel, receipts, rule)
        rows: list[tuple[Any, ...]] = []
        for place, receipt in zip(free, receipts, strict=False):
            key, state = (receipt.keys or (None,))[0], receipt_state(receipt.word) or State.SENT
            about = (int(State.SENT), "", receipt.at_ms, None)
            raw.execute(sql.INSERT_PART, (place, channel, receipt.carrier_id, key, parts, *about, message_id))
            _end(changes, rows, batch, receipt, _Part("", message_id, attempt, place, state, number, parts, 0))
        raw.executemany(sql.FINISH_PART, rows)
        apply(raw, changes, max((receipt.at_ms for receipt in receipts), default=0))
        count += bool(receipts)
    return count


def _receipts(rows: Iterable[Sequence[Any]]) -> list[Receipt]:
    """Parked rows as receipts again."""
    return [Receipt((row[0],) if row[0] else (), row[1], row[2], row[3], row[4]) for row in rows]


def unreported(connection: Connection, channel: str, before_ms: int, limit: int) -> list[int]:
    """Messages sent before a moment that still await their last report. A walk over all that await one: for readers."""
    return [row[0] for row in driver(connection).execute(sql.UNREPORTED, (before_ms, channel, limit))]


def close_unreported(connection: Connection, wishes: Sequence[tuple[Sequence[int], int]]) -> list[None]:
    """Messages that have waited too long for their last report are UNKNOWN; one that comes later still counts.

    Each wish is (messages, now).
    """
    raw = driver(connection)
    for message_ids, now_ms in wishes:
        raw.executemany(sql.UNREPORTED_PARTS, [(now_ms, message_id) for message_id in message_ids])
        apply(raw, Changes(several=dict.fromkeys(message_ids, now_ms)), now_ms)
    return [None] * len(wishes)

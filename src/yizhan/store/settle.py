"""Settle: how handing over ended becomes the state of messages, and money goes back for what definitely failed."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from yizhan.model.carriage import Answer
from yizhan.model.message import State
from yizhan.model.outcome import Outcome
from yizhan.model.settings import RefundRule
from yizhan.policy.backoff import delay_s
from yizhan.policy.route_key import tried_by
from yizhan.policy.turns import Crowd
from yizhan.store import sqlite as sql
from yizhan.store.fate import Changes, apply
from yizhan.store.hand import driver
from yizhan.store.handouts import note_ends
from yizhan.store.ledger import refund
from yizhan.store.report import match_parked
from yizhan.wire.smpp.receipts import id_key


@dataclass(frozen=True, slots=True)
class Manner:
    """How a channel's troubles are treated."""

    refund: RefundRule
    resend: bool = True  # what is uncertain is sent again; else it is held
    max_attempts: int = 5  # of a message that the carrier refuses for the moment
    first_pause_s: float = 5
    longest_pause_s: float = 600


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers of one channel; all parts of a letter stand one behind the other."""

    channel: str
    answers: Sequence[Answer]
    manner: Manner
    epoch: int = 0  # of the berth that the letters were claimed for; 0: there are no berths


def settle_answers(connection: Connection, batches: Sequence[Answered]) -> list[int]:
    """Store how each letter of each batch ended: how many messages wait again.

    A message is sent when the carrier took any of its parts, and failed when it refused them all for good. What never
    left, or was refused for the moment, is queued again; what was written and never answered is uncertain. Letters of
    an epoch that is over are somebody else's by now: what is said of them changes nothing.
    """
    raw = driver(connection)
    waiting = []
    for batch in batches:
        changes = Changes()
        rows: list[tuple[Any, ...]] = []
        ours = _ours(raw, batch) if batch.epoch else batch.answers
        for message_id, parts in groupby(ours, key=lambda answer: answer.message_id):
            answers = list(parts)
            if answers[0].of == 1 and answers[0].taken:  # nearly every letter is this one
                answer = answers[0]
                rows.append(_row(batch.channel, answer, State.SENT))
                changes.whole.append((int(State.SENT), "", answer.at_ms, None, message_id))
            else:
                _settle_letter(raw, batch, answers, changes, rows)
        raw.executemany(sql.INSERT_PART, rows)
        raw.executemany(sql.GIVE_BACK, changes.back)
        apply(raw, changes, max((answer.at_ms for answer in batch.answers), default=0))
        match_parked(raw, batch.channel, [answer for answer in ours if answer.taken], batch.manner.refund)
        waiting.append(len(changes.back))
    return waiting


def _ours(raw: Any, batch: Answered) -> list[Answer]:
    """The answers about messages that are still being sent under the batch's epoch; they are locked."""
    ids = json.dumps(list({answer.message_id for answer in batch.answers}))
    held = {row[0] for row in raw.execute(sql.OF_EPOCH, (ids, batch.epoch))}
    return [answer for answer in batch.answers if answer.message_id in held]


def _row(channel: str, answer: Answer, state: State) -> tuple[Any, ...]:
    """Arguments of INSERT_PART. A part that was taken without an id is found by its number alone."""
    taken = state is State.SENT
    key = id_key(answer.carrier_id) or None if taken else None
    id_and_key = (answer.carrier_id if taken else None, key)
    ended_at_ms = None if taken else answer.at_ms
    about = (int(state), answer.word, answer.at_ms, ended_at_ms)
    return (answer.part, channel, *id_and_key, answer.of, *about, answer.message_id)


def _settle_letter(
    raw: Any, batch: Answered, answers: Sequence[Answer], changes: Changes, rows: list[tuple[Any, ...]]
) -> None:
    """Every letter that did not simply leave."""
    outcomes = {answer.outcome for answer in answers}
    last, manner = answers[-1], batch.manner
    message_id, at_ms = last.message_id, max(answer.at_ms for answer in answers)
    told = [answer for answer in answers if answer.outcome not in (Outcome.UNCERTAIN, Outcome.UNWRITTEN)]
    rows.extend(_row(batch.channel, one, State.SENT if one.taken else State.FAILED) for one in told)
    word = next((answer.word for answer in answers if not answer.taken and answer.word), "")
    if Outcome.UNCERTAIN in outcomes:
        state = State.QUEUED if manner.resend else State.UNCERTAIN
        changes.back.append((int(state), at_ms, word, 1, 0, "", message_id))
    elif Outcome.TAKEN in outcomes:
        changes.several[message_id] = at_ms
        _fail(changes, manner, message_id, sum(not answer.taken for answer in answers), last.of)
    elif Outcome.REFUSED in outcomes:
        changes.whole.append((int(State.FAILED), word, at_ms, at_ms, message_id))
        _fail(changes, manner, message_id, last.of, last.of)
    elif Outcome.BARRED in outcomes:
        changes.back.append((int(State.QUEUED), at_ms, word, 0, 0, tried_by(batch.channel), message_id))
    elif Outcome.BUSY in outcomes:
        attempts = raw.execute(sql.ATTEMPTS, (message_id,)).fetchone()[0]
        if attempts >= manner.max_attempts:
            changes.whole.append((int(State.FAILED), word, at_ms, at_ms, message_id))
            _fail(changes, manner, message_id, last.of, last.of)
        else:
            jitter = message_id % 97 / 96  # messages that were refused together do not come back together
            pause_s = delay_s(attempts, manner.first_pause_s, manner.longest_pause_s, jitter)
            changes.back.append((int(State.QUEUED), at_ms + int(pause_s * 1000), word, 0, 0, "", message_id))
    else:
        changes.back.append((int(State.QUEUED), at_ms, "", 0, 1, "", message_id))


def _fail(changes: Changes, manner: Manner, message_id: int, count: int, of: int) -> None:
    if manner.refund is not RefundRule.NEVER and count:
        changes.fail_parts(message_id, count, of)


def give_up(connection: Connection, message_ids: Sequence[int], at_ms: int, rule: RefundRule) -> int:
    """Messages that are not sent any more by an operator's word: failed, and paid back; how many."""
    return _give_up(driver(connection), message_ids, "DELETED", at_ms, rule)


def give_up_crowd(connection: Connection, wishes: Sequence[tuple[Crowd, int, int, RefundRule]]) -> list[int]:
    """Queued messages that no channel is left for: each wish is (crowd, at most so many, at_ms, rule); how many."""
    raw = driver(connection)
    counts = []
    for crowd, limit, at_ms, rule in wishes:
        lane, account_id, route_key = crowd
        ids = [row[0] for row in raw.execute(sql.CROWD, (int(lane), account_id, route_key, limit))]
        counts.append(_give_up(raw, ids, "REJECTD", at_ms, rule))
    return counts


def fail_held(connection: Connection, wishes: Sequence[tuple[str, int, int, int, RefundRule]]) -> list[int]:
    """Held messages whose time is up. Each wish is (channel, held before, now, at most so many, rule); how many."""
    raw = driver(connection)
    counts = []
    for channel, before_ms, now_ms, limit, rule in wishes:
        ids = [row[0] for row in raw.execute(sql.HELD, (channel, before_ms, limit))]
        counts.append(_give_up(raw, ids, "UNKNOWN", now_ms, rule))
    return counts


def _give_up(raw: Any, message_ids: Sequence[int], word: str, at_ms: int, rule: RefundRule) -> int:
    rows = raw.execute(sql.GIVEN_UP, (json.dumps(list(message_ids)),)).fetchall()
    note_ends(raw, [(row[0], State.FAILED, at_ms) for row in rows])
    by_account: dict[int, int] = defaultdict(int)
    for message_id, account_id, paid_milli, last_word in rows:
        amount = 0 if rule is RefundRule.NEVER else paid_milli
        raw.execute(sql.GIVE_UP, (at_ms, last_word or word, amount, message_id))
        by_account[account_id] += amount
    refund(raw, by_account, at_ms)
    return len(rows)

"""The queue: what waits, claiming it for a channel, promoting what has become due, and leases lost in a crash."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from yizhan.model.carriage import Letter
from yizhan.model.message import Lane, State
from yizhan.model.submission import Encoding
from yizhan.policy.turns import Crowd
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver


def holds(raw: Any, epoch: int) -> bool:
    """Whether a berth still has this epoch; if so, nobody takes it before the transaction has ended."""
    return raw.execute(sql.HOLD_EPOCH, (epoch,)).fetchone() is not None


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish for at most ``limit`` messages of one crowd, for a channel."""

    channel: str
    crowd: Crowd
    limit: int
    now_ms: int
    epoch: int = 0  # of the channel's berth at this node; 0: there are no berths


def claim(connection: Connection, rounds: Sequence[Sequence[Claim]]) -> list[list[list[Letter]]]:
    """Lease messages, oldest first, for each claim of each round. The lease is committed before anything is handed
    over, so that a message which may have been written to a carrier is never taken for one that was not.
    """
    raw = driver(connection)
    return [_claim_round(raw, claims) for claims in rounds]


def _claim_round(raw: Any, claims: Sequence[Claim]) -> list[list[Letter]]:
    leased: list[list[Any]] = []
    for wish in claims:
        if wish.epoch and not holds(raw, wish.epoch):
            leased.append([])
            continue
        lane, account_id, route_key = wish.crowd
        wanted = (wish.channel, wish.now_ms, int(lane), account_id, route_key, wish.limit, wish.epoch)
        leased.append(sorted(raw.execute(sql.CLAIM, wanted).fetchall()))
    texts = _texts(raw, sorted({row[1] for rows in leased for row in rows}))
    return [[Letter(row[0], row[2], *texts[row[1]]) for row in rows] for rows in leased]


def crowd_sizes(connection: Connection, shares: Sequence[tuple[Crowd, int]], now_ms: int) -> list[tuple[Crowd, int]]:
    """How many messages of each crowd could be claimed now, at most as many as its share."""
    raw = driver(connection)
    return [
        (crowd, raw.execute(sql.CROWD_SIZE, (int(crowd.lane), *crowd[1:], now_ms, share)).fetchone()[0])
        for crowd, share in shares
    ]


def _texts(raw: Any, submission_ids: list[int]) -> dict[int, tuple[str, str, Encoding, int]]:
    rows = raw.execute(sql.SUBMISSION_TEXTS, (json.dumps(submission_ids),))
    return {row[0]: (row[1], row[2], Encoding(row[3]), row[4]) for row in rows}


def waiting(connection: Connection) -> set[Crowd]:
    """Every crowd with something queued; a walk over the claim index, one step each."""
    raw = driver(connection)
    found: set[Crowd] = set()
    last = (-1, -1, "")
    while row := raw.execute(sql.NEXT_WAITING, last).fetchone():
        last = tuple(row)
        found.add(_crowd(row))
    return found


def queued(connection: Connection) -> list[tuple[Crowd, int]]:
    """Every crowd with something queued, and how much; a walk over the whole claim index."""
    raw = driver(connection)
    return [(_crowd(row), int(row[3])) for row in raw.execute(sql.QUEUED).fetchall()]


def _crowd(row: Sequence[Any]) -> Crowd:
    lane, account_id, route_key = row[:3]
    return Crowd(Lane(lane), account_id, route_key)


@dataclass(frozen=True, slots=True)
class Promotion:
    """Who has something to send now that was scheduled, and when the next is due (None: nothing is scheduled)."""

    waiting: set[Crowd]
    next_due_ms: int | None


def promote(connection: Connection, moments: Sequence[tuple[int, int]]) -> list[Promotion]:
    """Queue the scheduled messages that are due: each argument is (now_ms, at most so many)."""
    raw = driver(connection)
    promotions = []
    for now_ms, limit in moments:
        rows = raw.execute(sql.PROMOTE, (now_ms, limit)).fetchall()
        next_due_ms = raw.execute(sql.NEXT_DUE).fetchone()[0]
        promotions.append(Promotion({_crowd(row) for row in rows}, next_due_ms))
    return promotions


def mend_due(connection: Connection, moments: Sequence[tuple[int, int]]) -> list[int]:
    """Queued messages that are due later than any can be: they are due now. Each argument is (now, latest), in ms."""
    raw = driver(connection)
    return [raw.execute(sql.MEND_DUE, moment).rowcount for moment in moments]


def sending_channels(connection: Connection) -> list[str]:
    """Channels, configured or not, that messages are being sent on."""
    return [row[0] for row in driver(connection).execute(sql.SENDING_CHANNELS)]


def lose_leases(connection: Connection, channels: Sequence[tuple[str, bool]]) -> list[int]:
    """At start: what was being sent when the program ended is uncertain. How many messages each channel has of them.

    Each argument is (channel, resend): with resend they are queued again, otherwise they stay uncertain.
    """
    raw = driver(connection)
    return [
        raw.execute(sql.LOSE_LEASES, (int(State.QUEUED if resend else State.UNCERTAIN), channel)).rowcount
        for channel, resend in channels
    ]


def lose_epoch(connection: Connection, channel: str, epoch: int, resend: bool) -> int:
    """What was being sent under an epoch that is over is uncertain, as in ``lose_leases``: how many messages."""
    state = int(State.QUEUED if resend else State.UNCERTAIN)
    return int(driver(connection).execute(sql.LOSE_EPOCH, (state, channel, epoch)).rowcount)


def forget_parked(connection: Connection, before_ms: int) -> int:
    """Drop parked receipts from before a moment: how many."""
    return int(driver(connection).execute(sql.PRUNE_PARKED, (before_ms,)).rowcount)


def send_again(connection: Connection, message_id: int, now_ms: int) -> bool:
    """Queue a held message once more; False when it is not held."""
    return driver(connection).execute(sql.SEND_AGAIN, (now_ms, message_id)).fetchone() is not None

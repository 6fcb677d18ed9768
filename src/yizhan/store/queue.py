"""The queue: what waits, claiming it for a channel, promoting what has become due, and leases lost in a crash."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from yizhan.model.carriage import Letter
from yizhan.model.message import Lane, State
from yizhan.model.submission import Encoding
from yizhan.store import sqlite as sql
from yizhan.store.database import driver

# Who waits: an account in a lane.
Waiting = tuple[Lane, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """A wish for at most ``limit`` messages of one account in one lane, for a channel."""

    channel: str
    lane: Lane
    account_id: int
    limit: int
    now_ms: int


def claim(connection: Connection, rounds: Sequence[Sequence[Claim]]) -> list[list[list[Letter]]]:
    """Lease messages, oldest first, for each claim of each round. The lease is committed before anything is handed
    over, so that a message which may have been written to a carrier is never taken for one that was not.
    """
    raw = driver(connection)
    return [_claim_round(raw, claims) for claims in rounds]


def _claim_round(raw: Any, claims: Sequence[Claim]) -> list[list[Letter]]:
    leased = []
    for wish in claims:
        wanted = (wish.channel, wish.now_ms, int(wish.lane), wish.account_id, wish.now_ms, wish.limit)
        leased.append(sorted(raw.execute(sql.CLAIM, wanted).fetchall()))
    texts = _texts(raw, sorted({row[1] for rows in leased for row in rows}))
    return [[Letter(row[0], row[2], *texts[row[1]]) for row in rows] for rows in leased]


def _texts(raw: Any, submission_ids: list[int]) -> dict[int, tuple[str, str, Encoding, int]]:
    rows = raw.execute(sql.SUBMISSION_TEXTS, (json.dumps(submission_ids),))
    return {row[0]: (row[1], row[2], Encoding(row[3]), row[4]) for row in rows}


def waiting(connection: Connection) -> set[Waiting]:
    """Every (lane, account) with something queued; a walk over the claim index, one step each."""
    raw = driver(connection)
    found: set[Waiting] = set()
    lane, account_id = -1, -1
    while row := raw.execute(sql.NEXT_WAITING, (lane, account_id)).fetchone():
        lane, account_id = row
        found.add((Lane(lane), account_id))
    return found


@dataclass(frozen=True, slots=True)
class Promotion:
    """Who has something to send now that was scheduled, and when the next is due (None: nothing is scheduled)."""

    waiting: set[Waiting]
    next_due_ms: int | None


def promote(connection: Connection, moments: Sequence[tuple[int, int]]) -> list[Promotion]:
    """Queue the scheduled messages that are due: each argument is (now_ms, at most so many)."""
    raw = driver(connection)
    promotions = []
    for now_ms, limit in moments:
        rows = raw.execute(sql.PROMOTE, (now_ms, limit)).fetchall()
        next_due_ms = raw.execute(sql.NEXT_DUE).fetchone()[0]
        promotions.append(Promotion({(Lane(lane), account_id) for lane, account_id in rows}, next_due_ms))
    return promotions


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


def forget_parked(connection: Connection, before_ms: int) -> int:
    """Drop parked receipts from before a moment: how many."""
    return int(driver(connection).execute(sql.PRUNE_PARKED, (before_ms,)).rowcount)

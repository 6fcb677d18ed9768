"""Prune: what is older than it is kept goes, a little at a time, behind everything that somebody waits for."""

import asyncio
from functools import partial

from yizhan.kit.clock import Clock
from yizhan.model.settings import RetentionSettings
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.line import A, R, Verb
from yizhan.store.mailings import forget_mailings
from yizhan.store.retention import BATCH_ROWS, Kind, old_rows, old_submissions, prune_rows, prune_submissions

_DAY_MS = 86_400_000
# Of the time, so much is rest: the committer has one line, and a batch stands in it for as long as it takes.
_REST = 4
_LEAST_REST_S = 0.01
# Where messages go in large pieces, what is still there so long afterwards goes row by row: its piece holds something
# that may not go yet, or fills slowly.
_STRAGGLERS_MS = 2 * _DAY_MS


class Pruner:
    """Knows how long what is kept."""

    def __init__(self, database: Database, kept: RetentionSettings, clock: Clock) -> None:
        self._database = database
        self._kept = kept
        self._clock = clock

    async def prune(self) -> tuple[int, int]:
        """Everything that is too old now: how many submissions, and how many rows of other kinds."""
        kept, now_ms = self._kept, self._clock.now_ms()  # one moment for all: a hand-out must not outlive what it names
        rows = 0
        for kind, days in (
            (Kind.HANDOUTS, kept.unfetched_days),  # first of all: they name messages and replies
            (Kind.PUSHES, kept.unfetched_days),
            (Kind.REPLIES, kept.replies_days),
            (Kind.AUDIT, kept.audit_days),
        ):
            rows += await self._rows(kind, _before(now_ms, days)) if days else 0
        rows += await self._mailings(now_ms)
        return await self._submissions(_before(now_ms, kept.messages_days)) if kept.messages_days else 0, rows

    async def _rows(self, kind: Kind, before_ms: int) -> int:
        count = 0
        while keys := await self._database.read(partial(old_rows, kind=kind, before_ms=before_ms)):
            for first in range(0, len(keys), BATCH_ROWS):
                count += await self._write(prune_rows, (kind, keys[first : first + BATCH_ROWS]))
        return count

    async def _mailings(self, now_ms: int) -> int:
        """Files with their rows go when their messages do."""
        drafts_ms = now_ms - _DAY_MS
        before_ms = _before(now_ms, self._kept.messages_days) if self._kept.messages_days else None
        return await self._database.change(partial(forget_mailings, drafts_before_ms=drafts_ms, before_ms=before_ms))

    async def _submissions(self, before_ms: int) -> int:
        dropped = await self._database.drop_old(before_ms)
        count = dropped or 0
        before_ms -= 0 if dropped is None else _STRAGGLERS_MS
        after: int | None = 0
        while after is not None:
            ids, further = await self._database.read(partial(old_submissions, after=after, before_ms=before_ms))
            more = bool(ids)
            while more:
                more = await self._write(prune_submissions, (ids, before_ms))
            count += len(ids)
            after = further
        return count

    async def _write(self, verb: Verb[A, R], argument: A) -> R:
        """A batch, and a rest."""
        begun_s = self._clock.monotonic_s()
        result = await self._database.write(Turn.CARE, verb, argument, rows=2 * BATCH_ROWS)
        await asyncio.sleep(max(_LEAST_REST_S, _REST * (self._clock.monotonic_s() - begun_s)))
        return result


def _before(now_ms: int, days: float) -> int:
    return now_ms - int(days * _DAY_MS)

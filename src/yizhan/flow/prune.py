"""Prune: what is older than it is kept goes, a little at a time, behind everything that somebody waits for."""

import asyncio
from functools import partial

from yizhan.kit.clock import Clock
from yizhan.model.settings import RetentionSettings
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.line import A, R, Verb
from yizhan.store.retention import BATCH_ROWS, Cutoffs, old_submissions, prune_others, prune_submissions

_DAY_MS = 86_400_000
# Of the time, so much is rest: the committer has one line, and a batch stands in it for as long as it takes.
_REST = 4
_LEAST_REST_S = 0.01


class Pruner:
    """Knows how long what is kept."""

    def __init__(self, database: Database, kept: RetentionSettings, clock: Clock) -> None:
        self._database = database
        self._kept = kept
        self._clock = clock

    async def prune(self) -> tuple[int, int]:
        """Everything that is too old now: how many submissions, and how many rows of other kinds."""
        kept, now_ms = self._kept, self._clock.now_ms()
        cutoffs = Cutoffs(
            *(
                now_ms - int(days * _DAY_MS) if days else 0
                for days in (kept.messages_days, kept.unfetched_days, kept.replies_days, kept.audit_days)
            )
        )
        others = 0
        while gone := await self._write(prune_others, cutoffs):
            others += gone
        return await self._submissions(cutoffs.messages_ms) if cutoffs.messages_ms else 0, others

    async def _submissions(self, before_ms: int) -> int:
        count, after = 0, -1
        while after:
            ids, after = await self._database.read(partial(old_submissions, after=max(after, 0), before_ms=before_ms))
            more = bool(ids)
            while more:
                more = await self._write(prune_submissions, (ids, before_ms))
            count += len(ids)
        return count

    async def _write(self, verb: Verb[A, R], argument: A) -> R:
        """A batch, and a rest."""
        begun_s = self._clock.monotonic_s()
        result = await self._database.write(Turn.CARE, verb, argument, rows=2 * BATCH_ROWS)
        await asyncio.sleep(max(_LEAST_REST_S, _REST * (self._clock.monotonic_s() - begun_s)))
        return result

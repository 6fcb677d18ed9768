"""Refused calls, written in the background in batches, so that *why was it refused* has an answer."""

import asyncio
from collections import deque

from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.kit.masking import mask_text
from yizhan.model.call import Call
from yizhan.model.reject import Refusal
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.records import RefusedCall, note_refusals

log = get_logger("refusals")
_FLUSH_S = 0.5
_MOST_WAITING = 10_000


class RefusalLog:
    """Collects refusals without making anybody wait. Past the bound the oldest unwritten ones are dropped, counted."""

    def __init__(self, database: Database, clock: Clock, keep: int) -> None:
        self._database = database
        self._clock = clock
        self._keep = keep
        self._waiting: deque[RefusedCall] = deque(maxlen=_MOST_WAITING)
        self._some = asyncio.Event()
        self.dropped = 0

    def note(self, call: Call, refusal: Refusal) -> None:
        """Remember one refused call."""
        self.dropped += len(self._waiting) == _MOST_WAITING
        self._waiting.append(
            RefusedCall(
                at_ms=self._clock.now_ms(),
                operation=call.operation.name,
                account=call.account[:64],
                address=call.address[:64],
                reject=refusal.reject.value,
                hit=refusal.hit[:128],
                text=mask_text(call.value("content")),
            )
        )
        self._some.set()

    async def run(self) -> None:
        """Write what was noted, twice a second at most, until cancelled."""
        while True:
            await self._some.wait()
            await asyncio.sleep(_FLUSH_S)
            self._some.clear()
            await self.flush()

    async def flush(self) -> None:
        """Write what was noted so far."""
        calls = list(self._waiting)
        self._waiting.clear()
        if not calls:
            return
        try:
            await self._database.write(Turn.CARE, note_refusals, (calls, self._keep), rows=len(calls))
        except Exception as error:
            self.dropped += len(calls)
            log.warning("refusals were not written", calls=len(calls), error=repr(error))

"""Overdue: what has waited too long for a carrier. Held messages, missing reports, long replies with a part missing."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial

from yizhan.flow.mailroom import Mailroom
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.channel import ChannelSettings
from yizhan.model.settings import RefundRule
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.report import close_unreported, settle_held, unreported
from yizhan.store.settle import fail_held

log = get_logger("overdue")

_EVERY_S = 20.0
_LOOKS_A_WALK = 15  # the walk over everything that awaits a report comes every five minutes
_AT_ONCE = 500
# A report may be a little ahead of the answer that names its part: so long nobody else may claim it.
_PATIENCE_MS = 30_000


class Overdue:
    """Looks at every channel a few times a minute."""

    def __init__(
        self,
        database: Database,
        channels: Callable[[], Iterable[ChannelSettings]],
        mailroom: Mailroom,
        clock: Clock,
        refund: RefundRule,
        *,
        on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """``on_duty``: whether it is this node that looks."""
        self._on_duty = on_duty
        self._database = database
        self._channels = channels
        self._mailroom = mailroom
        self._clock = clock
        self._refund = refund

    async def run(self) -> None:
        """Until cancelled; what fails is tried again the next time."""
        looks = 0
        while True:
            await asyncio.sleep(_EVERY_S)
            if not self._on_duty():
                continue
            looks += 1
            try:
                await self.look()
                if looks % _LOOKS_A_WALK == 0:
                    await self.close_unreported()
            except Exception as error:
                log.error("overdue messages could not be looked at", error=repr(error))

    async def look(self) -> None:
        """One look at every channel."""
        for channel in list(self._channels()):
            await self._look_at(channel)

    async def _look_at(self, channel: ChannelSettings) -> None:
        write, name, now_ms = self._database.write, channel.name, self._clock.now_ms()
        held_since_ms = now_ms - _PATIENCE_MS
        await write(Turn.CARRIAGE, settle_held, (name, held_since_ms, _AT_ONCE, self._refund), rows=_AT_ONCE)
        given_up_ms = now_ms - int(channel.uncertain_hold_s * 1000)
        while failed := await write(
            Turn.CARRIAGE, fail_held, (name, given_up_ms, now_ms, _AT_ONCE, self._refund), rows=_AT_ONCE
        ):
            log.warning("held messages have failed: nobody knows what became of them", channel=name, count=failed)
        await self._mailroom.overdue(name, now_ms - int(channel.reassembly_s * 1000))

    async def close_unreported(self) -> None:
        """Messages whose last report never came are unknown in the end."""
        for channel in list(self._channels()):
            now_ms = self._clock.now_ms()
            before_ms = now_ms - int(channel.receipt_wait_s * 1000)
            look = partial(unreported, channel=channel.name, before_ms=before_ms, limit=_AT_ONCE)
            while missing := await self._database.read(look):
                await self._database.write(Turn.CARRIAGE, close_unreported, (missing, now_ms), rows=2 * len(missing))
                log.warning("reports have not come", channel=channel.name, count=len(missing))

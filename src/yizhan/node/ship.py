"""A ship: one channel of the fleet or a share of one, made anew when it breaks, and taking nobody down with it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from yizhan.flow.ports import Courier
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.channel import ChannelSettings
from yizhan.model.sentence import Sentence, spoken
from yizhan.model.views import ChannelView, channel_at_rest

log = get_logger("fleet")

RESTART_S = 1.0
_LONGEST_RESTART_S = 60.0

Make = Callable[[str, ChannelSettings, int], Courier]  # of a share, its settings and its epoch


class Ship:
    """Holds a courier, or knows why there is none."""

    def __init__(
        self,
        share: str,
        settings: ChannelSettings,
        epoch: int,
        make: Make,
        *,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        """``epoch``: of its berth. ``changed`` is told when the courier was made anew."""
        self.share = share
        self.settings = settings
        self.epoch = epoch
        self.task: asyncio.Task[None] | None = None
        self._make = make
        self._clock = clock
        self._changed = changed
        self._paused = False
        self._why = ""
        self._courier: Courier | None = None
        self._build()

    @property
    def courier(self) -> Courier | None:
        """The one at work; None while it is broken, or cannot be made."""
        return None if self._why else self._courier

    def pause(self, paused: bool) -> None:
        """Take nothing more, or go on; one that is made anew remembers it."""
        self._paused = paused
        if (courier := self.courier) is not None:
            courier.pause(paused)

    def view(self) -> ChannelView:
        """For people; one that does not work says why."""
        courier = self.courier
        return channel_at_rest(self.settings, self._why, paused=self._paused) if courier is None else courier.view()

    async def tend(self) -> None:
        """Run the courier, until cancelled; one that breaks is made anew after a pause that grows while it breaks."""
        pause_s = RESTART_S
        while True:
            began_s = self._clock.monotonic_s()
            await self._run()
            if self._clock.monotonic_s() - began_s > _LONGEST_RESTART_S:
                pause_s = RESTART_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_RESTART_S)
            self.close()
            self._build()
            self._changed()

    async def retire(self, drain_s: float) -> None:
        """Take nothing more, finish, go; what is not finished within ``drain_s`` is reported as it stands."""
        if (courier := self.courier) is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(drain_s):
                    await courier.idle()
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        self.close()

    def close(self) -> None:
        """Give back files; nothing runs any more."""
        if self._courier is not None:
            self._courier.close()

    async def _run(self) -> None:
        """The courier's work as long as it lasts."""
        if (courier := self.courier) is None:
            return
        try:
            await courier.run()
        except Exception as error:
            self._why = Sentence.BROKEN(error=repr(error))
            log.exception("a channel broke", channel=self.settings.name, error=repr(error))
            # A group of tasks that breaks while it is cancelled raises what broke it, and the end is forgotten.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError from error

    def _build(self) -> None:
        try:
            self._courier, self._why = self._make(self.share, self.settings, self.epoch), ""
        except Exception as error:  # its journal cannot be opened, say: the other channels go on
            self._courier, self._why = None, Sentence.NOT_MADE(error=spoken(error))
            log.error("a channel cannot be made", channel=self.settings.name, error=repr(error))
        else:
            self._courier.pause(self._paused)

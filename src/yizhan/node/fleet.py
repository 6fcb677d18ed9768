"""The fleet: the channels of this node, made from file and store, and changed while the node runs."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from yizhan.carrier.trial import try_out
from yizhan.flow.living import Living
from yizhan.flow.ports import Courier, Handsets
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.channel import ChannelSettings
from yizhan.model.settings import Settings
from yizhan.model.views import TestStep
from yizhan.sim.simulator import Simulator
from yizhan.store.channels import load_channels, load_paused
from yizhan.store.database import Database, Session

log = get_logger("fleet")

_RESTART_S = 1.0
_LONGEST_RESTART_S = 60.0

Make = Callable[[ChannelSettings], Courier]


@dataclass(slots=True)
class _Ship:
    """One channel at work."""

    settings: ChannelSettings
    courier: Courier
    task: "asyncio.Task[None] | None" = None
    broken: bool = False  # its work has ended by a mistake of ours, and has not begun anew


class Fleet:
    """``flow.ports.Board``. Every task of a channel belongs to ``run``."""

    def __init__(self, settings: Settings, database: Database, living: Living, clock: Clock) -> None:
        given = "channels" in settings.model_fields_set
        self._in_file = settings.channels if given else ()
        self._by_default = () if given else settings.channels
        self._drain_s = settings.server.drain_s
        self._database = database
        self._living = living
        self._clock = clock
        self._make: Make | None = None
        self._changed: Callable[[], None] | None = None
        self._known: dict[str, ChannelSettings] = {one.name: one for one in settings.channels}
        self._order: tuple[str, ...] = ()
        self._alone = False  # whether the built-in simulator is there because nothing else is
        self._ships: dict[str, _Ship] = {}
        self._group: asyncio.TaskGroup | None = None
        self._one_at_a_time = asyncio.Lock()

    def join(self, make: Make, changed: Callable[[], None]) -> None:
        """Once everything that channels talk to stands: how one is made of its settings, and who hears of changes."""
        self._make, self._changed = make, changed

    # -- flow.ports.Board

    def couriers(self) -> Sequence[Courier]:
        """Those that there are at this moment."""
        ships = (self._ships[name] for name in self._order if name in self._ships)
        return [ship.courier for ship in ships if not ship.broken]

    def settings(self) -> Sequence[ChannelSettings]:
        """The settings of each."""
        return [self._known[name] for name in self._order]

    def in_file(self, name: str) -> bool:
        """Whether the channel stands in the configuration file."""
        return any(one.name == name for one in self._in_file)

    def built_in(self, name: str) -> bool:
        """Whether it is the simulator that is there because nothing else is."""
        return self._alone and any(one.name == name for one in self._by_default)

    def changed(self) -> None:
        """Rules have changed."""
        if self._changed is not None:
            self._changed()

    async def test(self, settings: ChannelSettings) -> list[TestStep]:
        """Connect and log in beside the running channel."""
        return await try_out(settings, self._clock)

    async def apply(self) -> None:
        """Make the channels be what file and store say now."""
        async with self._one_at_a_time:
            wanted, paused = await self._wanted()
            before = self._order
            self._order = tuple(one.name for one in wanted)
            kept = {one.name: one for one in wanted}
            for name in [name for name, ship in self._ships.items() if kept.get(name) != ship.settings]:
                await self._retire(name)
            for one in wanted:
                self._known[one.name] = one
                if one.name not in self._ships:
                    self._launch(one)
                self._ships[one.name].courier.pause(one.name in paused)
            await self._living.set_access_digits(max((len(one.source) for one in wanted), default=0))
            if before != self._order:
                log.info("channels", names=list(self._order), paused=sorted(paused & set(self._order)))
        self.changed()

    # -- what others of the house ask

    def resends(self, name: str) -> bool:
        """Whether a channel sends again what is uncertain; so it is with one that is no longer there."""
        known = self._known.get(name)
        return known is None or known.uncertain == "resend"

    def access(self, name: str) -> str:
        """A channel's access number, also for a while after it went."""
        known = self._known.get(name)
        return known.source if known else ""

    def handsets(self) -> Iterable[Handsets]:
        """The simulators among the channels."""
        return [courier for courier in self.couriers() if isinstance(courier, Simulator)]

    async def run(self) -> None:
        """All channels at work, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for ship in self._ships.values():
                ship.task = group.create_task(self._tend(ship))
            await asyncio.get_running_loop().create_future()

    async def idle(self) -> None:
        """Every channel has finished what it had in hand, and taken leave of its carrier."""
        await asyncio.gather(*(ship.courier.idle() for ship in self._ships.values() if not ship.broken))

    def close(self) -> None:
        """Files are given back; ``run`` has ended."""
        for ship in self._ships.values():
            ship.courier.close()

    # -- inside

    async def _wanted(self) -> tuple[list[ChannelSettings], frozenset[str]]:
        """Channels of the file, then living ones; the built-in simulator only when there is nothing else."""

        def look(session: Session) -> tuple[tuple[ChannelSettings, ...], frozenset[str]]:
            return load_channels(session), load_paused(session)

        living, paused = await self._database.read(look)
        names = {one.name for one in self._in_file}
        for one in living:
            if one.name in names:
                log.warning("a channel stands in the file and in the store: the file counts", channel=one.name)
        wanted = [*self._in_file, *(one for one in living if one.name not in names)]
        self._alone = not wanted
        return wanted or list(self._by_default), paused

    def _launch(self, settings: ChannelSettings) -> None:
        assert self._make is not None  # noqa: S101  the house is built before it is used
        ship = _Ship(settings, self._make(settings))
        self._ships[settings.name] = ship
        if self._group is not None:
            ship.task = self._group.create_task(self._tend(ship))

    async def _retire(self, name: str) -> None:
        """Take nothing more, finish, go; what is not finished in time is reported as it stands."""
        ship = self._ships.pop(name)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._drain_s):
                await ship.courier.idle()
        if ship.task is not None:
            ship.task.cancel()
            await asyncio.gather(ship.task, return_exceptions=True)
        ship.courier.close()

    async def _tend(self, ship: _Ship) -> None:
        """Run a courier; one that breaks is made anew after a pause, and takes nobody else down."""
        pause_s = _RESTART_S
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await ship.courier.run()
            except Exception as error:
                ship.broken = True
                log.exception("a channel broke", channel=ship.settings.name, error=repr(error))
            if self._clock.monotonic_s() - began_s > _LONGEST_RESTART_S:
                pause_s = _RESTART_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_RESTART_S)
            ship.courier.close()
            assert self._make is not None  # noqa: S101
            ship.courier, ship.broken = self._make(ship.settings), False
            self.changed()

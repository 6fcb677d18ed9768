"""The fleet: the channels of this node, made from file and store, and changed while the node runs."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from yizhan.carrier.trial import try_out
from yizhan.flow.living import Living
from yizhan.flow.ports import Courier, Handsets
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.carriage import ChannelState
from yizhan.model.channel import ChannelSettings
from yizhan.model.sentence import Sentence
from yizhan.model.settings import Settings
from yizhan.model.views import ChannelView, TestStep, channel_at_rest, channel_together
from yizhan.node.harbor import Harbor, OwnHarbor
from yizhan.node.ship import Make, Ship
from yizhan.sim.simulator import Simulator
from yizhan.store.channels import know_channels, load_channels, load_paused
from yizhan.store.database import Database, Session

log = get_logger("fleet")


class Fleet:
    """``flow.ports.Board``. Every task of a channel belongs to ``run``."""

    def __init__(self, settings: Settings, database: Database, living: Living, clock: Clock) -> None:
        self._harbor: Harbor = OwnHarbor()
        given = "channels" in settings.model_fields_set
        self._in_file = settings.channels if given else ()
        self._by_default = () if given else settings.channels
        self._drain_s = settings.server.drain_s
        self._database = database
        self._living = living
        self._clock = clock
        self._make: Make | None = None
        self._changed: Callable[[], None] | None = None
        self._present: dict[str, ChannelSettings] = {one.name: one for one in settings.channels}  # in their order
        self._gone: dict[str, ChannelSettings] = {}
        self._paused: set[str] | None = None  # names; None before the store was asked
        self._alone = False  # whether the built-in simulator is there because nothing else is
        self._ships: dict[str, Ship] = {}  # by share
        self._group: asyncio.TaskGroup | None = None
        self._one_at_a_time = asyncio.Lock()

    def join(self, make: Make, changed: Callable[[], None], harbor: Harbor | None = None) -> None:
        """Once everything that channels talk to stands: how one is made (``Make``), who hears of changes,
        and which channels are this node's (None: all).
        """
        self._make, self._changed = make, changed
        self._harbor = harbor or self._harbor

    # -- flow.ports.Board

    def couriers(self) -> Sequence[Courier]:
        """Those at work at this moment."""
        ships = (ship for channel in self._present.values() for ship in self._ships_of(channel))
        return [courier for ship in ships if (courier := ship.courier) is not None]

    def view(self, settings: ChannelSettings) -> ChannelView:
        """A channel as people see it, also one that is broken or on its way."""
        shares, ships = self._harbor.shares(settings), self._ships_of(settings)
        nodes = [self._harbor.name if share in self._ships else self._harbor.at(share) for share in shares]
        if ships:
            view = channel_together([ship.view() for ship in ships])
        else:
            paused, node = settings.name in self._paused_names(), ", ".join(dict.fromkeys(filter(None, nodes)))
            why = Sentence.AT_NODE(node=node) if node else Sentence.JUST_A_MOMENT()
            view = channel_at_rest(settings, why, paused=paused, node=node)
        return view if len(shares) == 1 else replace(view, shares=nodes)

    def elsewhere(self) -> Sequence[ChannelState]:
        """The channels that are not at work here: at another node, or broken."""
        at_work = {courier.name for courier in self.couriers()}
        return [
            ChannelState(name, up=False, paused=False, free=0, errors=0, delivered=None, why=self.view(one).why)
            for name, one in self._present.items()
            if name not in at_work
        ]

    def epoch(self, courier: Courier) -> int | None:
        """Under which epoch the courier takes messages; None: it does not."""
        ship = next((ship for ship in self._ships.values() if ship.courier is courier), None)
        return ship.epoch if ship is not None and ship.epoch == self._harbor.epoch(ship.share) else None

    def settings(self) -> Sequence[ChannelSettings]:
        """The settings of each."""
        return list(self._present.values())

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
        """Over the channel's binds here; one that is not at work is tried out from outside."""
        couriers = [courier for ship in self._ships_of(settings) if (courier := ship.courier) is not None]
        told = await asyncio.gather(*(courier.test() for courier in couriers))
        return [step for steps in told for step in steps] or await try_out(settings, self._clock)

    def pause(self, name: str, paused: bool) -> None:
        """Hold a channel back, or let it go on; does not wait for channels that are on their way out."""
        if self._paused is not None:
            (self._paused.add if paused else self._paused.discard)(name)
        for ship in self._ships.values():
            if ship.settings.name == name:
                ship.pause(paused)

    async def heed(self) -> None:
        """Another node has paused channels, or lets them go on: at once. What else has changed is for ``apply``."""
        self._paused = set(await self._database.read(load_paused))
        for ship in self._ships.values():
            ship.pause(ship.settings.name in self._paused)

    async def apply(self) -> None:
        """Make the channels be what file and store say now."""
        async with self._one_at_a_time:
            wanted = {one.name: one for one in await self._wanted()}
            before, self._present = self._present, wanted
            self._gone |= {name: one for name, one in before.items() if name not in wanted}
            shares = {share: part for one in wanted.values() for share, part in self._harbor.shares(one).items()}
            ours = {share: epoch for share in shares if (epoch := self._harbor.epoch(share)) is not None}
            going = [
                self._ships.pop(share)
                for share, ship in list(self._ships.items())
                if (shares.get(share), ours.get(share)) != (ship.settings, ship.epoch)
            ]
            # Whose berth is another's by now has no time to finish.
            await asyncio.gather(
                *(ship.retire(self._drain_s if self._harbor.holds(ship.share) else 0) for ship in going)
            )
            for share, epoch in ours.items():
                if share in self._ships:
                    self._ships[share].pause(shares[share].name in self._paused_names())
                elif self._harbor.epoch(share) == epoch:
                    self._launch(share, shares[share], epoch)
            remember = partial(know_channels, present=list(wanted.values()), at_ms=self._clock.now_ms())
            self._gone = {one.name: one for one in await self._database.change(remember)}
            await self._living.set_access_digits(max((len(one.source) for one in wanted.values()), default=0))
            if before.keys() != wanted.keys():
                log.info("channels", names=list(wanted), paused=sorted(self._paused_names() & wanted.keys()))
        self.changed()

    # -- what others of the house ask

    def resends(self, name: str) -> bool:
        """Whether a channel sends again what is uncertain; so it is with one that nobody remembers."""
        known = self._recall(name)
        return known is None or known.uncertain == "resend"

    def access(self, name: str) -> str:
        """A channel's access number, also for a while after it went."""
        known = self._recall(name)
        return known.source if known else ""

    def remembered(self) -> Iterable[ChannelSettings]:
        """The channels that there are, and those that went and may have left messages behind."""
        return [*self._present.values(), *(one for one in self._gone.values() if one.name not in self._present)]

    def handsets(self) -> Iterable[Handsets]:
        """The simulators among the channels."""
        return [courier for courier in self.couriers() if isinstance(courier, Simulator)]

    async def run(self) -> None:
        """All channels at work, until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for ship in self._ships.values():
                ship.task = group.create_task(ship.tend())
            await asyncio.get_running_loop().create_future()

    async def idle(self) -> None:
        """Every channel has finished what it had in hand, and taken leave of its carrier."""
        await asyncio.gather(*(courier.idle() for courier in self.couriers()))

    def close(self) -> None:
        """Files are given back; ``run`` has ended."""
        for ship in self._ships.values():
            ship.close()

    # -- inside

    async def _wanted(self) -> list[ChannelSettings]:
        """Channels of the file, then living ones; the built-in simulator only when there is nothing else."""

        def look(session: Session) -> tuple[tuple[ChannelSettings, ...], frozenset[str]]:
            return load_channels(session), load_paused(session)

        living, paused = await self._database.read(look)
        if self._paused is None:  # later changes come by ``pause``: what was read here could be older
            self._paused = set(paused)
        names = {one.name for one in self._in_file}
        for one in living:
            if one.name in names:
                log.warning("a channel stands in the file and in the store: the file counts", channel=one.name)
        wanted = [*self._in_file, *(one for one in living if one.name not in names)]
        self._alone = not wanted
        return wanted or list(self._by_default)

    def _ships_of(self, channel: ChannelSettings) -> list[Ship]:
        return [self._ships[share] for share in self._harbor.shares(channel) if share in self._ships]

    def _launch(self, share: str, settings: ChannelSettings, epoch: int) -> None:
        assert self._make is not None  # noqa: S101  the house is built before it is used
        ship = Ship(share, settings, epoch, self._make, clock=self._clock, changed=self.changed)
        ship.pause(settings.name in self._paused_names())
        self._ships[share] = ship
        if self._group is not None:
            ship.task = self._group.create_task(ship.tend())

    def _paused_names(self) -> set[str]:
        return self._paused or set()

    def _recall(self, name: str) -> ChannelSettings | None:
        return self._present.get(name) or self._gone.get(name)

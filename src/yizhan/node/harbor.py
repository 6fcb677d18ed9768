"""The harbor: which channels and duties are this node's. Nodes that share a store share them out among themselves.

A berth is this node's for as long as the store said so last, and no longer, whether the store can be asked or not: the
time is counted from before the question, with a margin, so that it has ended here before it ends for anybody else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import Protocol

from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.channel import ChannelSettings, shares_of
from yizhan.node.hearsay import Hearsay
from yizhan.store.berths import Beat, Tide, beat, berth_of, sign_off, sign_on
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.writer import Away

log = get_logger("harbor")

DUTIES = ("upkeep", "overdue", "push", "mailings")  # what one node does for all
_BEATS = 5  # a lease
_REST_S = 0.05  # between two beats at least, whatever there is to hear
_MARGIN = 0.2  # of a lease, in which a berth is nobody's


class Harbor(Protocol):
    """What this node may do."""

    @property
    def name(self) -> str:
        """This node's."""

    def shares(self, channel: ChannelSettings) -> Mapping[str, ChannelSettings]:
        """What a node can have of a channel, by the share's name."""

    def epoch(self, share: str) -> int | None:
        """Under which epoch the share is this node's; None: it is not."""

    def holds(self, share: str) -> bool:
        """Whether at this very moment the share's channel may write."""

    def at(self, share: str) -> str:
        """The node that has the share, if it is another one; else empty."""

    def on_duty(self, duty: str) -> bool:
        """Whether this node does this for all."""


class OwnHarbor:
    """Of a node with a store of its own: everything is its, and whole."""

    name = ""

    def shares(self, channel: ChannelSettings) -> dict[str, ChannelSettings]:
        """The channel."""
        return {channel.name: channel}

    def epoch(self, _share: str) -> int:
        """No epochs."""
        return 0

    def holds(self, _share: str) -> bool:
        """Always."""
        return True

    def at(self, _share: str) -> str:
        """Nobody else's."""
        return ""

    def on_duty(self, _duty: str) -> bool:
        """Always."""
        return True


class SharedHarbor:
    """Of a node whose store others share."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        name: str,
        version: str,
        lease_s: float,
        channels: Callable[[], Iterable[ChannelSettings]],
        resends: Callable[[str], bool],
        hearsay: Hearsay,
    ) -> None:
        """``channels``: all that there are, wherever they are at work."""
        self.name = name
        self._database = database
        self._clock = clock
        self._version = version
        self._lease_s = lease_s
        self._channels = channels
        self._resends = resends
        self._hearsay = hearsay
        self._node_id: int | None = None
        self._held: dict[str, int] = {}
        self._until_s = float("-inf")
        self._leaving: set[str] = set()  # finishing, then given back
        self._left: dict[str, int] = {}  # to be given back with the next beat
        self._moved = asyncio.Event()
        self._hurry = asyncio.Event()
        self._going = self._gone = False
        self._at: dict[str, str] = {}
        self._revisions: dict[str, int] = {}

    # -- Harbor

    def shares(self, channel: ChannelSettings) -> dict[str, ChannelSettings]:
        """As its ``nodes`` say."""
        return shares_of(channel)

    def epoch(self, share: str) -> int | None:
        """Under which epoch the share is this node's; None: it is not, or is about to be another's."""
        name = berth_of(share)
        return self._held.get(name) if name not in self._leaving and self._in_time() else None

    def holds(self, share: str) -> bool:
        """Whether at this very moment the share's channel may write; also while it finishes what it has in hand."""
        return berth_of(share) in self._held and self._in_time()

    def at(self, share: str) -> str:
        """The node that has the share, if it is another one."""
        return self._at.get(berth_of(share), "")

    def on_duty(self, duty: str) -> bool:
        """Whether this node does this for all."""
        return f"duty:{duty}" in self._held and self._in_time()

    # -- at work

    async def enter(self) -> None:
        """Sign on, before anything else is started; waits for the store as long as it takes to start."""
        sessions = self._database.sessions
        self._node_id = await self._database.change(
            lambda session: sign_on(session, self.name, self._version, sessions)
        )
        while True:
            try:
                tide = await self._beat(self._node_id)
            except (Away, TimeoutError) as error:
                log.warning("no beat", error=repr(error))
                await asyncio.sleep(self._lease_s / _BEATS)
            else:
                break
        self._revisions = tide.revisions
        log.info("signed on", node=self.name, id=self._node_id, nodes=tide.nodes, berths=sorted(self._held))

    async def run(self, changed: Callable[[], Awaitable[None]], heed: Callable[[set[str]], Awaitable[None]]) -> None:
        """A few beats a lease, until cancelled. ``changed`` makes the channels be those that are this node's, and
        returns when those that it gives up have finished; ``heed`` reads topics of settings anew, and waits for no
        channel: beats wait for it.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(changed))
            while True:
                await self._rest()
                before = self._holding()
                await self._turn(heed)
                if self._holding() != before or self._leaving:
                    self._moved.set()

    def hurry(self) -> None:
        """Beat at once: another node has changed settings."""
        self._hurry.set()

    async def _rest(self) -> None:
        await asyncio.sleep(_REST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._lease_s / _BEATS - _REST_S):
                await self._hurry.wait()
        self._hurry.clear()

    async def _keep(self, changed: Callable[[], Awaitable[None]]) -> None:
        """The channels follow, one change after the other, while the beats go on."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            leaving = {name: self._held[name] for name in self._leaving if name in self._held}
            try:
                await changed()
            except Exception as error:
                log.exception("the channels could not be made what they should be", error=repr(error))
                await asyncio.sleep(self._lease_s / _BEATS)
                self._moved.set()
            else:
                self._left.update(leaving)

    def wind_down(self) -> None:
        """Take nothing more; what is held stays so until ``leave``."""
        self._going = True

    async def leave(self) -> None:
        """Sign off: the berths are free at once. What was theirs must have ended by now, or is uncertain."""
        self._gone = True
        if self._node_id is None:
            return
        node_id, self._held = self._node_id, {}
        try:
            async with asyncio.timeout(self._lease_s):
                await self._database.change(lambda session: sign_off(session, node_id))
        except Exception as error:
            log.warning("could not sign off; the berths are free when their time is over", error=repr(error))

    # -- inside

    def _in_time(self) -> bool:
        return self._clock.monotonic_s() < self._until_s

    def _holding(self) -> tuple[bool, dict[str, int], set[str]]:
        return self._in_time(), dict(self._held), set(self._leaving)

    async def _turn(self, heed: Callable[[set[str]], Awaitable[None]]) -> None:
        if self._node_id is None or self._gone:
            return
        if self._held and not self._in_time():
            log.error("the berths of this node are over: the store could not be asked in time", berths=[*self._held])
            self._held.clear()
            self._leaving.clear()
        try:
            tide = await self._beat(self._node_id)
            changed = {topic for topic, count in tide.revisions.items() if self._revisions.get(topic) != count}
            if changed:
                await heed(changed)
            if "channel" in changed:
                self._moved.set()
            self._revisions = tide.revisions
        except Exception as error:
            log.warning("no beat", error=repr(error))

    async def _beat(self, node_id: int) -> Tide:
        begun_s = self._clock.monotonic_s()
        shares = (share for channel in self._channels() for share in shares_of(channel))
        wanted = [*map(berth_of, shares), *(f"duty:{duty}" for duty in DUTIES)]
        said = Beat(
            node_id=node_id,
            sessions=self._database.sessions,
            wanted=wanted,
            left=tuple(self._left.items()),
            lease_ms=int(self._lease_s * 1000),
            resends=self._resends,
            told=self._hearsay.say(),
            going=self._going,
        )
        async with asyncio.timeout(self._lease_s / 2):
            tide = await self._database.write(Turn.BEAT, beat, said)
        self._hearsay.hear(tide, self._clock.monotonic_s())
        self._left = {name: epoch for name, epoch in self._left.items() if tide.held.get(name) == epoch}
        for name in self._left:
            tide.held.pop(name)
        if tide.held != self._held:
            log.info("berths", held=sorted(tide.held), nodes=tide.nodes)
        for channel, count in tide.lost.items():
            log.warning("messages were being sent by a node that is gone", channel=channel, count=count)
        self._held, self._at = tide.held, tide.at
        self._leaving = {name for name in self._leaving | set(tide.too_many) if name in tide.held}
        self._until_s = begun_s + self._lease_s * (1 - _MARGIN)
        return tide

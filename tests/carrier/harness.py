"""An SMPP channel and the SMSC on one event loop, with real sockets between them and a notebook as the settlement."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from yizhan.carrier.channel import SmppChannel
from yizhan.kit.clock import SystemClock
from yizhan.model.carriage import Answer, Letter, LongReply, Receipt, Reply
from yizhan.model.channel import ChannelSettings
from yizhan.model.outcome import Outcome
from yizhan.model.submission import Encoding
from yizhan.sim.smsc.scenario import Scenario
from yizhan.sim.smsc.serve import Door, Place
from yizhan.sim.smsc.smsc import Smsc
from yizhan.wire.segment import count_parts

CLOCK = SystemClock()
PATIENCE_S = 15.0


@dataclass
class Notebook:
    """A settlement that writes down what the channel brings; ``closed`` makes everybody wait."""

    answered: list[Answer] = field(default_factory=list)
    reported: list[Receipt] = field(default_factory=list)
    replied: list[Reply] = field(default_factory=list)
    parts: list[LongReply] = field(default_factory=list)
    closed: bool = False
    failing: int = 0
    calls: int = 0

    async def answers(self, _channel: str, answers: Sequence[Answer]) -> None:
        """Note them; all parts of a letter stand together."""
        await self._open()
        for answer in answers:
            assert sum(one.message_id == answer.message_id for one in answers) % answer.of == 0
        self.answered.extend(answers)

    async def receipts(self, _channel: str, receipts: Sequence[Receipt]) -> list[str]:
        """Note them."""
        await self._open()
        self.reported.extend(receipts)
        return [""] * len(receipts)

    async def replies(self, _channel: str, replies: Sequence[Reply]) -> list[int]:
        """Note them."""
        await self._open()
        self.replied.extend(replies)
        return list(range(len(replies)))

    async def long_replies(self, _channel: str, parts: Sequence[LongReply]) -> None:
        """Note them."""
        await self._open()
        self.parts.extend(parts)

    async def _open(self) -> None:
        self.calls += 1
        if self.failing:
            self.failing -= 1
            raise OSError("the disk is full")
        while self.closed:
            await asyncio.sleep(0.005)

    def outcomes(self) -> dict[int, list[Outcome]]:
        """message -> the outcomes of its parts."""
        found: dict[int, list[Outcome]] = {}
        for answer in self.answered:
            found.setdefault(answer.message_id, []).append(answer.outcome)
        return found


@dataclass
class Works:
    """Both sides, and what came of it."""

    smsc: Smsc
    door: Door
    channel: SmppChannel
    notebook: Notebook
    port: int
    rooms: int = 0

    async def until(self, condition: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        """Until it holds."""
        async with asyncio.timeout(patience_s):
            while not condition():
                await asyncio.sleep(0.005)

    async def bound(self, count: int = 1) -> None:
        """Until so many binds stand."""
        await self.until(lambda: self.channel.view().bound >= count)

    async def send(self, *letters: Letter) -> None:
        """Hand letters over as fast as the channel takes them."""
        rest = list(letters)
        while rest:
            await self.until(lambda: self.channel.state().free > 0)
            free = self.channel.state().free
            self.channel.hand_over(rest[:free])
            rest = rest[free:]

    def stats(self) -> dict[str, Any]:
        """What the SMSC has counted."""
        return self.smsc.stats()


@asynccontextmanager
async def working(
    scenario: dict[str, Any] | None = None, may_write: Callable[[], bool] = lambda: True, **settings: Any
) -> AsyncIterator[Works]:
    """An SMSC with a scenario, and a channel bound to it; both end with the block."""
    smsc = Smsc(Scenario.model_validate(scenario or {}), seed=7, clock=CLOCK)
    door = Door(smsc, Place("127.0.0.1", 0), None)
    await door.open()
    port = int(door.address.rpartition(":")[2])
    wanted = {"name": "one", "kind": "smpp", "host": "127.0.0.1", "port": port, "system_id": "esme", "source": "1069"}
    notebook = Notebook()
    works: list[Works] = []

    def room() -> None:
        works[0].rooms += 1

    channel = SmppChannel(
        ChannelSettings.model_validate({**wanted, **settings}), notebook, CLOCK, room, may_write=may_write
    )
    works.append(Works(smsc, door, channel, notebook, port))
    tasks = [asyncio.ensure_future(smsc.run()), asyncio.ensure_future(channel.run())]
    try:
        yield works[0]
    finally:
        for task in reversed(tasks):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        smsc.disconnect(abrupt=True)
        door.close()
        await asyncio.sleep(0)
        assert not [task for task in tasks if not task.cancelled() and task.exception()]


def letter(id: int, number: str = "", text: str = "您好【驿站】", cell: str = "77") -> Letter:
    """One message."""
    return Letter(id, number or f"+86138{id:08d}", cell, text, Encoding.UCS2, count_parts(text))

"""Dispatch with a real store and the real simulator: who goes first, what waits, what stays."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from yizhan.flow.dispatch import Dispatcher
from yizhan.flow.mailroom import Mailroom
from yizhan.flow.meter import Meter
from yizhan.flow.settle import Settle
from yizhan.kit.clock import Clock, SystemClock
from yizhan.model.account import LaneRule
from yizhan.model.carriage import ChannelState, Letter
from yizhan.model.channel import ChannelSettings
from yizhan.model.message import Lane, State
from yizhan.model.submission import Admitted, Encoding, Recipient, SignatureFound
from yizhan.model.views import ChannelView, TracedPdu
from yizhan.model.views import TestStep as Step
from yizhan.policy.turns import Crowd
from yizhan.sim.fate import Fates
from yizhan.sim.phones import Phones
from yizhan.sim.simulator import Simulator
from yizhan.store.accept import accept
from yizhan.store.committer import Turn
from yizhan.store.messages import count_waiting
from yizhan.store.queue import Claim, claim

from .house import House, call

CLOCK = SystemClock()


class TimeMachine:
    """The machine's clock, set to another time of day."""

    def __init__(self) -> None:
        self.off_ms = 0

    def now_ms(self) -> int:
        """Wall clock, UTC, milliseconds."""
        return CLOCK.now_ms() + self.off_ms

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return CLOCK.monotonic_s()


class Works:
    """A dispatcher, its simulator and the store between them."""

    def __init__(self, house: House, data: Path, window: int, clock: Clock = CLOCK) -> None:
        self.database = house.database
        self.journal = data / "journal.jsonl"
        couriers: list[Simulator] = []
        self.dispatcher = Dispatcher(house.database, house.living, lambda: couriers, clock)
        mailroom = Mailroom(house.database, house.living, house.policy, lambda _: "10690000", Meter())
        self.simulator = Simulator(
            ChannelSettings(name="sim", window=window, receipt_delay_s=0),
            self.journal,
            Settle(house.database, house.policy, mailroom, lambda _: True, self.dispatcher.given_back, meter=Meter()),
            CLOCK,
            self.dispatcher.wake,
            phones=Phones(CLOCK),
            fates=Fates(),
        )
        couriers.append(self.simulator)

    async def accept(self, account: int, prefix: str, count: int, lane: Lane, in_ms: int | None = None) -> None:
        """Store a call of ``count`` numbers and tell the dispatcher, as the reception does."""
        now_ms = CLOCK.now_ms()
        state = State.QUEUED if in_ms is None else State.SCHEDULED
        admitted = Admitted(
            call=call(),
            account_id=account,
            text="您好【驿站】",
            encoding=Encoding.UCS2,
            parts=1,
            cell="",
            send_at_ms=None if in_ms is None else now_ms + in_ms,
            lane=lane,
            recipients=tuple(Recipient(n, n, state, 0) for n in (f"{prefix}{i:06d}9" for i in range(count))),
            price_milli=0,
            signature=SignatureFound.AT_END,
            keywords_checked=0,
            accepted_at_ms=now_ms,
        )
        assert isinstance(await self.database.write(Turn.ACCEPT, accept, admitted), int)
        self.dispatcher.accepted(admitted)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """All tasks, until the block ends; then the stop of a node."""
        tasks = [asyncio.ensure_future(self.simulator.run())]
        dispatch = asyncio.ensure_future(self.dispatcher.run())
        try:
            yield
        finally:
            self.dispatcher.stop()
            await asyncio.wait_for(dispatch, 10)
            await asyncio.wait_for(self.simulator.idle(), 10)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.simulator.close()

    def handed_over(self) -> list[str]:
        """The numbers that the simulator took, in order."""
        if not self.journal.exists():
            return []
        events: list[dict[str, Any]] = [json.loads(line) for line in self.journal.read_text().splitlines()]
        return [event["number"] for event in events if event["event"] == "submit"]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until it holds."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.005)

    async def states(self) -> set[tuple[int, int]]:
        """(state, how many)."""
        query = "SELECT state, count(*) FROM messages GROUP BY state"
        return await self.database.read(lambda session: {(row[0], row[1]) for row in session.exec_driver_sql(query)})


@pytest.fixture
def two(house: House) -> House:
    """A house with accounts 1 and 2."""
    house.add("A")
    house.add("B", lane=LaneRule.AUTO)
    return house


def test_everything_goes_out_once(two: House, tmp_path: Path) -> None:
    async def run() -> None:
        works = Works(two, tmp_path, window=50)
        async with works.at_work():
            await asyncio.gather(*(works.accept(1 + n % 2, f"+8613{n}0", 30, Lane(n % 2)) for n in range(10)))
            await works.until(lambda: len(works.handed_over()) >= 300 and works.simulator.view().receipts_due == 0)
        numbers = works.handed_over()
        assert len(numbers) == len(set(numbers)) == 300
        assert await works.states() == {(State.DELIVERED, 300)}

    two.run(run())


def test_urgent_before_bulk(two: House, tmp_path: Path) -> None:
    async def run() -> None:
        works = Works(two, tmp_path, window=100)
        await works.accept(1, "+861300", 1_000, Lane.BULK)
        await works.accept(2, "+861390", 10, Lane.URGENT)
        async with works.at_work():
            await works.until(lambda: len(works.handed_over()) == 1_010)
        assert all(number.startswith("+861390") for number in works.handed_over()[:10])

    two.run(run())


def test_bulk_moves_while_urgent_waits(two: House, tmp_path: Path) -> None:
    async def run() -> None:
        works = Works(two, tmp_path, window=100)
        await works.accept(1, "+861390", 1_000, Lane.URGENT)
        await works.accept(2, "+861300", 1_000, Lane.BULK)
        async with works.at_work():
            await works.until(lambda: len(works.handed_over()) == 2_000)
        bulk = sum(number.startswith("+861300") for number in works.handed_over()[:800])
        assert 150 <= bulk <= 250, "a quarter"

    two.run(run())


def test_a_small_sender_does_not_wait_for_a_large_one(two: House, tmp_path: Path) -> None:
    """A has 2,000 messages queued and being sent when the ten of B arrive."""

    async def run() -> None:
        works = Works(two, tmp_path, window=50)
        await works.accept(1, "+861300", 2_000, Lane.BULK)
        async with works.at_work():
            await works.until(lambda: len(works.handed_over()) >= 50)
            await works.accept(2, "+861390", 10, Lane.BULK)
            before = len(works.handed_over())
            await works.until(lambda: len(works.handed_over()) == 2_010)
        places = [place for place, number in enumerate(works.handed_over()) if number.startswith("+861390")]
        assert len(places) == 10 and places[-1] <= before + 300, (before, places)
        assert places[-1] < 1_900, "well before the last of A"

    two.run(run())


def test_a_scheduled_message_goes_out_when_it_is_due(two: House, tmp_path: Path) -> None:
    async def run() -> None:
        works = Works(two, tmp_path, window=50)
        async with works.at_work():
            await works.accept(1, "+861300", 1, Lane.BULK, in_ms=60_000)
            due_ms = CLOCK.now_ms() + 800
            await works.accept(1, "+861310", 2, Lane.BULK, in_ms=800)
            await works.accept(1, "+861320", 1, Lane.BULK)
            await works.until(lambda: len(works.handed_over()) >= 1)
            assert works.handed_over() == ["+8613200000009"]
            await works.until(lambda: len(works.handed_over()) == 3)
            assert due_ms <= CLOCK.now_ms() <= due_ms + 3_000
        assert (await works.database.read(count_waiting))["scheduled"] == 1, "the later one waits"

    two.run(run())


def test_what_was_scheduled_before_the_start_goes_out(two: House, tmp_path: Path) -> None:
    async def run() -> None:
        before = Works(two, tmp_path, window=50)
        await before.accept(1, "+861310", 2, Lane.BULK, in_ms=0)
        await before.accept(1, "+861320", 1, Lane.BULK, in_ms=150)
        before.simulator.close()
        works = Works(two, tmp_path, window=50)
        async with works.at_work():
            await works.until(lambda: len(works.handed_over()) == 3)

    two.run(run())


class FullCourier:
    """A channel that takes ten letters and never answers."""

    name = "full"

    def __init__(self) -> None:
        self.taken: list[Letter] = []

    def state(self) -> ChannelState:
        """What is left of ten."""
        return ChannelState(self.name, up=True, paused=False, free=10 - len(self.taken), errors=0, delivered=None)

    def hand_over(self, letters: Sequence[Letter]) -> None:
        """Keep them."""
        assert 0 < len(letters) <= self.state().free
        self.taken.extend(letters)

    def view(self) -> ChannelView:
        """As it stands."""
        return ChannelView(self.name, "full", 10, len(self.taken), 0)

    def pause(self, paused: bool) -> None:
        """Never."""

    def trace(self, _after: int, _number: str | None, _limit: int, *, clear: bool) -> Sequence[TracedPdu]:
        """Nothing."""
        return ()

    async def test(self) -> list[Step]:
        """There is nobody to ask."""
        return []

    async def run(self) -> None:
        """Nothing to do."""

    async def idle(self) -> None:
        """Never."""

    def close(self) -> None:
        """Nothing is open."""


def test_stop_leaves_the_backlog_and_a_restart_goes_on(two: House, tmp_path: Path) -> None:
    async def run() -> None:
        works = Works(two, tmp_path, window=50)
        courier = FullCourier()
        dispatcher = Dispatcher(two.database, two.living, lambda: [courier], CLOCK)
        await works.accept(1, "+861300", 100, Lane.BULK)
        running = asyncio.ensure_future(dispatcher.run())
        await works.until(lambda: len(courier.taken) == 10)
        dispatcher.stop()
        await asyncio.wait_for(running, 5)
        assert len(courier.taken) == 10, "a full channel gets nothing more"
        assert await works.states() == {(State.QUEUED, 90), (State.SENDING, 10)}
        await works.dispatcher.recover(lambda _: True)
        assert await works.states() == {(State.QUEUED, 100)}
        async with works.at_work():
            await works.until(lambda: len(works.handed_over()) == 100)

    two.run(run())


def test_a_stopped_dispatcher_claims_nothing(two: House, tmp_path: Path) -> None:
    async def run() -> None:
        works = Works(two, tmp_path, window=50)
        await works.accept(1, "+861300", 5, Lane.URGENT)
        works.dispatcher.stop()
        async with works.at_work():
            pass
        assert works.handed_over() == [] and await works.states() == {(State.QUEUED, 5)}

    two.run(run())


@pytest.mark.parametrize(
    ("resend", "states"),
    [
        pytest.param(True, {(State.QUEUED, 5)}, id="resend"),
        pytest.param(False, {(State.QUEUED, 2), (State.UNCERTAIN, 3)}, id="hold"),
    ],
)
def test_recover(two: House, tmp_path: Path, resend: bool, states: set[tuple[int, int]]) -> None:
    async def run() -> None:
        works = Works(two, tmp_path, window=50)
        await works.accept(1, "+861300", 5, Lane.URGENT)
        await two.database.write(Turn.CARRIAGE, claim, [Claim("sim", Crowd(Lane.URGENT, 1), 3, CLOCK.now_ms())])
        await works.dispatcher.recover(lambda name: name == "sim" and resend)
        assert await works.states() == states
        works.simulator.close()

    two.run(run())


def test_a_call_during_which_the_clock_is_set_back_does_not_wait(two: House, tmp_path: Path) -> None:
    async def run() -> None:
        clock = TimeMachine()
        works = Works(two, tmp_path, window=50, clock=clock)
        async with works.at_work():
            clock.off_ms = -7_200_000
            works.dispatcher.look()
            await asyncio.sleep(0.1)  # it has seen the step, and mended what was queued then
            await works.accept(1, "+861300", 5, Lane.URGENT)  # by the time from before the step
            await works.until(lambda: len(works.handed_over()) == 5)

    two.run(run())


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_set_back_does_not_hold_up_what_is_queued(two: House, tmp_path: Path, restarted: bool) -> None:
    async def run() -> None:
        clock = TimeMachine()
        works = Works(two, tmp_path, window=50, clock=clock)

        async def queue() -> None:
            await works.accept(1, "+861300", 5, Lane.URGENT)
            await works.accept(1, "+861301", 1, Lane.URGENT, in_ms=3_600_000)
            clock.off_ms = -7_200_000

        works.simulator.pause(True)
        if restarted:
            await queue()
        async with works.at_work():
            if not restarted:
                await asyncio.sleep(0.1)  # it has looked at its clock once
                await queue()
            works.simulator.pause(False)
            works.dispatcher.look()
            await works.until(lambda: len(works.handed_over()) == 5)
            assert (State.SCHEDULED, 1) in await works.states(), "a SendTime means the clock as it is"

    two.run(run())

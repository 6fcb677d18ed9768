"""Messages find their channels: rules, weights, backups, refusals and full channels, with real simulators."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from yizhan.console.telling import tell
from yizhan.flow.dispatch import Dispatcher
from yizhan.flow.mailroom import Mailroom
from yizhan.flow.meter import Meter
from yizhan.flow.settle import Settle
from yizhan.kit.clock import SystemClock
from yizhan.model.channel import ChannelSettings
from yizhan.model.message import State
from yizhan.model.route import Network
from yizhan.sim.fate import Fates
from yizhan.sim.phones import Phones
from yizhan.sim.simulator import Simulator

from .house import House, call

CLOCK = SystemClock()


class Works:
    """A dispatcher and simulators by name."""

    def __init__(self, house: House, folder: Path, **windows: int) -> None:
        self.house = house
        self.folder = folder
        self.couriers: list[Simulator] = []
        self.dispatcher = Dispatcher(house.database, house.living, lambda: self.couriers, CLOCK)
        mailroom = Mailroom(house.database, house.living, house.policy, lambda _: "1069", Meter())
        settle = Settle(
            house.database, house.policy, mailroom, lambda _: True, self.dispatcher.given_back, meter=Meter()
        )
        for name, window in windows.items():
            settings = ChannelSettings(name=name, window=window, receipt_delay_s=0, source="1069")
            journal = folder / f"{name}.jsonl"
            self.couriers.append(
                Simulator(settings, journal, settle, CLOCK, self.dispatcher.wake, phones=Phones(CLOCK), fates=Fates())
            )

    async def run(self, wanted: dict[State, int]) -> None:
        """Let everything work until so many messages stand in these states."""
        tasks = [asyncio.ensure_future(courier.run()) for courier in self.couriers]
        tasks.append(asyncio.ensure_future(self.dispatcher.run()))
        deadline = CLOCK.monotonic_s() + 15
        while (found := await self.states()) != wanted:
            assert CLOCK.monotonic_s() < deadline, found
            await asyncio.sleep(0.01)
        self.dispatcher.stop()
        await tasks.pop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for courier in self.couriers:
            courier.close()

    async def states(self) -> dict[State, int]:
        """state -> how many."""
        query = "SELECT state, count(*) FROM messages GROUP BY state"
        rows = await self.house.database.read(lambda session: session.exec_driver_sql(query).fetchall())
        return {State(row[0]): row[1] for row in rows}

    def carried(self) -> dict[str, Counter[str]]:
        """channel -> the numbers that it took."""
        found: dict[str, Counter[str]] = {}
        for courier in self.couriers:
            lines = (self.folder / f"{courier.name}.jsonl").read_text().splitlines()
            events = [json.loads(line) for line in lines]
            found[courier.name] = Counter(event["number"] for event in events if event["event"] == "submit")
        return found


def send(house: House, *numbers: str, text: str = "您好【驿站】") -> None:
    """A call of the account."""
    house.clock.now_s = CLOCK.now_ms() / 1000
    accepted = house.run(house.reception.submit(call(mobile=",".join(numbers), content=text)))
    assert hasattr(accepted, "submission"), accepted


def rule(house: House, *tiers: dict[str, int], **matches: Any) -> None:
    """A rule in the store; its channels are the test's own."""
    from yizhan.model.route import Route
    from yizhan.store.routes import insert_route

    free: dict[str, Any] = {"account_id": None, "prefix": "", "country": "", "network": None, "text_class": None}
    route = Route(id=0, position=0, tiers=tiers, **{**free, **matches})
    house.run(house.database.change(lambda session: insert_route(session, route)))
    house.run(house.living.reload_routes())


@pytest.fixture
def rich(house: House) -> House:
    """An account with plenty."""
    house.add(credit=10_000)
    return house


def mainland(count: int, first: int = 0, prefix: str = "138") -> list[str]:
    """Numbers without a special fate."""
    return [f"{prefix}{first + n:06d}99" for n in range(count)]


def test_without_rules_all_channels_share(rich: House, tmp_path: Path) -> None:
    works = Works(rich, tmp_path, a=50, b=50)
    send(rich, *mainland(1_000))
    rich.run(works.run({State.DELIVERED: 1_000}))
    carried = works.carried()
    assert sum((carried["a"] + carried["b"]).values()) == 1_000 and min(map(len, carried.values())) > 200


def test_rules_by_country_and_network(rich: House, tmp_path: Path) -> None:
    rule(rich, {"abroad": 1}, country="852")
    rule(rich, {"unicom": 1}, network=Network.UNICOM)
    rule(rich, {"rest": 1})
    works = Works(rich, tmp_path, abroad=10, unicom=10, rest=10)
    numbers = [*mainland(30), *mainland(30, prefix="130"), *[f"+8529{n:05d}99" for n in range(30)]]
    send(rich, *numbers)
    rich.run(works.run({State.DELIVERED: 90}))
    carried = works.carried()
    assert {name: len(taken) for name, taken in carried.items()} == {"abroad": 30, "unicom": 30, "rest": 30}
    assert all(number.startswith("+86130") for number in carried["unicom"])


def test_weights(rich: House, tmp_path: Path) -> None:
    rule(rich, {"a": 3, "b": 1})
    works = Works(rich, tmp_path, a=5_000, b=5_000)
    send(rich, *mainland(2_000))
    rich.run(works.run({State.DELIVERED: 2_000}))
    assert len(works.carried()["a"]) == 1_500


def test_weights_hold_for_single_messages_too(rich: House, tmp_path: Path) -> None:
    rule(rich, {"a": 3, "b": 1})
    works = Works(rich, tmp_path, a=100, b=100)

    async def one_by_one() -> None:
        for n in range(200):
            await rich.reception.submit(call(mobile=f"138{n:06d}99"))
            works.dispatcher.accepted(rich.accepted[-1])
            await asyncio.sleep(0.002)

    async def both() -> None:
        await asyncio.gather(one_by_one(), works.run({State.DELIVERED: 200}))

    rich.clock.now_s = CLOCK.now_ms() / 1000
    rich.run(both())
    carried = works.carried()
    assert 110 < len(carried["a"]) < 185 and len(carried["a"]) + len(carried["b"]) == 200


def test_a_full_channel_leaves_the_rest_to_the_other(rich: House, tmp_path: Path) -> None:
    """Weights are for channels that have room; a backlog goes as fast as all of them can."""
    rule(rich, {"a": 9, "b": 1})
    works = Works(rich, tmp_path, a=10, b=100)
    send(rich, *mainland(1_000))
    rich.run(works.run({State.DELIVERED: 1_000}))
    assert len(works.carried()["b"]) > 500


def test_a_channel_that_refuses_hands_on_to_the_next(rich: House, tmp_path: Path) -> None:
    """Every simulator bars 0006; two of them in turn, and then nobody is left."""
    rule(rich, {"a": 1}, {"b": 1})
    works = Works(rich, tmp_path, a=10, b=10)
    send(rich, "13800000006", "13800000099")
    rich.run(works.run({State.DELIVERED: 1, State.FAILED: 1}))
    rows = rich.run(rich.ask.messages(number="13800000006")).messages
    (story,) = rich.run(rich.ask.stories(rows[0].id))
    refused = [(step.what, step.why) for step in tell(story).steps if "refused" in step.what]
    assert refused == [
        ("attempt 1, part 1 of 1 refused: RINVSRCADR", "a"),
        ("part 1 of 1 refused: RINVSRCADR", "b"),
    ]
    assert rows[0].refunded == 1 and rich.run(rich.ask.verify_ledger()).holds


def test_a_full_or_paused_channel_holds_up_nobody_else(rich: House, tmp_path: Path) -> None:
    rule(rich, {"stuck": 1}, country="852")
    rule(rich, {"free": 1})
    works = Works(rich, tmp_path, stuck=5, free=5)
    works.couriers[0].pause(True)
    send(rich, *[f"+8529{n:05d}99" for n in range(50)])
    send(rich, *mainland(50))
    rich.run(works.run({State.DELIVERED: 50, State.QUEUED: 50}))
    assert len(works.carried()["free"]) == 50


def test_what_waits_follows_a_new_rule(rich: House, tmp_path: Path) -> None:
    """The office renews the keys of what waits; here the store's own board knows one living channel."""
    rich.run(rich.operate.add_channel("op", {"name": "b", "kind": "simulator"}))
    send(rich, *mainland(20), *[f"+8529{n:05d}99" for n in range(20)])
    rich.run(rich.operate.add_route("op", [{"b": 1}], country="852"))
    works = Works(rich, tmp_path, a=10, b=10)
    works.couriers[1].pause(True)
    rich.run(works.run({State.DELIVERED: 20, State.QUEUED: 20}))
    assert len(works.carried()["a"]) == 20

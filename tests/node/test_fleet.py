"""The fleet: channels come, change, pause and go while messages flow, and a broken one takes nobody else down."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from yizhan.flow.office import Conflict
from yizhan.model.call import Call, Transport
from yizhan.model.message import Lane, State
from yizhan.model.operation import FAMILY
from yizhan.model.settings import Settings
from yizhan.model.submission import Admitted, Encoding, Recipient, SignatureFound
from yizhan.node import ship as ship_module
from yizhan.node.build import House, build
from yizhan.store.accept import accept
from yizhan.store.committer import Turn


class Works:
    """A house without doors: what happens between accept and settle."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.fleet = house.fleet
        self._count = 0

    async def send(self, count: int) -> None:
        """So many messages of the account."""
        now_ms = 1_700_000_000_000
        numbers = [f"+86138{self._count + n:06d}99" for n in range(count)]
        self._count += count
        admitted = Admitted(
            call=Call(FAMILY[0], {}, "192.0.2.1", Transport.ASPX),
            account_id=1,
            text="您好【驿站】",
            encoding=Encoding.UCS2,
            parts=1,
            cell="",
            send_at_ms=None,
            lane=Lane.BULK,
            recipients=tuple(Recipient(number, number, State.QUEUED, 0) for number in numbers),
            price_milli=0,
            signature=SignatureFound.AT_END,
            keywords_checked=0,
            accepted_at_ms=now_ms,
        )
        assert isinstance(await self.house.database.write(Turn.ACCEPT, accept, admitted), int)
        self.house.dispatcher.accepted(admitted)

    async def states(self) -> dict[State, int]:
        """state -> how many."""
        query = "SELECT state, count(*) FROM messages GROUP BY state"
        rows = await self.house.database.read(lambda session: session.exec_driver_sql(query).fetchall())
        return {State(row[0]): row[1] for row in rows}

    async def until(self, **wanted: int) -> None:
        """Until exactly so many stand in these states."""
        expected = {State[name]: count for name, count in wanted.items()}
        deadline = time.monotonic() + 20
        while (found := await self.states()) != expected:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.01)

    async def until_sent(self, count: int) -> None:
        """Until so many were taken by a channel, reported or not."""
        deadline = time.monotonic() + 20
        while (found := await self.states()).get(State.SENT, 0) + found.get(State.DELIVERED, 0) != count:
            assert time.monotonic() < deadline, found
            await asyncio.sleep(0.01)

    def names(self) -> list[str]:
        """The channels at work."""
        return [courier.name for courier in self.fleet.couriers()]


@asynccontextmanager
async def working(data: Path, **settings: Any) -> AsyncIterator[Works]:
    """A node without its doors."""
    house = build(Settings.model_validate(settings), data)
    try:
        await house.living.load()
        if not house.living.standing.accounts:
            await house.operate.add_account("op", "C1", password_md5="0" * 32, credit_milli=1_000)
        await house.fleet.apply()
        await house.dispatcher.recover(house.fleet.resends)
        tasks = [asyncio.ensure_future(house.fleet.run()), asyncio.ensure_future(house.dispatcher.run())]
        yield Works(house)
        house.dispatcher.stop()
        await tasks[1]
        await asyncio.wait_for(house.fleet.idle(), 10)
        tasks[0].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        house.gate.close()
        await house.delivery.close()
        house.database.close()
        house.fleet.close()


QUICK = {"kind": "simulator", "receipt_delay_s": 0.01, "window": 20}


def test_the_built_in_simulator_makes_way(tmp_path: Path) -> None:
    async def run() -> None:
        async with working(tmp_path) as works:
            assert works.names() == ["simulator"]
            await works.send(50)
            await works.until(DELIVERED=50)
            await works.house.operate.add_channel("op", {"name": "a", **QUICK})
            assert works.names() == ["a"]
            await works.send(50)
            await works.until(DELIVERED=100)
            with pytest.raises(Conflict, match="already"):
                await works.house.operate.add_channel("op", {"name": "a", **QUICK})
            await works.house.operate.remove_channel("op", "a")
            assert works.names() == ["simulator"], "and comes back when nothing else is there"

    asyncio.run(run())


def test_a_store_of_its_own_has_a_channel_whole(tmp_path: Path) -> None:
    async def run() -> None:
        nowhere = {"name": "a", "kind": "smpp", "host": "127.0.0.1", "port": 1, "system_id": "esme"}
        async with working(tmp_path, channels=[{**nowhere, "binds": 5, "nodes": 2, "rate_per_s": 10}]) as works:
            (courier,) = works.fleet.couriers()
            view = works.fleet.view(works.fleet.settings()[0])
            assert view == courier.view() and (view.binds, view.rate_per_s, view.shares) == (5, 10, ())

    asyncio.run(run())


def test_a_channel_of_its_own_name_may_replace_it(tmp_path: Path) -> None:
    async def run() -> None:
        async with working(tmp_path) as works:
            with pytest.raises(Conflict, match="built in"):
                await works.house.operate.remove_channel("op", "simulator")
            await works.house.operate.add_channel("op", {"name": "simulator", **QUICK})
            assert works.fleet.couriers()[0].view().window == 20
            await works.house.operate.remove_channel("op", "simulator")
            assert works.fleet.couriers()[0].view().window == 1_000

    asyncio.run(run())


def test_changes_under_load_lose_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with working(tmp_path) as works:
            operate = works.house.operate
            await operate.add_channel("op", {"name": "a", **QUICK})
            await operate.add_channel("op", {"name": "b", **QUICK})
            for change in range(6):
                await works.send(200)
                await operate.set_channel("op", "a", {"window": 10 + change})
                await operate.pause_channel("op", "b")
                await works.send(50)
                await operate.resume_channel("op", "b")
            await works.until(DELIVERED=1_500)
            await works.send(100)
            await operate.remove_channel("op", "a")
            await works.send(100)
            await works.until_sent(1_700)
            query = "SELECT count(*), count(DISTINCT message_id), (SELECT sum(uncertain) FROM messages) FROM parts"
            (row,) = await works.house.database.read(lambda session: session.exec_driver_sql(query).fetchall())
            assert tuple(row) == (1_700, 1_700, 0), "each once, none uncertain"

    asyncio.run(run())


def test_a_pause_survives_a_restart_and_holds_for_channels_of_the_file(tmp_path: Path) -> None:
    channels = [{"name": "file", **QUICK}]

    async def first() -> None:
        async with working(tmp_path, channels=channels) as works:
            await works.house.operate.pause_channel("op", "file")
            await works.send(5)
            await asyncio.sleep(0.1)
            assert await works.states() == {State.QUEUED: 5}
            for act in ("set_channel", "remove_channel"):
                with pytest.raises(Conflict, match="configuration file"):
                    await getattr(works.house.operate, act)("op", "file", *([{}] if act == "set_channel" else []))

    async def second() -> None:
        async with working(tmp_path, channels=channels) as works:
            await asyncio.sleep(0.1)
            assert await works.states() == {State.QUEUED: 5}
            await works.house.operate.resume_channel("op", "file")
            await works.until(DELIVERED=5)

    asyncio.run(first())
    asyncio.run(second())


def test_living_channels_survive_a_restart(tmp_path: Path) -> None:
    async def first() -> None:
        async with working(tmp_path) as works:
            await works.house.operate.add_channel("op", {"name": "a", **QUICK, "source": "106900001234"})

    async def second() -> None:
        async with working(tmp_path, channels=[{"name": "file", **QUICK}]) as works:
            assert works.names() == ["file", "a"]
            assert works.house.living.standing.access_digits == 12
            assert works.fleet.access("a") == "106900001234"

    asyncio.run(first())
    asyncio.run(second())


def test_a_channel_that_breaks_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ship_module, "RESTART_S", 0.05)

    async def run() -> None:
        async with working(tmp_path, channels=[{"name": "a", **QUICK}, {"name": "b", **QUICK}]) as works:
            broken = works.fleet.couriers()[0]
            journal = broken._journal  # type: ignore[attr-defined]
            journal._file.close()  # the disk went away under it
            journal._file = (tmp_path / "lock").open("rb")
            broken._until_done = _raise  # type: ignore[attr-defined]
            await works.send(100)
            await works.until(DELIVERED=100)
            assert works.fleet.couriers()[0] is not broken
            journal._file.close()

    async def _raise(*_: object) -> None:
        raise OSError("broken")

    asyncio.run(run())


def test_a_channel_that_breaks_while_it_ends_is_not_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ship_module, "RESTART_S", 0.05)

    async def run() -> None:
        async with working(tmp_path, channels=[{"name": "a", **QUICK}]) as works:
            (courier,) = works.fleet.couriers()
            courier._part = _raise  # type: ignore[attr-defined]
            await works.send(10)
            await works.until(DELIVERED=10)
            (ship,) = works.fleet._ships.values()
            assert ship.task is not None
            ship.task.cancel()
            await asyncio.wait_for(asyncio.gather(ship.task, return_exceptions=True), 5)

    async def _raise() -> None:
        raise OSError("broken")

    asyncio.run(run())


def test_what_is_known_of_a_channel_that_went(tmp_path: Path) -> None:
    async def run() -> None:
        async with working(tmp_path) as works:
            await works.house.operate.add_channel("op", {"name": "a", **QUICK, "uncertain": "hold", "source": "1"})
            await works.house.operate.remove_channel("op", "a")
            assert not works.fleet.resends("a") and works.fleet.access("a") == "1"
            assert works.fleet.resends("never") and works.fleet.access("never") == ""
            assert [one.name for one in works.fleet.settings()] == ["simulator"]
            (simulator,) = works.fleet.settings()
            assert (await works.fleet.test(simulator))[0].passed

    asyncio.run(run())


def test_what_went_is_known_after_a_restart_and_without_its_password(tmp_path: Path) -> None:
    carrier = {"kind": "smpp", "host": "127.0.0.1", "port": 1, "system_id": "me", "password": "topsecret"}
    gone = {"name": "file", **carrier, "uncertain": "hold", "receipt_wait_s": 77, "source": "106"}

    async def first() -> None:
        async with working(tmp_path, channels=[gone]):
            pass

    async def second() -> None:
        async with working(tmp_path, channels=[{"name": "other", **QUICK}]) as works:
            assert [one.name for one in works.fleet.settings()] == ["other"]
            assert not works.fleet.resends("file") and works.fleet.access("file") == "106"
            assert {one.name: one.receipt_wait_s for one in works.fleet.remembered()}["file"] == 77
            query = "SELECT name, settings, gone_at_ms IS NULL FROM known_channels ORDER BY name"
            rows = await works.house.database.read(lambda session: session.exec_driver_sql(query).fetchall())
            assert [(row[0], row[2]) for row in rows] == [("file", 0), ("other", 1)]
            assert "topsecret" not in str(rows)

    async def back_again() -> None:
        async with working(tmp_path, channels=[gone]) as works:
            assert [one.name for one in works.fleet.remembered()] == ["file", "other"]

    for part in (first, second, back_again):
        asyncio.run(part())


def test_what_a_removed_channel_left_comes_to_an_end(tmp_path: Path) -> None:
    never = {"kind": "simulator", "receipt_delay_s": 3_600, "receipt_wait_s": 0.05}

    async def first() -> None:
        async with working(tmp_path) as works:
            await works.house.operate.add_channel("op", {"name": "a", **never})
            await works.send(5)
            await works.until(SENT=5)
            await works.house.operate.remove_channel("op", "a")

    async def second() -> None:
        async with working(tmp_path, channels=[{"name": "other", **QUICK}]) as works:
            await works.house.overdue.close_unreported()
            assert await works.states() == {State.UNKNOWN: 5}

    asyncio.run(first())
    asyncio.run(second())


def test_a_channel_that_cannot_be_made_says_why_and_comes_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ship_module, "RESTART_S", 0.05)
    in_the_way = tmp_path / "simulator-a.jsonl"
    in_the_way.mkdir()

    async def run() -> None:
        async with working(tmp_path, channels=[{"name": "a", **QUICK}, {"name": "b", **QUICK}]) as works:
            assert works.names() == ["b"]
            await works.house.operate.pause_channel("op", "a")
            health = await works.house.ask.health()
            (view, _) = health.channels
            assert view.name == "a" and view.paused and "cannot be made" in view.why
            await works.send(20)
            await works.until(DELIVERED=20)
            in_the_way.rmdir()
            deadline = time.monotonic() + 10
            while works.names() != ["a", "b"]:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.01)
            assert works.fleet.couriers()[0].state().paused, "a pause is remembered"

    asyncio.run(run())


def test_a_pause_does_not_wait_for_another_channels_drain(tmp_path: Path) -> None:
    async def run() -> None:
        async with working(tmp_path, channels=[{"name": "b", **QUICK}], server={"drain_s": 60}) as works:
            await works.house.operate.add_channel("op", {"name": "a", **QUICK})
            (_, slow) = works.fleet.couriers()
            drained = asyncio.Event()
            slow.idle = drained.wait  # type: ignore[method-assign, assignment]  # a carrier that does not answer
            removal = asyncio.ensure_future(works.house.operate.remove_channel("op", "a"))
            while works.names() != ["b"]:
                await asyncio.sleep(0.01)
            await asyncio.wait_for(works.house.operate.pause_channel("op", "b"), 10)
            assert works.fleet.couriers()[0].state().paused and not removal.done()
            drained.set()
            await removal

    asyncio.run(run())

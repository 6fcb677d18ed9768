"""The turnstile: a flood waits behind its own calls, and what waits too long or too much is told so."""

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

import pytest

from yizhan.flow.turnstile import Turnstile, rows_of
from yizhan.store.committer import Overloaded

FLOOD, OTHER, THIRD = 1, 2, 3


class Calls:
    """Calls that come to a turnstile and stay inside until they are told to go; ``inside`` is in the order of entry."""

    def __init__(self, turnstile: Turnstile) -> None:
        self.inside: list[str] = []
        self.refused: list[str] = []
        self._turnstile = turnstile
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, account: int, *names: str, rows: int = 10) -> None:
        """Calls of ``account`` come one after another."""
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks.append(asyncio.create_task(self._call(account, name, rows)))
        await settled()

    async def _call(self, account: int, name: str, rows: int) -> None:
        try:
            async with self._turnstile.place(account, rows):
                self.inside.append(name)
                await self._ends[name].wait()
                self.inside.remove(name)
        except Overloaded:
            self.refused.append(name)

    async def end(self, *names: str) -> None:
        """They are committed."""
        for name in names:
            self._ends[name].set()
        await settled()

    async def leave(self, place: int) -> None:
        """Whoever runs the call has had enough."""
        self._tasks[place].cancel()
        await settled()


async def settled() -> None:
    """Every task has gone as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def run(story: Coroutine[Any, Any, None]) -> None:
    """Tell it on a loop of its own."""
    asyncio.run(story)


def test_calls_pass_in_order_while_there_is_room() -> None:
    async def story() -> None:
        calls = Calls(Turnstile(30, 1_000, 60))
        await calls.come(FLOOD, "a", "b", "c", "d", "e")
        assert calls.inside == ["a", "b", "c"]
        await calls.end("b")
        assert calls.inside == ["a", "c", "d"]
        await calls.end("a", "c", "d", "e")
        assert calls.inside == []
        await calls.come(FLOOD, "f", "g", "h")
        assert calls.inside == ["f", "g", "h"], "all room is given back"

    run(story())


def test_an_account_below_its_share_does_not_wait_for_a_flood() -> None:
    async def story() -> None:
        calls = Calls(Turnstile(40, 1_000, 60))
        await calls.come(FLOOD, *(f"flood{n}" for n in range(20)))
        assert len(calls.inside) == 4
        await calls.come(OTHER, "one", "two", "three")
        assert calls.inside[4:] == ["one", "two"], "half of the room is its share, whoever has it now"
        await calls.end("one")
        assert calls.inside[4:] == ["two", "three"]
        await calls.come(THIRD, "huge", rows=500)
        assert calls.inside[-1] == "huge", "whoever has nothing on the way is let in, however much it is"

    run(story())


def test_accounts_beyond_their_share_take_turns() -> None:
    async def story() -> None:
        calls = Calls(Turnstile(20, 1_000, 60))
        await calls.come(FLOOD, "a1", "a2", "a3", "a4")
        await calls.come(OTHER, "b1", "b2", "b3")
        assert calls.inside == ["a1", "a2", "b1"]
        await calls.end("a1")
        assert calls.inside == ["a2", "b1"], "the flood has its share, and one too many are inside"
        await calls.end("a2")
        assert calls.inside == ["b1", "a3"]
        await calls.end("b1")
        assert calls.inside == ["a3", "b2"]

    run(story())


def test_what_is_larger_than_all_the_room_goes_alone() -> None:
    async def story() -> None:
        calls = Calls(Turnstile(20, 1_000, 60))
        await calls.come(FLOOD, "big", "bigger", rows=100)
        assert calls.inside == ["big"]
        await calls.end("big")
        assert calls.inside == ["bigger"]

    run(story())


@pytest.mark.parametrize(("rows", "at_once"), [pytest.param(600, 1, id="large"), pytest.param(10, 3, id="small")])
def test_large_calls_are_let_in_one_in_each_turn_of_the_loop(rows: int, at_once: int) -> None:
    async def story() -> None:
        calls = Calls(Turnstile(2_000, 10_000, 60))
        await calls.come(FLOOD, "first", rows=2_000)
        await calls.come(FLOOD, "a", "b", "c", rows=rows)
        assert calls.inside == ["first"]
        ending = asyncio.create_task(calls.end("first"))
        counts: list[int] = []
        while len(counts) < 20:
            counts.append(len(calls.inside) if "first" not in calls.inside else 0)
            await asyncio.sleep(0)
        await ending
        assert max(later - now for now, later in itertools.pairwise(counts)) == at_once
        assert calls.inside == ["a", "b", "c"]
        await calls.end("a", "b", "c")

    run(story())


def test_a_flood_leaves_room_in_the_line_for_others() -> None:
    async def story() -> None:
        calls = Calls(Turnstile(10, 60, 60))
        await calls.come(FLOOD, *(f"flood{n}" for n in range(9)))
        assert calls.refused == ["flood4", "flood5", "flood6", "flood7", "flood8"], "three wait, as many have room"
        await calls.come(OTHER, "one", "two", "three", "four")
        assert calls.inside == ["flood0", "one"]
        assert calls.refused[5:] == ["four"], "two wait, and there is still room for a third account"

    run(story())


def test_too_many_are_refused_at_once_and_the_patient_too_late() -> None:
    async def story() -> None:
        calls = Calls(Turnstile(10, 40, 0.05))
        await calls.come(FLOOD, "a", "b", "c", "d")
        assert (calls.inside, calls.refused) == (["a"], ["d"])
        await asyncio.sleep(0.2)
        assert sorted(calls.refused) == ["b", "c", "d"]
        await calls.end("a")
        await calls.come(FLOOD, "e")
        assert calls.inside == ["e"], "nothing is left of those that gave up"

    run(story())


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_call_that_is_cancelled_leaves_no_gap(place: int) -> None:
    async def story() -> None:
        calls = Calls(Turnstile(10, 1_000, 60))
        await calls.come(FLOOD, "a", "b", "c")
        await calls.leave(place)
        for name in "abc":
            await calls.end(name)
        await calls.come(FLOOD, "d", "e")
        assert calls.inside[-1] == "d"
        await calls.end("d")
        assert calls.inside[-1] == "e"

    run(story())


def test_a_call_that_is_cancelled_as_it_is_let_in_gives_its_room_back() -> None:
    async def story() -> None:
        turnstile = Turnstile(10, 1_000, 60)
        await turnstile.enter(FLOOD, 10)
        waiting = asyncio.create_task(turnstile.enter(FLOOD, 10))
        await settled()
        turnstile.leave(FLOOD, 10)
        waiting.cancel()
        await settled()
        assert waiting.cancelled()
        async with asyncio.timeout(1):
            await turnstile.enter(FLOOD, 10)

    run(story())


def test_a_call_that_gives_up_as_another_leaves_does_not_hurt_that_one() -> None:
    async def story() -> None:
        turnstile = Turnstile(10, 1_000, 60)
        await turnstile.enter(FLOOD, 10)
        giving_up, patient = (asyncio.create_task(turnstile.enter(FLOOD, 10)) for _ in range(2))
        await settled()
        giving_up.cancel()
        turnstile.leave(FLOOD, 10)
        await settled()
        assert giving_up.cancelled() and patient.done()

    run(story())


def test_rows_are_judged_by_length() -> None:
    assert rows_of("13800000000") == 1
    assert 450 < rows_of(",".join(f"138{n:08d}" for n in range(500))) < 550

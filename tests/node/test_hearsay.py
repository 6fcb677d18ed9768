"""What nodes tell each other with their beats is heard once by each, whichever beats fail, and however late."""

import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine

from yizhan.node.hearsay import Hearsay
from yizhan.policy.tally import Key, Taking, Tallies, Tally
from yizhan.store.berths import Tide
from yizhan.store.schema import tellings
from yizhan.store.tellings import Heard, Told, forget_tellings, tell

LEASE_MS = 1_000
NODES = 3


class Sum(Tally):
    """What was heard, and when."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[Key, int, float]] = []

    def add(self, key: Key) -> None:
        """Here."""
        self._note(key, 1)

    def hear(self, key: Key, count: int, at_s: float) -> None:
        """There."""
        self.heard.append((key, count, at_s))


class Node:
    """One that beats when the test wants it to."""

    def __init__(self, connection: Connection, node_id: int) -> None:
        self._connection = connection
        self._id = node_id
        self.sum = Sum()
        self.hearsay = Hearsay(Tallies({"it": self.sum}))

    def beat(self, now_ms: int, *, comes_back: bool = True) -> None:
        """In the store, at least."""
        tide = Tide(now_ms=now_ms, heard=tell(self._connection, self._id, self.hearsay.say(), now_ms, LEASE_MS))
        if comes_back:
            self.hearsay.hear(tide, now_ms / 1000)


@pytest.fixture
def connection() -> Iterator[Connection]:
    """To a store that has nothing else."""
    with create_engine("sqlite://").connect() as opened:
        tellings.create(opened)
        yield opened


def test_what_is_heard_is_as_old_as_it_is(connection: Connection) -> None:
    one, two = Node(connection, 1), Node(connection, 2)
    two.beat(9_000)
    one.sum.add("a")
    one.beat(10_000)
    two.beat(10_400)
    two.beat(10_800)
    assert two.sum.heard == [("a", 1, 10.0)] and one.sum.heard == []


def test_a_node_that_starts_hears_the_last_lease(connection: Connection) -> None:
    one = Node(connection, 1)
    for now_ms in (9_000, 10_000):
        one.sum.add("a")
        one.beat(now_ms)
    two = Node(connection, 2)
    two.beat(10_500)
    assert two.sum.heard == [("a", 1, 10.0)]


def test_what_is_committed_late_is_heard_all_the_same(connection: Connection) -> None:
    """It bears the time at which it was written, and others, younger, have been read by then."""
    one, two, three = (Node(connection, number) for number in (1, 2, 3))
    three.beat(9_900)
    two.sum.add("b")
    two.beat(10_400)
    three.beat(10_500)
    one.sum.add("a")
    one.beat(10_000)
    three.beat(10_800)
    assert three.sum.heard == [("b", 1, 10.4), ("a", 1, 10.0)]


def test_tellings_go(connection: Connection) -> None:
    for number in range(100):
        tell(connection, 1, Told(number, [("it", "a", 1)]), number * LEASE_MS, LEASE_MS)
    tell(connection, 2, Told(1, [("it", "a", 1)]), 0, LEASE_MS)

    def kept(node_id: int) -> int:
        return len(connection.execute(tellings.select().where(tellings.c.node_id == node_id)).fetchall())

    assert kept(1) == 13 and kept(2) == 1, "each node sees to its own"
    forget_tellings(connection, 1)
    assert kept(1) == 13 and kept(2) == 0, "and somebody to those of nodes that have gone"


def test_what_is_told_comes_as_it_went(connection: Connection) -> None:
    takings: list[Taking] = [("it", "2001:db8::/64", -1), ("it", 7, 2)]
    tell(connection, 1, Told(1, takings), 10_000, LEASE_MS)
    assert tell(connection, 2, Told(1, ()), 10_001, LEASE_MS) == [Heard(1, 1, 10_000, takings)]
    assert [json.loads(row.takings) for row in connection.execute(tellings.select())] == [[list(t) for t in takings]]


ACTS = ("count", "beat", "beat that does not come back", "no beat")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, NODES - 1), st.sampled_from(ACTS), st.integers(0, 300)), max_size=60))
def test_everything_is_heard_once_whatever_fails(acts: Sequence[tuple[int, str, int]]) -> None:
    with create_engine("sqlite://").connect() as connection:
        tellings.create(connection)
        nodes = [Node(connection, number) for number in range(NODES)]
        now_ms, counted = 100_000, [0] * NODES
        for node in nodes:
            node.beat(now_ms)
        for number, act, later_ms in acts:
            now_ms += later_ms
            if act == "count":
                counted[number] += 1
                nodes[number].sum.add(number)
            elif act == "no beat":
                nodes[number].hearsay.say()
            else:
                nodes[number].beat(now_ms, comes_back=act == "beat")
        for _ in range(3):  # one that is said again, what has come since, and what others have said after that
            now_ms += 1
            for node in nodes:
                node.beat(now_ms)
        for number, node in enumerate(nodes):
            heard = [sum(count for key, count, _ in node.sum.heard if key == other) for other in range(NODES)]
            assert heard == [0 if other == number else count for other, count in enumerate(counted)]

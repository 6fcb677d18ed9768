"""What nodes count together: no limit lets more through than what one node cannot know of the others yet."""

from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.policy.login_guard import Known
from yizhan.policy.tally import Taking, Tallies, Tally
from yizhan.policy.throttle import Allowance, FailedLogins


class Sum(Tally):
    """How many there are, by key."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[int | str] = Counter()

    def add(self, key: int | str, count: int = 1) -> None:
        """Here."""
        self._note(key, count)
        self.hear(key, count, 0)

    def hear(self, key: int | str, count: int, _at_s: float) -> None:
        """There."""
        self.counts[key] += count


def shared(tally: Tally) -> Tallies:
    """A node that has only this one."""
    return Tallies({"it": tally})


class Nodes:
    """Some nodes with a tally each, whose beats carry what they tell; ``hidden``: what each does not know of others."""

    def __init__(self, tallies: Sequence[Tally]) -> None:
        self.nodes = [shared(tally) for tally in tallies]
        self.post: list[list[tuple[tuple[Taking, ...], float]]] = [[] for _ in tallies]
        self.hidden = [0] * len(tallies)
        self.total = 0

    def took(self, node: int) -> None:
        """One more, at this node."""
        self.total += 1
        self.hidden = [count + (other != node) for other, count in enumerate(self.hidden)]

    def beat(self, node: int, now_s: float, knows: Callable[[int], int] = lambda count: count) -> None:
        """Tell and hear. ``knows``: how much of a telling counts."""
        told = self.nodes[node].tell()
        for other, post in enumerate(self.post):
            if other != node and told:
                post.append((told, now_s))
        for takings, at_s in self.post[node]:
            self.nodes[node].hear(takings, at_s)
            self.hidden[node] -= sum(knows(count) for _, _, count in takings)
        self.post[node].clear()


def test_each_node_tells_its_own_and_nothing_twice() -> None:
    sums = [Sum(), Sum()]
    one, two = map(shared, sums)
    for key in (1, 2, 2):
        sums[0].add(key)
    told = one.tell()
    assert told == (("it", 2, 2), ("it", 1, 1)), "the most first"
    two.hear(told, 0)
    assert sums[1].counts == {1: 1, 2: 2}
    assert one.tell() == two.tell() == (), "what was heard is not told on"
    sums[0].add(2, -1)
    assert one.tell() == (("it", 2, -1),)
    sums[0].add(2)
    sums[0].add(2, -1)
    assert one.tell() == (), "what was taken back before it was told is nobody's business"


def test_a_node_alone_remembers_nothing_to_tell() -> None:
    alone = Sum()
    alone.add(1)
    assert shared(alone).tell() == ()


def test_other_versions_may_tell_what_this_one_does_not_know() -> None:
    known = Sum()
    shared(known).hear([("new", 1, 1), ("it", 1, 1)], 0)
    assert known.counts == {1: 1}


def test_a_million_addresses_make_no_large_beat() -> None:
    flood, account = Sum(), Sum()
    node = Tallies({"sources": flood, "accounts": account})
    told: list[Taking] = []
    for number in range(100_000):
        flood.add(f"{number}")
        account.add(7)
        if number % 3 == 0:
            flood.add("one of many")
        if number % 1_000 == 999:
            told.extend(beat := node.tell())
            assert len(beat) <= 101
    assert sum(count for name, key, count in told if key in ("one of many", 7)) == 33_334 + 100_000, "these are told"
    rest = sum(len(beat) for beat in iter(node.tell, ()))
    assert rest <= 10_000, "and what waits is bounded"


def test_failures_at_two_nodes_reach_the_limit() -> None:
    one, two = FailedLogins(limit=4, window_s=10), FailedLogins(limit=4, window_s=10)
    nodes = shared(one), shared(two)
    assert not any(one.record("a", now_s) for now_s in (0, 1))
    assert not two.record("a", 2)
    nodes[1].hear(nodes[0].tell(), 2)
    nodes[0].hear(nodes[1].tell(), 2)
    assert two.record("a", 3), "the fourth"
    nodes[0].hear(nodes[1].tell(), 3)
    assert [one.record("a", 4) for _ in range(4)] == [False, False, False, True], "the count starts anew for all"


@pytest.mark.parametrize(
    ("at_s", "reached"),
    [
        pytest.param(0.5, True, id="inside the window"),
        pytest.param(0.0, False, id="it has just left it"),
    ],
)
def test_what_was_heard_leaves_the_window_too(at_s: float, reached: bool) -> None:
    failed = FailedLogins(limit=2, window_s=10)
    failed.hear("a", 1, at_s)
    assert failed.record("a", 10) is reached


@pytest.mark.parametrize(
    ("heard", "left"),
    [
        pytest.param([], 4, id="nothing"),
        pytest.param([(1, 0.0), (2, 0.0)], 1, id="others' takings"),
        pytest.param([(3, 0.0), (-1, 0.0)], 2, id="given back"),
        pytest.param([(-2, 0.0)], 4, id="never more than there are"),
        pytest.param([(4, -20.0)], 2, id="refilled since"),
        pytest.param([(3, 0.0), (4, 0.0)], -3, id="owed"),
        pytest.param([(1_000, 0.0)], 0, id="after a long silence"),
    ],
)
def test_what_others_take_is_not_there_any_more(heard: Sequence[tuple[int, float]], left: int) -> None:
    allowance = Allowance(4, window_s=40)
    for count, at_s in heard:
        allowance.hear("a", count, at_s)
    assert [allowance.take("a", 0) for _ in range(5)] == [n < left for n in range(5)]
    assert [allowance.take("b", 0) for _ in range(5)] == [True] * 4 + [False], "another key is not concerned"
    if left <= 0:
        assert not allowance.take("a", -left * 10 + 9) and allowance.take("a", -left * 10 + 10)


def test_what_is_given_back_is_given_back_at_all() -> None:
    one, two = Allowance(2), Allowance(2)
    nodes = shared(one), shared(two)
    assert one.take("a", 0) and one.take("a", 0)
    nodes[1].hear(nodes[0].tell(), 0)
    assert not two.take("a", 0)
    one.give_back("a", 0)
    nodes[1].hear(nodes[0].tell(), 0)
    assert [two.take("a", 0) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("count", [2, 4, 8])
def test_a_flood_at_all_nodes_gets_what_one_would_let_through(count: int) -> None:
    allowances = [Allowance(60) for _ in range(count)]
    nodes = Nodes(allowances)
    for second in range(1_200):
        for node, allowance in enumerate(allowances):
            while allowance.take("a", second):
                nodes.took(node)
        for node in (*range(count), *range(count)):
            nodes.beat(node, second)
    assert 1_200 <= nodes.total <= 1_200 + count * 60


def test_an_allowance_that_is_off_stays_off() -> None:
    off = Allowance(1, window_s=0)
    node = shared(off)
    off.hear(1, 5, 0)
    assert all(off.take(1, 0) for _ in range(5)) and node.tell() == ()


def test_known_at_one_node_known_at_all() -> None:
    one, two = Known(), Known(max_keys=2)
    nodes = shared(one), shared(two)
    for _ in range(2):
        one.add("1 a")
    told = nodes[0].tell()
    assert told == (("it", "1 a", 1),), "once"
    nodes[1].hear(told, 0)
    assert "1 a" in two and nodes[1].tell() == ()
    two.add("1 b")
    two.add("1 c")
    assert "1 a" not in two, "the one goes that has not come for the longest"


# Which node, whether it has a beat or counts something, and how long that is after what was before.
EVENTS = st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from([0.0, 0.0, 0.0, 1.0])), max_size=100)


@settings(max_examples=300, deadline=None)
@given(EVENTS, st.integers(1, 5))
def test_nodes_take_no_more_than_one_would_and_what_they_could_not_know(
    events: Sequence[tuple[int, bool, float]], count: int
) -> None:
    window_s = 10.0
    allowances = [Allowance(count, window_s) for _ in range(3)]
    nodes, now_s = Nodes(allowances), 0.0
    for node, beats, later_s in events:
        now_s += later_s
        if beats:
            nodes.beat(node, now_s, lambda told: min(told, count))
        elif allowances[node].take("a", now_s):
            nodes.took(node)
            assert nodes.total <= count + now_s * count / window_s + nodes.hidden[node] + 1e-6
    for node in (*range(3), *range(3)):
        nodes.beat(node, now_s)
    assert all(node.tell() == () for node in nodes.nodes)
    later_s = now_s + window_s * (len(events) + 1)
    assert all(one.take("a", later_s) for one in allowances for _ in range(count)), "nobody owes for ever"


@settings(max_examples=300, deadline=None)
@given(EVENTS, st.integers(1, 5))
def test_no_more_failures_than_the_limit_and_what_a_node_could_not_know(
    events: Sequence[tuple[int, bool, float]], limit: int
) -> None:
    counters = [FailedLogins(limit, window_s=1e9) for _ in range(3)]
    nodes = Nodes(counters)
    for node, beats, _ in events:
        if beats:
            nodes.beat(node, 0)
            continue
        nodes.took(node)
        reached = counters[node].record("a", 0)
        assert reached == (nodes.total - nodes.hidden[node] >= limit)
        if reached:
            return

"""The pace of a channel, with a clock that the tests move."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.policy.pace import Pace


def run(pace: Pace, begin_s: float, seconds: float, step_s: float = 0.01) -> list[float]:
    """The moments at which parts leave when as many wait as ever may."""
    moments: list[float] = []
    for tick in range(int(seconds / step_s)):
        now_s = begin_s + tick * step_s
        count = pace.allow(now_s)
        pace.took(count)
        moments.extend([now_s] * count)
    return moments


@pytest.mark.parametrize("rate", [1, 7, 50, 100, 333, 1_000, 5_000])
@pytest.mark.parametrize("step_s", [0.001, 0.01, 0.04])
def test_the_contract_holds_over_any_ten_seconds(rate: float, step_s: float) -> None:
    moments = run(Pace(rate, 0.0), 0.0, 30.0, step_s)
    wanted = rate * 10
    for begin_s in (0.0, 0.37, 5.0, 13.13, 19.9):
        count = sum(begin_s <= moment < begin_s + 10 for moment in moments)
        assert wanted * 0.99 - 1 <= count <= wanted * 1.01 + 1, (begin_s, count)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 2_000), st.lists(st.floats(0.0001, 3.0), min_size=1, max_size=60))
def test_idle_time_is_never_saved_up(rate: int, pauses: list[float]) -> None:
    pace, now_s = Pace(rate, 0.0), 0.0
    for pause_s in pauses:
        now_s += pause_s
        count = pace.allow(now_s)
        assert count <= 1 + rate * 0.05
        pace.took(count)


def test_without_a_contract_nothing_is_held_back() -> None:
    pace = Pace(0, 0.0)
    assert pace.allow(0.0) > 100_000
    pace.took(50_000)
    assert pace.allow(0.0) > 100_000 and pace.next_s(0.0) == 0.0
    assert pace.limit_per_s == float("inf") and not pace.throttled_now


def test_when_the_next_part_may_leave() -> None:
    pace = Pace(10, 0.0)
    pace.took(pace.allow(0.0))
    assert pace.next_s(0.0) == pytest.approx(0.1)
    assert pace.allow(0.099) == 0 and pace.allow(0.1) == 1


def test_throttling_halves_and_a_burst_counts_once() -> None:
    pace = Pace(100, 0.0)
    run(pace, 0.0, 5.0)
    for _ in range(100):
        pace.throttled(5.0)
    assert pace.limit_per_s == pytest.approx(50, rel=0.05)
    assert pace.throttled_now
    assert pace.allow(5.5) == 0 and pace.next_s(5.5) == 6.0, "a pause of a second"
    assert run(pace, 6.0, 1.0), "and then it goes on"


def test_after_a_storm_the_contract_is_reached_again() -> None:
    pace, now_s = Pace(100, 0.0), 0.0
    while now_s < 30:  # everything is refused for half a minute
        for moment in run(pace, now_s, 0.5):
            pace.throttled(moment)
        now_s += 0.5
    assert pace.limit_per_s < 30
    begin_s = pace.next_s(now_s)
    moments = run(pace, begin_s, 60.0)
    late = [moment for moment in moments if moment >= begin_s + 50]
    assert len(late) == pytest.approx(1_000, rel=0.01)
    assert not pace.throttled_now


def test_pauses_grow_until_something_is_accepted() -> None:
    pace, now_s, pauses = Pace(0, 0.0), 0.0, []
    for _ in range(8):
        pace.throttled(now_s)
        pauses.append(pace.next_s(now_s) - now_s)
        now_s = pace.next_s(now_s)
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]
    pace.accepted()
    pace.throttled(now_s)
    assert pace.next_s(now_s) - now_s == 1


def test_without_a_contract_the_limit_goes_away_again() -> None:
    pace = Pace(0, 0.0)
    pace.took(500)
    pace.allow(1.0)
    pace.throttled(1.0)
    assert 200 <= pace.limit_per_s <= 300
    for moment in range(2, 120):
        pace.took(pace.allow(float(moment)))
    assert pace.limit_per_s == float("inf")

"""Counters of what came too often; time is passed in."""

import pytest

from yizhan.policy.throttle import Allowance, FailedLogins, Intervals


def test_the_failure_that_reaches_the_limit() -> None:
    failed = FailedLogins(limit=3, window_s=10)
    assert [failed.record("a", now_s) for now_s in (0, 1, 2)] == [False, False, True]
    assert [failed.record("a", now_s) for now_s in (3, 4, 5)] == [False, False, True], "the count starts anew"


@pytest.mark.parametrize(
    ("third_s", "reached"),
    [
        pytest.param(9.999, True, id="inside the window"),
        pytest.param(10.0, False, id="the first has just left it"),
    ],
)
def test_sliding_window(third_s: float, reached: bool) -> None:
    failed = FailedLogins(limit=3, window_s=10)
    assert not failed.record("a", 0) and not failed.record("a", 5)
    assert failed.record("a", third_s) is reached


def test_addresses_are_counted_apart() -> None:
    failed = FailedLogins(limit=2, window_s=10)
    assert [failed.record(address, 0) for address in "abab"] == [False, False, True, True]


def test_limit_one_and_window_zero() -> None:
    assert FailedLogins(limit=1, window_s=10).record("a", 0)
    off = FailedLogins(limit=1, window_s=0)
    assert [off.record("a", now_s) for now_s in (0.0, 0.0, 1.0)] == [False, False, False], "a window of 0 s is off"


def test_failed_logins_are_bounded() -> None:
    failed = FailedLogins(limit=2, window_s=1e9, max_addresses=100)
    for number in range(1_000):
        failed.record(str(number), number)
    assert not failed.record("0", 1_000), "the oldest was forgotten"
    assert failed.record("999", 1_000), "the newest is kept"


def test_intervals() -> None:
    intervals = Intervals()
    assert intervals.since(1, "GetBalance", 100) is None
    assert intervals.start(1, "GetBalance", 100) is None
    assert intervals.since(1, "GetBalance", 130) == 30
    assert intervals.since(1, "Get", 130) is None and intervals.since(2, "GetBalance", 130) is None


def test_interval_given_back() -> None:
    intervals = Intervals()
    intervals.restore(1, "GetBalance", 100, intervals.start(1, "GetBalance", 100))
    assert intervals.since(1, "GetBalance", 101) is None
    intervals.start(1, "GetBalance", 100)
    intervals.restore(1, "GetBalance", 140, intervals.start(1, "GetBalance", 140))
    assert intervals.since(1, "GetBalance", 150) == 50


def test_allowance() -> None:
    allowance = Allowance(2)
    assert [allowance.take(1, 0) for _ in range(3)] == [True, True, False]
    assert allowance.take(2, 0), "another key has its own"
    assert not allowance.take(1, 29.9) and allowance.take(1, 30), "evenly refilled: one each 30 s"
    assert not allowance.take(1, 30)
    assert [allowance.take(1, 10_000) for _ in range(3)] == [True, True, False], "never more than a minute's worth"


def test_a_later_call_keeps_the_interval_that_it_started() -> None:
    intervals = Intervals()
    former_s = intervals.start(1, "Get", 100)
    intervals.start(1, "Get", 135)
    intervals.restore(1, "Get", 100, former_s)
    assert intervals.since(1, "Get", 141) == 6

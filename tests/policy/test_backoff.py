"""Delays before another attempt."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.policy.backoff import delay_s

attempts = st.integers(1, 10**9)
firsts = st.floats(0.001, 3600)
jitters = st.floats(0, 1)


@pytest.mark.parametrize(("attempt", "whole_s"), [(1, 5), (2, 15), (3, 45), (4, 135), (6, 1215), (7, 3600), (12, 3600)])
def test_the_usual_ones(attempt: int, whole_s: float) -> None:
    assert delay_s(attempt, 5, 3600, 1) == whole_s
    assert delay_s(attempt, 5, 3600, 0) == whole_s / 2


@settings(max_examples=500, deadline=None)
@given(attempts, firsts, st.floats(0.001, 86_400), jitters)
def test_between_half_and_whole_and_never_past_the_most(
    attempt: int, first_s: float, most_s: float, jitter: float
) -> None:
    whole_s = delay_s(attempt, first_s, most_s, 1)
    assert whole_s <= most_s
    assert whole_s / 2 <= delay_s(attempt, first_s, most_s, jitter) <= whole_s


@settings(max_examples=500, deadline=None)
@given(attempts, firsts, jitters)
def test_it_grows(attempt: int, first_s: float, jitter: float) -> None:
    """Three times the last whole delay is more than it, even with the least luck, until the most is reached."""
    now_s, next_s = delay_s(attempt, first_s, 3600, 1), delay_s(attempt + 1, first_s, 3600, jitter)
    assert next_s > now_s or delay_s(attempt + 1, first_s, 3600, 1) == 3600
    assert delay_s(attempt + 1, first_s, 3600, 1) >= now_s


def test_it_reaches_the_most() -> None:
    assert delay_s(10**9, 0.001, 86_400, 1) == 86_400


def test_no_delay_stays_none() -> None:
    assert delay_s(7, 0, 3600, 1) == 0

"""When a channel knocks again."""

import pytest

from yizhan.policy.reconnect import Trouble, reconnect_delay_s


@pytest.mark.parametrize("jitter", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("trouble", list(Trouble))
def test_bounds(trouble: Trouble, jitter: float) -> None:
    waits = [reconnect_delay_s(failures, trouble, jitter) for failures in range(1, 200)]
    assert 0.5 <= waits[0] <= 1, "the first within a second, and not at once"
    assert waits == sorted(waits)
    assert waits[-1] <= trouble.value and waits[-1] >= trouble.value / 2
    assert all(wait_s >= 0.5 for wait_s in waits)


def test_a_refusing_carrier_is_left_alone_longer() -> None:
    assert Trouble.UNREACHABLE.value == 10 and Trouble.REFUSED.value == 60
    assert reconnect_delay_s(10, Trouble.REFUSED, 1.0) == 60

"""How a channel is judged by what it has done lately."""

import pytest

from yizhan.carrier.health import Health


def test_errors_come_and_fade() -> None:
    health = Health()
    assert health.errors(0.0) == 0.0 and health.delivered is None
    health.answered(0, 200, 10.0)
    assert health.errors(10.0) > 0.95
    assert health.errors(40.0) == pytest.approx(health.errors(10.0) / 2), "so that it is tried again"
    health.answered(500, 0, 40.0)
    assert health.errors(40.0) < 0.01
    health.answered(0, 0, 50.0)
    assert health.errors(50.0) < 0.01


def test_a_batch_counts_as_its_parts() -> None:
    one, many = Health(), Health()
    for _ in range(30):
        one.answered(0, 1, 5.0)
    many.answered(0, 30, 5.0)
    assert one.errors(5.0) == pytest.approx(many.errors(5.0))


def test_reports() -> None:
    health = Health()
    health.reported(["ENROUTE", "ACCEPTD"])
    assert health.delivered is None
    health.reported(["DELIVRD"] * 10)
    assert health.delivered == 1.0
    health.reported(["UNDELIV"] * 300)
    assert health.delivered is not None and health.delivered < 0.01


@pytest.mark.parametrize(("status", "blames"), [(0, False), (0x0B, False), (0x0A, True), (0x08, True), (0x400, True)])
def test_whom_an_answer_blames(status: int, blames: bool) -> None:
    assert Health().blames(status) == blames

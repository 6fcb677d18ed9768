"""Passes: who was let in is let in again, and nobody else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from yizhan.policy.case import Case
from yizhan.policy.passes import Passes

from .bench import Setting, operation

Change = Callable[[Case], Case]


def calling(**changes: object) -> Change:
    """The same case with another call."""
    return lambda case: replace(case, call=replace(case.call, **changes))  # type: ignore[arg-type]


def saying(**values: str) -> Change:
    """The same case with other parameters."""
    return lambda case: replace(case, call=replace(case.call, values={**case.call.values, **values}))


@pytest.mark.parametrize(
    ("change", "passes"),
    [
        pytest.param(lambda case: case, True, id="the same"),
        pytest.param(saying(content="别的【驿站】", mobile="13900000000"), True, id="another message"),
        pytest.param(lambda case: replace(case, now_ms=case.now_ms + 86_400_000), True, id="a day later"),
        pytest.param(saying(pwd="1" * 32), False, id="another password"),
        pytest.param(saying(corpid="C2"), False, id="another account"),
        pytest.param(saying(corpid="C", pwd="1" + "0" * 32), False, id="the letters of both, cut elsewhere"),
        pytest.param(calling(address="192.0.2.2"), False, id="another address"),
        pytest.param(calling(operation=operation("Send")), False, id="another operation"),
        pytest.param(lambda case: replace(case, standing=replace(case.standing)), False, id="another snapshot"),
    ],
)
def test_who_passes_again(change: Change, passes: bool) -> None:
    gate, case = Passes(), Setting().case()
    assert not gate.has(case)
    gate.give(case)
    assert gate.has(change(case)) is passes


def test_a_new_snapshot_voids_what_was_given() -> None:
    gate, case = Passes(), Setting().case()
    gate.give(case)
    later = replace(case, standing=replace(case.standing))
    gate.give(later)
    assert gate.has(later) and not gate.has(case)


def test_a_lone_surrogate_is_no_obstacle() -> None:
    gate, case = Passes(), Setting().say(pwd="\ud800").case()
    gate.give(case)
    assert gate.has(case)

"""What happens to a number in the simulator."""

import pytest

from yizhan.model.views import ChosenFate
from yizhan.sim.fate import Fates, fate_of


@pytest.mark.parametrize(
    ("number", "report", "word"),
    [
        pytest.param("+8613800000001", "UNDELIV", "", id="0001"),
        pytest.param("+8613800000002", "EXPIRED", "", id="0002"),
        pytest.param("+8613800000003", "REJECTD", "", id="0003"),
        pytest.param("+8613800000004", None, "", id="0004 is never reported"),
        pytest.param("+8613800000005", None, "RINVDSTADR", id="0005 is refused at submit"),
        pytest.param("+8613800000006", None, "RINVSRCADR", id="0006 is refused by the channel"),
        pytest.param("+8613800000007", None, "RSYSERR", id="0007 is refused for the moment"),
        pytest.param("+8613800000008", "DELIVRD", "NOANSWER", id="0008 gets its answer the second time"),
        pytest.param("+8613800000000", "DELIVRD", "", id="0000"),
        pytest.param("+8613800010010", "DELIVRD", "", id="only the last four digits count"),
        pytest.param("+85200001", "UNDELIV", "", id="in any country"),
    ],
)
def test_fate(number: str, report: str | None, word: str) -> None:
    fate = fate_of(number)
    assert (fate.report, fate.word) == (report, word)


ANNA, BORIS = "+8613800000000", "+8613800000001"


def reports(fates: Fates, *numbers: str) -> list[str | None]:
    """What messages to these are reported as, one after the other."""
    return [fates.take(number).report for number in numbers]


def test_the_next_ones_and_then_the_digits_again() -> None:
    fates = Fates()
    fates.choose(ChosenFate(ANNA, "expired", 2, 0))
    assert reports(fates, ANNA, BORIS, ANNA, ANNA) == ["EXPIRED", "UNDELIV", "EXPIRED", "DELIVRD"]
    assert fates.chosen() == []


def test_a_phone_s_own_goes_before_any_s() -> None:
    fates = Fates()
    fates.choose(ChosenFate(None, "rejected", None, 0))
    fates.choose(ChosenFate(BORIS, "delivered", 1, 2.5))
    assert fates.take(BORIS).delay_s == 2.5
    assert reports(fates, BORIS, ANNA, ANNA) == ["REJECTD"] * 3
    assert fates.forget(None)
    assert not fates.forget(None)
    assert reports(fates, BORIS, ANNA) == ["UNDELIV", "DELIVRD"]


def test_a_new_choice_takes_the_place_of_the_former() -> None:
    fates = Fates()
    fates.choose(ChosenFate(ANNA, "expired", None, 0))
    fates.choose(ChosenFate(ANNA, "unreported", 1, 0))
    assert reports(fates, ANNA, ANNA) == [None, "DELIVRD"]

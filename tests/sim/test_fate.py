"""What happens to a number in the simulator."""

import pytest

from yizhan.sim.fate import fate_of


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

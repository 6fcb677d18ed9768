"""How a client hears of a message's end, told from what waits for it."""

from types import SimpleNamespace
from typing import Any

import pytest

from yizhan.console.telling import tell_events
from yizhan.flow.story import tell_report
from yizhan.model.handout import Queue
from yizhan.model.message import State
from yizhan.store.handouts import WaitingReport
from yizhan.store.messages import Record

_NOW_MS = 1_000_000
_REFUSED = {"by_webhook": True, "attempts": 3, "said": "503"}


def record(state: State) -> Any:
    """As far as it is read here."""
    view: Any = None
    return Record(view, SimpleNamespace(messages_state=int(state), submissions_operation="IntlSend"), (), ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("waiting", "what", "why"),
    [
        pytest.param(None, "the report was fetched or pushed", "", id="gone"),
        pytest.param({}, "the report waits for GetReportSMS", "", id="waits"),
        pytest.param({"queue": Queue.FAILURES}, "the report waits for GetReportFail", "", id="of failures"),
        pytest.param({"leased_until_ms": _NOW_MS + 1}, "the report is under way to a GetReportSMS", "", id="under way"),
        pytest.param({"leased_until_ms": _NOW_MS}, "the report waits for GetReportSMS", "", id="lease over"),
        pytest.param(
            {**_REFUSED, "next_at_ms": _NOW_MS},
            "the webhook gets the report at this time",
            "3 attempts so far, the last one: 503",
            id="tried again",
        ),
        pytest.param(
            _REFUSED,
            "the webhook did not take the report, and nothing tries again by itself",
            "3 attempts so far, the last one: 503",
            id="parked",
        ),
    ],
)
def test_a_report(waiting: dict[str, Any] | None, what: str, why: str) -> None:
    found = [] if waiting is None else [WaitingReport(**{"queue": Queue.REPORTS, **waiting})]
    (step,) = tell_events(tell_report(record(State.DELIVERED), found, _NOW_MS))
    assert (step.what, step.why) == (what, why)


def test_nothing_is_reported_before_the_end() -> None:
    assert tell_report(record(State.SENT), [], _NOW_MS) == []

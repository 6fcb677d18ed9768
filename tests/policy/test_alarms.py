"""What an operator should look at now, and at which limits."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from yizhan.console.words import LANGUAGES
from yizhan.model.alarm import Alarm, AlarmKind
from yizhan.model.views import Backlog, ChannelView, Worries
from yizhan.policy.alarms import ERRORS, OLDEST_S, alarms_of

UP = ChannelView("east", "smpp", 10, 0, bound=2, binds=2)
DOWN = replace(UP, bound=0, why="refused")
NOTHING = Backlog({"queued": 5, "uncertain": 0}, 119)
RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "rules.yml"


@pytest.mark.parametrize(
    ("channel", "backlog", "worries", "alarms"),
    [
        pytest.param(UP, NOTHING, Worries(), [], id="all is well"),
        pytest.param(DOWN, NOTHING, Worries(), [Alarm(AlarmKind.CHANNEL_DOWN, "east")], id="no bind"),
        pytest.param(replace(UP, bound=1), NOTHING, Worries(), [], id="one bind of two"),
        pytest.param(replace(DOWN, paused=True), NOTHING, Worries(), [], id="paused"),
        pytest.param(replace(DOWN, node="two"), NOTHING, Worries(), [], id="at another node"),
        pytest.param(replace(UP, errors=0.2), NOTHING, Worries(), [], id="a fifth is refused"),
        pytest.param(
            replace(UP, errors=0.21), NOTHING, Worries(), [Alarm(AlarmKind.CHANNEL_REFUSES, "east")], id="more is"
        ),
        pytest.param(UP, Backlog({}, 121), Worries(), [Alarm(AlarmKind.QUEUE_OLD, figure=2)], id="it waits too long"),
        pytest.param(
            UP, Backlog({"uncertain": 3}, 0), Worries(), [Alarm(AlarmKind.UNCERTAIN, figure=3)], id="uncertain"
        ),
        pytest.param(
            DOWN,
            NOTHING,
            Worries(2, disk_low=True, lost_nodes=("two", "three")),
            [
                Alarm(AlarmKind.CHANNEL_DOWN, "east"),
                Alarm(AlarmKind.NODE_LOST, "two"),
                Alarm(AlarmKind.NODE_LOST, "three"),
                Alarm(AlarmKind.DISK_LOW),
                Alarm(AlarmKind.EVENTS_PARKED, figure=2),
            ],
            id="the gravest first",
        ),
    ],
)
def test_alarms(channel: ChannelView, backlog: Backlog, worries: Worries, alarms: list[Alarm]) -> None:
    assert alarms_of(backlog, [channel], worries) == alarms


def test_the_limits_are_those_of_the_alert_rules() -> None:
    rules = RULES.read_text()
    assert re.findall(r"yizhan_oldest_queued_seconds > (\S+)", rules) == [str(OLDEST_S)]
    assert re.findall(r"yizhan_channel_errors_ratio\) > (\S+)", rules) == [str(ERRORS)]


def test_each_has_words() -> None:
    assert {f"alarm_{kind}" for kind in AlarmKind} <= set(LANGUAGES["en"])

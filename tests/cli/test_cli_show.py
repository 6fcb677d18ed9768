"""What is printed is harmless, whatever stands in texts and numbers."""

import io
import json
import re
import sys
import time
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.cli import show
from yizhan.cli.timeline import print_stories

# Any code point, lone surrogates and controls among them more often than chance would have it.
nasty_text = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x07\x9b\x7f\r\n\u202e\u2028\u200b[]\\\ud800")))


def acts(text: str) -> list[str]:
    """The characters of ``text`` that a terminal would act on instead of showing them."""
    return [character for character in text if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


@given(nasty_text)
@settings(max_examples=200, deadline=None)
def test_visible_text_never_acts(text: str) -> None:
    assert acts(show.visible(text)) == []


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("您好【测试】, plain [red]", "您好【测试】, plain [red]", id="nothing to replace"),
        pytest.param("\x1b[31mred", "␛[31mred", id="terminal escape"),
        pytest.param("a\r\nb\tc\0", "a␍␊b␉c␀", id="line ends, tab, NUL"),
        pytest.param("\x7f\x9b31m", "␡<U+009B>31m", id="DEL and the one-byte CSI"),
        pytest.param("视\u200b频\u202egnp", "视<U+200B>频<U+202E>gnp", id="zero width and right-to-left"),
        pytest.param("\ud83d", "<U+D83D>", id="lone surrogate"),
        pytest.param("👍", "👍", id="a pair is a character"),
    ],
)
def test_visible(text: str, seen: str) -> None:
    assert show.visible(text) == seen


@given(nasty_text)
@settings(max_examples=200, deadline=None)
def test_json_is_harmless_and_says_the_same(text: str) -> None:
    document = show.to_json({"text": text})
    assert json.loads(document) == {"text": text}
    assert re.findall("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ud800-\udfff]", document) == []


@pytest.mark.parametrize(
    ("encoding", "expected"), [("utf-8", "您好"), ("gb18030", "\\u60a8\\u597d"), ("ascii", "\\u60a8\\u597d")]
)
def test_json_is_readable_only_where_utf8_is(encoding: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with io.TextIOWrapper(io.BytesIO(), encoding=encoding) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert expected in show.to_json("您好")
        monkeypatch.undo()


@pytest.mark.parametrize(
    ("value", "seen"),
    [
        pytest.param(7, "7", id="whole"),
        pytest.param(7.5, "7.5", id="one decimal"),
        pytest.param(0.001, "0.001", id="the smallest amount"),
        pytest.param(-2147483646.999, "-2147483646.999", id="a large amount keeps every digit"),
        pytest.param(None, "", id="nothing"),
        pytest.param(True, "yes", id="yes"),
        pytest.param(["10.0.0.0/8", "\x1b"], "10.0.0.0/8, ␛", id="list"),
    ],
)
def test_show_value(value: object, seen: str) -> None:
    assert show.show_value(value) == seen


def test_table_cells_are_text_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"number": "[bold]1[/bold]", "text": "[red]\x1b[2J:smile:"}, {"number": "2", "text": "[/]"}]
    show.print_table([show.Column("number"), show.Column("text", fills=True)], rows, "nothing")
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["number          text", "[bold]1[/bold]  [red]␛[2J:smile:", "2               [/]"]


def test_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    show.print_table([show.Column("number")], [], "no number is blocked")
    assert capsys.readouterr().out == "no number is blocked\n"


def test_piped_lines_are_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody looks, one row is one line, however long: programs read it."""
    monkeypatch.setenv("COLUMNS", "80")
    show.print_table([show.Column("text", fills=True)], [{"text": "长" * 300}], "nothing")
    assert "长" * 300 in capsys.readouterr().out.splitlines()[1]


STORY = {
    "message": {
        "id": 2**32 + 1,
        "submission": 100_000_000,
        "account": "C1",
        "number": "+8613800000000",
        "written": "013800000000",
        "text": "[red]您好\x1b]0;title\x07【测试】",
        "parts": 2,
        "price": 2,
        "refunded": 0.5,
        "state": "failed",
        "channel": None,
    },
    "steps": [
        {"at": "2026-03-01T01:02:03.004Z", "station": "accept", "what": "admitted\x1b[2J", "why": "[bold]all rules"},
        {"at": "2026-03-01T01:02:03.011Z", "station": "queue", "what": "waits", "why": ""},
        {"at": "2026-03-03T01:02:03.011Z", "station": "carrier", "what": "UNDELIV", "why": ""},
        {"at": None, "station": "end", "what": "failed", "why": "final"},
    ],
}


@pytest.mark.parametrize("columns", [80, 120])
def test_story_fits_its_terminal(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    print_stories([STORY, STORY])
    out = capsys.readouterr().out
    assert acts(out.replace("\n", "")) == []
    assert max(len(line.rstrip()) for line in out.splitlines()) <= columns
    for expected in (
        "failed  message 4294967297 of submission 100000000",
        "+8613800000000 (written 013800000000)",
        "[red]您好␛]0;title␇【测试】",
        "2 条, 0.5 条 refunded",
        "admitted␛[2J — [bold]all rules",
        "+7 ms  queue",
        "+48 h  carrier",
    ):
        assert out.count(expected) == 2, expected


@pytest.fixture(params=["Pacific/Auckland", "Asia/Shanghai", "America/Los_Angeles"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's clock in another zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_the_last_second_of_the_calendar_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """SendTime 99991231235959 is a real calendar time (contract, section 3)."""
    at = "9999-12-31T15:59:59.000Z"
    kept = {"at": at, "station": "dispatch", "what": "kept until its SendTime", "why": ""}
    print_stories([{"message": STORY["message"], "steps": [*STORY["steps"], kept]}])
    assert "9999-12-31" in capsys.readouterr().out
    assert show.local_time(at).startswith("9999-12-31 ")

"""Log lines keep secrets, numbers and texts to themselves, whatever an error or a library put into them."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from yizhan.kit.discretion import discreet, trace_of
from yizhan.kit.log import get_logger, set_up_logging

SECRET = "s3cret-word"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged; pytest's own logging comes back afterwards."""
    handlers, level, hook = logging.root.handlers, logging.root.level, sys.excepthook
    stream = io.StringIO()
    set_up_logging("info", stream)
    yield stream
    logging.root.handlers = handlers
    logging.root.setLevel(level)
    sys.excepthook = hook
    structlog.reset_defaults()


@pytest.mark.parametrize(
    "text",
    [
        f"GET /sdk2/IntlSend.aspx?CorpID=a&Pwd={SECRET}&Mobile=1 HTTP/1.1",
        f"/?PWD={SECRET}",
        f"/?pWd={SECRET}",
        f"/?%50wd={SECRET}",
        f"/?%50%57%44%3d{SECRET}",
        f"/?NewPwd={SECRET}&x=1",
        f"/?CardPwd = {SECRET}",
        f'{{"password": "{SECRET} {SECRET}"}}',
        f"{{'pwd': '{SECRET}'}}",
        f"<Pwd>{SECRET}</Pwd>",
        f'<t:pwd xml:space="preserve">{SECRET}</t:pwd>',
        f"https://user:{SECRET}@example.com/",
        f"Authorization: {SECRET}",
        f"/?Content={SECRET}",
    ],
)
def test_secrets_in_any_spelling(text: str) -> None:
    assert SECRET not in discreet(text) and "***" in discreet(text)


def test_numbers_and_control_characters() -> None:
    assert discreet("to +8613812345678, 13812345678") == "to +86138****5678, 138****5678"
    assert discreet("192.0.2.1:8080 at 1234567") == "192.0.2.1:8080 at 1234567"
    assert discreet('a\r\n{"event": 1}\x1b[2J\u202e\u0085') == 'a\\u000d\\u000a{"event": 1}\\u001b[2J\\u202e\\u0085'


def test_an_error_tells_its_name_and_places_only(lines: io.StringIO) -> None:
    def inner(text: str) -> None:
        raise ValueError(f"cannot read {text}")

    try:
        try:
            inner("您的验证码是123456")
        except ValueError as error:
            raise KeyError(SECRET) from error
    except KeyError as error:
        get_logger("desk").exception("a call failed")
        get_logger("desk").warning("failed", error=repr(error))
        logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=error)
        assert "inner" in trace_of(error)
    said = lines.getvalue()
    assert SECRET not in said and "验证码" not in said and "123456" not in said
    first, second, third = (json.loads(line) for line in said.splitlines())
    assert "KeyError" in first["exception"] and "ValueError" in first["exception"] and "inner" in first["exception"]
    assert second["error"] == "KeyError" and "KeyError" in third["exception"]


def test_the_machines_own_words_stay(lines: io.StringIO) -> None:
    get_logger("store").warning("not written", error=repr(OSError(28, "No space left on device")))
    assert "No space left on device" in json.loads(lines.getvalue())["error"]


def test_a_group_of_errors_tells_all(lines: io.StringIO) -> None:
    group = ExceptionGroup("broke", [KeyError(SECRET), RuntimeError(SECRET)])
    get_logger("node").error("the node broke", error=repr(group), exc_info=group)
    said = json.loads(lines.getvalue())
    assert SECRET not in lines.getvalue() and "KeyError" in said["exception"] and "RuntimeError" in said["exception"]


def test_what_nobody_caught_is_told_likewise(lines: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    sys.excepthook(KeyError, KeyError(SECRET), None)
    said = capsys.readouterr().err
    assert "yizhan broke: KeyError" in said and SECRET not in said

"""Answers byte for byte (contract, section 6)."""

from dataclasses import replace

import pytest

from yizhan.model.operation import FAMILY, Operation, ResultType
from yizhan.wire.answer import asmx_answer, aspx_answer, unknown_method_answer

INTL_SEND, GET_BALANCE = FAMILY[:2]
SEND = replace(INTL_SEND, name="Send", result=ResultType.INT)  # a row of a later issue
XML = b'<?xml version="1.0" encoding="utf-8"?>\r\n'


@pytest.mark.parametrize(
    ("value", "utf8", "body", "content_type"),
    [
        pytest.param("-101", False, b"-101", "text/html; charset=gb2312", id="code"),
        pytest.param("100000000", True, b"100000000", "text/html; charset=utf-8", id="id under /utf8/"),
        pytest.param("", False, b"", "text/html; charset=gb2312", id="empty"),
        pytest.param("你€😀", False, b"\xc4\xe3\x80?", "text/html; charset=gb2312", id="text in cp936"),
        pytest.param("你€", True, "你€".encode(), "text/html; charset=utf-8", id="text in utf-8"),
    ],
)
def test_aspx(value: str, utf8: bool, body: bytes, content_type: str) -> None:
    assert aspx_answer(value, utf8) == (body, content_type)


@pytest.mark.parametrize(
    ("operation", "value", "element"),
    [
        pytest.param(INTL_SEND, "159653393", b'<string xmlns="http://tempuri.org/">159653393</string>', id="id"),
        pytest.param(SEND, "1", b'<int xmlns="http://tempuri.org/">1</int>', id="int"),
        pytest.param(GET_BALANCE, "", b'<string xmlns="http://tempuri.org/" />', id="empty"),
        pytest.param(
            GET_BALANCE,
            '<你 & "x">\x00\x0b',
            '<string xmlns="http://tempuri.org/">&lt;你 &amp; "x"&gt;</string>'.encode(),
            id="escaped, without what XML forbids",
        ),
    ],
)
def test_asmx(operation: Operation, value: str, element: bytes) -> None:
    assert asmx_answer(operation, value) == (XML + element, "text/xml; charset=utf-8")


def test_unknown_method() -> None:
    body, content_type = unknown_method_answer("Foo")
    assert body == b"Foo Web Service method name is not valid."
    assert content_type == "text/plain; charset=utf-8"

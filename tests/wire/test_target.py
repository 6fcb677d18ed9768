"""The request line: what is repaired, what is left alone, what is beyond repair."""

from urllib.parse import unquote_to_bytes

import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.wire.target import RequestLine, repair_request_line

HELLO = "你好【驿站】".encode("gb18030")


@pytest.mark.parametrize(
    ("line", "path", "query"),
    [
        pytest.param(b"GET /a.aspx?x=1&y=%C4%E3 HTTP/1.1", b"/a.aspx", b"x=1&y=%C4%E3", id="plain"),
        pytest.param(b"POST / HTTP/1.0", b"/", b"", id="no query, 1.0"),
        pytest.param(b"GET /a? HTTP/1.1", b"/a", b"", id="empty query"),
        pytest.param(b"GET /a??x=1?y HTTP/1.1", b"/a", b"?x=1?y", id="several question marks"),
        pytest.param(b"GET /a?x=#1#2 HTTP/1.1", b"/a", b"x=#1#2", id="a number sign is no fragment"),
        pytest.param(b'GET /a?x="<>^`{|}[]\\ HTTP/1.1', b"/a", b'x="<>^`{|}[]\\', id="odd printable characters"),
        pytest.param(b"OPTIONS * HTTP/1.1", b"*", b"", id="asterisk"),
        pytest.param(b"GET http://host:80/sdk2/a?x=1 HTTP/1.1", b"/sdk2/a", b"x=1", id="absolute"),
        pytest.param(b"GET HTTPS://[::1]:80/a HTTP/1.1", b"/a", b"", id="absolute, IPv6, upper case"),
        pytest.param(b"GET http://host HTTP/1.1", b"/", b"", id="absolute without a path"),
        pytest.param(b"GET http://host?x=1 HTTP/1.1", b"/", b"x=1", id="absolute without a path, with a query"),
        pytest.param(b"CONNECT host:80 HTTP/1.1", b"", b"", id="connect"),
    ],
)
def test_a_legal_line_stays_as_it_is(line: bytes, path: bytes, query: bytes) -> None:
    assert repair_request_line(line) == RequestLine(line, line.split(b" ")[0], path, query)


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        pytest.param(b"GET /a?c=\xc4\xe3 HTTP/1.1", b"GET /a?c=%C4%E3 HTTP/1.1", id="raw GB2312"),
        pytest.param(b"GET /a?c=%C4\xe3 HTTP/1.1", b"GET /a?c=%C4%E3 HTTP/1.1", id="escapes stay"),
        pytest.param(b"GET /a?c=100% x HTTP/1.1", b"GET /a?c=100%%20x HTTP/1.1", id="a lone percent stays"),
        pytest.param(b"GET /a?c=a b&d= e  HTTP/1.1", b"GET /a?c=a%20b&d=%20e%20 HTTP/1.1", id="spaces, one at the end"),
        pytest.param(b"GET /a?c=a\tb\x7f HTTP/1.1", b"GET /a?c=a%09b%7F HTTP/1.1", id="control bytes"),
        pytest.param(b"GET /\xc4\xe3?x HTTP/1.1", b"GET /%C4%E3?x HTTP/1.1", id="raw bytes in the path"),
        pytest.param(b"GET http://h/a?c=\xc4 \xe3 HTTP/1.0", b"GET http://h/a?c=%C4%20%E3 HTTP/1.0", id="absolute"),
    ],
)
def test_an_illegal_line_is_escaped_and_its_bytes_are_kept(sent: bytes, line: bytes) -> None:
    repaired = repair_request_line(sent)
    assert repaired is not None
    assert repaired.line == line
    target = sent.split(b" ", 1)[1].rpartition(b" ")[0]
    assert repaired.query == target.partition(b"?")[2]
    assert target.removeprefix(b"http://h").partition(b"?")[0] == repaired.path


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"GET", id="method only"),
        pytest.param(b"GET /a", id="HTTP/0.9"),
        pytest.param(b"GET /a ", id="empty version"),
        pytest.param(b"GET /a HTTP/2.0", id="version 2"),
        pytest.param(b"GET /a HTTP/1.10", id="version 1.10"),
        pytest.param(b"GET /a http/1.1", id="version in lower case"),
        pytest.param(b"GET  /a HTTP/1.1", id="two spaces before the target"),
        pytest.param(b"GET /a  HTTP/1.1", id="two spaces after a path"),
        pytest.param(b"GET /a b HTTP/1.1", id="space in the path"),
        pytest.param(b"GET /a b?c HTTP/1.1", id="space in the path before a query"),
        pytest.param(b"GET /a?x HTTP/1.1 HTTP/1.1", id="two versions"),
        pytest.param(b"GET ?x=1 HTTP/1.1", id="no path"),
        pytest.param(b"GET a HTTP/1.1", id="relative"),
        pytest.param(b"GET ftp://h/a HTTP/1.1", id="another scheme"),
        pytest.param(b"GET http://h\xc4/ HTTP/1.1", id="raw bytes in the host"),
        pytest.param(b"GET HTTP/1.1", id="no target"),
        pytest.param(b" GET /a HTTP/1.1", id="leading space"),
        pytest.param(b"G\xc4T /a HTTP/1.1", id="raw bytes in the method"),
        pytest.param(b"GET /a?x\0y HTTP/1.1", id="NUL"),
        pytest.param(b"GET /a?x\ny HTTP/1.1", id="LF"),
        pytest.param(b"GET /a HTTP/1.1\nHost: x HTTP/1.1", id="a header smuggled behind LF"),
        pytest.param(b"GET /a?x\ry HTTP/1.1", id="CR"),
    ],
)
def test_beyond_repair(line: bytes) -> None:
    assert repair_request_line(line) is None


@given(line=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_garbage_never_raises(line: bytes) -> None:
    repaired = repair_request_line(line)
    assert repaired is None or repaired.method


@given(path=st.binary(max_size=60), query=st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_the_parser_takes_every_repaired_line_and_nothing_is_lost(path: bytes, query: bytes) -> None:
    """Law: what is repaired is legal, and means the same bytes."""
    repaired = repair_request_line(b"GET /%b?%b HTTP/1.1" % (path, query))
    if repaired is None:
        return
    target = repaired.line.split(b" ")[1]
    assert unquote_to_bytes(target) == unquote_to_bytes(repaired.path + b"?" + repaired.query)
    httptools.HttpRequestParser(object()).feed_data(repaired.line + b"\r\n\r\n")


@given(text=st.text(min_size=1, max_size=50))
@settings(max_examples=100, deadline=None)
def test_every_text_survives_raw(text: str) -> None:
    """Law: a text without CR, LF and NUL, sent raw in GB18030, comes back as the query's bytes."""
    raw = "".join(character for character in text if character not in "\r\n\0").encode("gb18030", "ignore")
    repaired = repair_request_line(b"GET /a?" + raw + HELLO + b" HTTP/1.1")
    assert repaired is not None
    assert repaired.query == raw + HELLO

"""multipart/form-data bodies (contract, section 2)."""

import time

import pytest

from yizhan.wire.form import decode_call

TYPE = "multipart/form-data; boundary=----Bound"


def decode(body: bytes, content_type: str = TYPE, *, utf8_path: bool = False) -> dict[str, str]:
    return decode_call(utf8_path=utf8_path, query=b"", content_type=content_type, body=body, form_wins=False)


def part(value: bytes, name: str = 'name="Content"', more: str = "") -> bytes:
    return f"------Bound\r\nContent-Disposition: form-data; {name}\r\n{more}\r\n".encode() + value + b"\r\n"


END = b"------Bound--\r\n"
GB = "您好".encode("gbk")


@pytest.mark.parametrize(
    ("body", "values"),
    [
        pytest.param(part(b"a") + part(b"1", 'name="Cell"') + END, {"content": "a", "cell": "1"}, id="two fields"),
        pytest.param(part(b"1") + part(b"2") + END, {"content": "1,2"}, id="repeated"),
        pytest.param(part(b"x", "name=Content") + END, {"content": "x"}, id="unquoted name"),
        pytest.param(part(b"x", "Name='content'") + END, {"content": "x"}, id="single quotes"),
        pytest.param(part(GB) + END, {"content": "您好"}, id="the default charset"),
        pytest.param(part("您好".encode()) + END, {"content": "您好"}, id="utf-8 by its bytes"),
        pytest.param(part(b"a+b%20%C4%E3") + END, {"content": "a+b%20%C4%E3"}, id="no percent escapes here"),
        pytest.param(
            part("é".encode(), more="Content-Type: text/plain; charset=utf-8\r\n") + END,
            {"content": "é"},
            id="a charset of its own",
        ),
        pytest.param(
            part(GB, more="Content-Transfer-Encoding: 8bit\r\nCONTENT-TYPE: text/plain\r\n") + END,
            {"content": "您好"},
            id="more headers",
        ),
        pytest.param(part(b"x", 'name="Content"; filename="a.txt"') + END, {}, id="a file is no field"),
        pytest.param(part(b"x", "foo=bar") + END, {}, id="no name"),
        pytest.param(part(b"") + END, {"content": ""}, id="empty value"),
        pytest.param(part(b"a\r\nb\r\n") + END, {"content": "a\r\nb\r\n"}, id="line breaks inside"),
        pytest.param(part(b"a ------Bound b") + END, {"content": "a ------Bound b"}, id="boundary inside a line"),
        pytest.param(part(b"a\r\n------Boundless") + END, {"content": "a\r\n------Boundless"}, id="a longer word"),
        pytest.param(b"preamble\r\n" + part(b"a") + END + b"epilogue", {"content": "a"}, id="preamble and epilogue"),
        pytest.param(part(b"a").replace(b"\r", b"") + b"------Bound--", {"content": "a"}, id="line feeds alone"),
        pytest.param(part(b"a"), {"content": "a"}, id="the last boundary is missing"),
        pytest.param(part(b"a") + END + part(b"b"), {"content": "a"}, id="nothing counts after the last boundary"),
        pytest.param(b"------Bound\r\n", {}, id="a boundary and nothing else"),
        pytest.param(b"a=1&b=2", {}, id="no multipart at all"),
    ],
)
def test_bodies(body: bytes, values: dict[str, str]) -> None:
    assert decode(body) == values


@pytest.mark.parametrize(
    ("content_type", "utf8_path", "text"),
    [
        pytest.param(TYPE, True, "é", id="utf8 path"),
        pytest.param(TYPE, False, "茅", id="default"),
        pytest.param(TYPE + "; charset=utf-8", False, "é", id="the whole body's charset"),
        pytest.param("Multipart/Form-Data; charset=gb2312; boundary=----Bound", True, "茅", id="beats the path"),
    ],
)
def test_parts_without_a_charset_hold_the_calls(content_type: str, utf8_path: bool, text: str) -> None:
    assert decode(part("é".encode()) + END, content_type, utf8_path=utf8_path) == {"content": text}


@pytest.mark.parametrize(
    "content_type",
    [
        pytest.param('multipart/form-data; boundary="----Bound"', id="quoted"),
        pytest.param("multipart/form-data;boundary=----Bound;x=y", id="without a space"),
        pytest.param("multipart/form-data; Boundary = ----Bound", id="spaces around"),
    ],
)
def test_boundaries(content_type: str) -> None:
    assert decode(part(b"a") + END, content_type) == {"content": "a"}


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=" + "b" * 300])
def test_without_a_usable_boundary_there_are_no_fields(content_type: str) -> None:
    assert decode(part(b"a") + END, content_type) == {}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        pytest.param(b"--b" * 340_000, "multipart/form-data; boundary=b", id="one line of boundaries"),
        pytest.param(b"--b\n" * 260_000, "multipart/form-data; boundary=b", id="empty parts"),
        pytest.param(b"--b" + b" " * 1_000_000, "multipart/form-data; boundary=b", id="padding"),
        pytest.param(b"--b\r\n" + b"\r\n" * 500_000, "multipart/form-data; boundary=b", id="blank lines"),
        pytest.param(b"a=1", "multipart/form-data; boundary" + " " * 32_000, id="long header"),
        pytest.param(b"a=1", "multipart/form-data; " + "charset " * 4_000, id="header of names"),
    ],
)
def test_hostile_bodies_take_no_time(body: bytes, content_type: str) -> None:
    started = time.process_time()
    decode(body, content_type)
    assert time.process_time() - started < 2

"""The parameters of a call as the client meant them (contract, sections 2 and 3)."""

import time
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.wire.charset import Charset
from yizhan.wire.escapes import unescape
from yizhan.wire.form import MAX_NAMES, decode_call

GB_TYPE = "application/x-www-form-urlencoded; charset=gb2312"
UTF8_TYPE = 'application/x-www-form-urlencoded; charset="UTF-8"'


def decode(
    query: bytes = b"", body: bytes = b"", content_type: str = "", *, utf8_path: bool = False, form_wins: bool = False
) -> dict[str, str]:
    return decode_call(utf8_path=utf8_path, query=query, content_type=content_type, body=body, form_wins=form_wins)


def content(raw: bytes, *, utf8_path: bool = False) -> str:
    return decode(b"Content=" + raw, utf8_path=utf8_path)["content"]


GB = "您好".encode("gbk")
UTF = "您好".encode()
SIGN_UTF = "【驿站】".encode()
SIGN_GB = "【驿站】".encode("gbk")


def escaped(raw: bytes) -> bytes:
    return b"".join(b"%%%02X" % byte for byte in raw)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(b"a+b%20c%2Bd", "a b c+d", id="space as plus and as escape"),
        pytest.param(b"1,2%2C3%2c4", "1,2,3,4", id="commas raw and escaped, either hex case"),
        pytest.param(escaped(GB).lower(), "您好", id="escaped gb, lower-case hex"),
        pytest.param(escaped(GB), "您好", id="escaped gb, upper-case hex"),
        pytest.param(escaped(UTF), "您好", id="escaped utf-8"),
        pytest.param(GB, "您好", id="raw gb"),
        pytest.param(UTF, "您好", id="raw utf-8"),
        pytest.param(b"%81A", "丄", id="second byte as an unescaped letter"),
        pytest.param(b"\x81%41", "丄", id="raw first byte, escaped second"),
        pytest.param(b"100%", "100%", id="percent at the end stays"),
        pytest.param(b"5%zz%1", "5%zz%1", id="percent without two hex digits stays"),
        pytest.param(b"%%C4%E3%", "%你%", id="percent before an escape stays"),
        pytest.param(b"%u4F60%u597d", "你好", id="utf-16 units"),
        pytest.param(b"%u4F60a%20b", "你a b", id="unit among ascii"),
        pytest.param(b"%uD83D%uDE00!", "😀!", id="surrogate pair"),
        pytest.param(b"%uD83Dx%uDE00", "\ufffdx\ufffd", id="lone surrogates"),
        pytest.param(b"%uDE00%uD83D", "\ufffd\ufffd", id="swapped surrogates"),
        pytest.param(b"%u12", "%u12", id="unit too short stays"),
        pytest.param(b"%U4F60", "%U4F60", id="a capital U is no unit"),
        pytest.param(b"%u4F60%C4%E3\xc4\xe3", "你你你", id="unit, escaped, raw"),
        pytest.param(b"a%00b", "a\x00b", id="NUL kept"),
        pytest.param(b"%u0026%u003D", "&=", id="units that look like separators"),
        pytest.param(b"%26%3d", "&=", id="escaped separators"),
        pytest.param(b"1%80", "1€", id="escaped euro of code page 936"),
        pytest.param(b"a=b", "a=b", id="equals sign inside"),
        pytest.param(b"%ff%fe", "\ufffd\ufffd", id="undecodable"),
    ],
)
def test_one_value(raw: bytes, text: str) -> None:
    assert content(raw) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(escaped(GB) + SIGN_UTF, "您好【驿站】", id="escaped gb, raw utf-8"),
        pytest.param(escaped(GB) + SIGN_GB, "您好【驿站】", id="escaped gb, raw gbk"),
        pytest.param(escaped(UTF) + SIGN_GB, "您好【驿站】", id="escaped utf-8, raw gbk"),
        pytest.param(GB + escaped(SIGN_UTF), "您好【驿站】", id="raw gb, escaped utf-8"),
        pytest.param(UTF + b" 12 " + escaped(SIGN_GB), "您好 12 【驿站】", id="ascii between"),
        pytest.param(
            b"x" + escaped(GB) + b"%31 " + SIGN_UTF + b"%32" + escaped(GB), "x您好1 【驿站】2您好", id="three"
        ),
        pytest.param(b"%81A" + SIGN_UTF, "丄【驿站】", id="ascii second byte stays with its run"),
    ],
)
def test_runs_are_decoded_apart(raw: bytes, text: str) -> None:
    assert content(raw) == text
    assert content(raw, utf8_path=True) == text


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(escaped(escaped(GB)), "您好", id="gb, everything escaped twice"),
        pytest.param(b"%25C4%25e3+ok".replace(b"+", b"%2B"), "你 ok", id="plus is a space the second time"),
        pytest.param(quote_from_bytes(escaped(UTF)).encode(), "您好", id="utf-8"),
        pytest.param(b"%25C4%25E3%25u4F60", "你你", id="with a unit"),
        pytest.param(b"%25C4%25E3%25", "%C4%E3%", id="not every percent starts an escape"),
        pytest.param(b"%25C4%25E3+a", "%C4%E3 a", id="a space speaks against it"),
        pytest.param(b"%25C4%25E3%0A", "%C4%E3\n", id="a control character too"),
        pytest.param(b"%2541%2542", "%41%42", id="no byte >= 0x80"),
        pytest.param(b"%25FF%25FF", "%FF%FF", id="result not readable"),
        pytest.param(b"%25C4%25E3%25uD800", "%C4%E3%uD800", id="result with a lone surrogate"),
        pytest.param(b"%25C4%25E3%C4%E3", "%C4%E3你", id="not pure ascii"),
        pytest.param(b"%2525C4%2525E3", "%25C4%25E3", id="three times is not undone"),
    ],
)
def test_double_encoding(raw: bytes, text: str) -> None:
    assert content(raw) == text
    assert decode(body=b"CONTENT=" + raw)["content"] == text


ESCAPE_PIECES = st.sampled_from(
    [b"%", b"%4", b"%41", b"%c4", b"%C4", b"%25", b"%5C", b"%\\", b"\\", b"\\x41", b"\\n", b"x41", b"zz", b"\n"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(ESCAPE_PIECES | st.binary(max_size=3), max_size=20).map(b"".join))
def test_escapes_read_as_the_standard_library_reads_them(raw: bytes) -> None:
    """For a value of escapes only: where the bytes go to and fro there are runs, and ``%u`` is no standard."""
    raw = bytes(byte for byte in raw if byte < 0x80).replace(b"+", b"").replace(b"%u", b"")
    assert unescape(raw, Charset.LATIN_1) == unquote_to_bytes(raw).decode("latin-1")


def test_only_content_is_decoded_twice() -> None:
    assert decode(b"Pwd=%25C4%25E3&Mobile=%25C4%25E3") == {"pwd": "%C4%E3", "mobile": "%C4%E3"}


@pytest.mark.parametrize(
    ("content_type", "body", "utf8_path", "text"),
    [
        pytest.param("", b"", False, "茅", id="default"),
        pytest.param("", b"", True, "é", id="utf8 path"),
        pytest.param(UTF8_TYPE, b"x=1", False, "é", id="content type governs the query"),
        pytest.param(UTF8_TYPE, b"", False, "茅", id="but not without a body"),
        pytest.param(GB_TYPE, b"x=1", True, "茅", id="content type beats the path"),
        pytest.param(GB_TYPE, b"", True, "é", id="but not without a body either"),
        pytest.param("text/plain; charset=klingon", b"x=1", True, "é", id="unknown name is ignored"),
        pytest.param("application/x-www-form-urlencoded;charset='utf-8'", b"x=1", False, "é", id="single quotes"),
    ],
)
def test_which_charset(content_type: str, body: bytes, utf8_path: bool, text: str) -> None:
    query = b"Content=" + escaped("é".encode())
    assert decode(query, body, content_type, utf8_path=utf8_path)["content"] == text


@pytest.mark.parametrize("name", ["gb2312", "GBK", "cp936", "gb18030"])
def test_gb_names_in_a_content_type_mean_gb18030(name: str) -> None:
    found = decode(body=b"Content=" + "镕😀".encode("gb18030"), content_type=f"x/y; charset={name}")
    assert found == {"content": "镕😀"}


def test_declared_utf8_that_fails_is_gb18030() -> None:
    assert decode(body=b"Content=" + escaped(GB), content_type=UTF8_TYPE) == {"content": "您好"}


@pytest.mark.parametrize(
    ("query", "body", "form_wins", "values"),
    [
        pytest.param(b"corpid=a&PWD=b&Cell=1", b"", False, {"corpid": "a", "pwd": "b", "cell": "1"}, id="names"),
        pytest.param(b"a=1&b=2", b"b=3&c=4", False, {"a": "1", "b": "2", "c": "4"}, id="query wins"),
        pytest.param(b"a=1&b=2", b"b=3&c=4", True, {"a": "1", "b": "3", "c": "4"}, id="form wins"),
        pytest.param(b"CorpID=1", b"corpid=2", False, {"corpid": "1"}, id="names in any case are one name"),
        pytest.param(b"a=", b"a=1", False, {"a": "1"}, id="empty equals missing"),
        pytest.param(b"a=1", b"a=", True, {"a": "1"}, id="empty equals missing in the form"),
        pytest.param(b"a=1&A=2&a=3", b"", False, {"a": "1,2,3"}, id="repeated"),
        pytest.param(b"a=1&a=&a=3", b"", False, {"a": "1,,3"}, id="repeated with an empty one"),
        pytest.param(b"a=1&a=2", b"a=3", False, {"a": "1,2"}, id="repeated in one source, the other loses"),
        pytest.param(b"", b"a=1", False, {"a": "1"}, id="form alone"),
        pytest.param(b"???a=1", b"", False, {"a": "1"}, id="extra question marks"),
        pytest.param(b"a=?1?", b"", False, {"a": "?1?"}, id="other question marks stay"),
        pytest.param(b"&&a=1&&=x&b&", b"", False, {"a": "1", "": "x"}, id="empty items, no name, no value"),
        pytest.param(b"%43orp%49D=x", b"", False, {"corpid": "x"}, id="escaped name"),
        pytest.param(b"", b"", False, {}, id="nothing"),
    ],
)
def test_merging(query: bytes, body: bytes, form_wins: bool, values: dict[str, str]) -> None:
    assert decode(query, body, form_wins=form_wins) == values


def test_a_body_of_any_type_is_a_form() -> None:
    for content_type in ("", "text/plain", "application/octet-stream", "Application/X-WWW-Form-Urlencoded"):
        assert decode(body=b"a=1", content_type=content_type) == {"a": "1"}


def test_further_names_are_ignored() -> None:
    query = b"&".join(b"n%d=x" % number for number in range(MAX_NAMES + 5)) + b"&n0=y"
    found = decode(query)
    assert len(found) == MAX_NAMES
    assert found["n0"] == "x,y"


def test_numbers_may_be_ten_thousand_fields() -> None:
    numbers = [f"138{number:08d}" for number in range(10_000)]
    body = "&".join(f"Mobile={number}" for number in numbers).encode()
    assert decode(body=body)["mobile"].split(",") == numbers


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"Mobile=" + b",".join(b"138%08d" % number for number in range(10_000)), id="10,000 numbers"),
        pytest.param(b"Content=" + b"%C4\xe3" * 260_000, id="a switch at every byte"),
        pytest.param(b"Content=" + b"%" * 1_000_000, id="percents"),
        pytest.param(b"Content=" + b"%u4f60x" * 150_000, id="units"),
        pytest.param(b"a=&" * 350_000, id="empty fields"),
        pytest.param(b"Content=" + b"\x80A" * 500_000, id="euros"),
        pytest.param(b"Content=" + b"%25C4%25E3" * 100_000, id="double"),
    ],
)
def test_a_full_body_takes_no_time(body: bytes) -> None:
    started = time.process_time()
    decode(body=body)
    assert time.process_time() - started < 2  # usually below 0.2 s; quadratic time would be minutes


ODDITIES = b'%C4 %e3 \xc4 \xe3 \x80 \xff %80 %u4f60 %uD83D %uDE00 %u % %2 %25 A + & = Content= \0 ? %00 \r\n " --B'
TOKENS = st.sampled_from([UTF, GB, *ODDITIES.split(b" ")])


@given(
    st.lists(TOKENS, max_size=30).map(b"".join) | st.binary(max_size=80),
    st.lists(TOKENS, max_size=30).map(b"".join) | st.binary(max_size=80),
    st.sampled_from(["", GB_TYPE, UTF8_TYPE, "multipart/form-data; boundary=B", "multipart/form-data"]) | st.text(),
    st.booleans(),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_storable_values(
    query: bytes, body: bytes, content_type: str, utf8_path: bool, form_wins: bool
) -> None:
    found = decode(query, body, content_type, utf8_path=utf8_path, form_wins=form_wins)
    for name, value in found.items():
        assert name == name.lower()
        (name + value).encode("utf-8")


GB2312_CHARACTERS = st.characters(codec="gb2312", exclude_categories=["Cc"])


@given(st.text(GB2312_CHARACTERS, max_size=70), st.booleans())
@settings(max_examples=200, deadline=None)
def test_gb2312_comes_back(text: str, every_byte: bool) -> None:
    # Declared, it is a law; the default may read a freak text as UTF-8 (contract: practically never one).
    sent = text.encode("gb18030")
    sent = escaped(sent) if every_byte else sent.replace(b"%", b"%25").replace(b"+", b"%2B").replace(b"&", b"%26")
    assert decode(body=b"Mobile=" + sent, content_type=GB_TYPE) == {"mobile": text}
    assert decode(b"Mobile=" + sent, b"x=1", GB_TYPE) == {"mobile": text, "x": "1"}


@given(st.text(max_size=70))
@settings(max_examples=200, deadline=None)
def test_escaped_utf8_comes_back(text: str) -> None:
    sent = b"Mobile=" + escaped(text.encode())
    assert decode(sent, utf8_path=True) == decode(body=sent, content_type=UTF8_TYPE) == {"mobile": text}

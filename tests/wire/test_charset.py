"""How one run of bytes reads, and which charset a call is in (contract, section 2)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.wire.charset import (
    Charset,
    choose_charset,
    decode,
    decode_cleanly,
    decode_default,
    encode_cp936,
    find_charset,
)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(b"", "", id="nothing"),
        pytest.param(b"abc 123\x00", "abc 123\x00", id="ascii, NUL kept"),
        pytest.param("您好".encode("gb2312"), "您好", id="gb2312"),
        pytest.param("镕國".encode("gbk"), "镕國", id="gbk characters that gb2312 lacks"),
        pytest.param(b"\xa1\xaa\xa1\xa4", "—·", id="A1AA and A1A4 as code page 936 has them"),
        pytest.param("您好".encode(), "您好", id="utf-8 with 3-byte sequences"),
        pytest.param("é".encode(), "茅", id="utf-8 without one is GB18030"),
        pytest.param("😀".encode("gb18030"), "😀", id="4-byte gb18030"),
        pytest.param("您😀".encode(), "您😀", id="utf-8 emoji beside a 3-byte sequence"),
        pytest.param(b"1\x80 = \xc4\xe3", "1€ = 你", id="lone 0x80 is the euro"),
        pytest.param(b"\x81\x80", "亐", id="0x80 as a second byte is none"),
        pytest.param(b"\xc4\xe3\xff!", "你\ufffd!", id="undecodable byte"),
        pytest.param(b"\xc4", "\ufffd", id="half a character"),
        pytest.param(b"\x80\xff\xc4\xe3", "€\ufffd你", id="euro and undecodable"),
        pytest.param("您".encode()[:2] + b"a", "鎮a", id="truncated utf-8 that GB18030 reads"),
    ],
)
def test_the_default_charset(raw: bytes, text: str) -> None:
    assert decode_default(raw) == text


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        pytest.param(Charset.UTF_8, "café 您".encode(), "café 您", id="utf-8"),
        pytest.param(Charset.UTF_8, "é".encode(), "é", id="utf-8 needs no 3-byte sequence when declared"),
        pytest.param(Charset.UTF_8, "您好".encode("gbk"), "您好", id="utf-8 that fails is GB18030"),
        pytest.param(Charset.UTF_8, b"\xed\xa0\x80", "頎€", id="an encoded surrogate is no utf-8"),
        pytest.param(Charset.GB18030, "您好".encode("gbk"), "您好", id="gb"),
        pytest.param(Charset.GB18030, "你好".encode(), "浣犲ソ", id="declared GB is not guessed to be utf-8"),
        pytest.param(Charset.BIG5, "您好".encode("big5"), "您好", id="big5"),
        pytest.param(Charset.LATIN_1, b"caf\xe9", "café", id="latin-1"),
        pytest.param(Charset.WINDOWS_1252, b"\x80\x81", "€\ufffd", id="windows-1252 with a hole"),
    ],
)
def test_a_declared_charset(charset: Charset, raw: bytes, text: str) -> None:
    assert decode(raw, charset) == text


@pytest.mark.parametrize(
    ("name", "charset"),
    [
        *(pytest.param(name, Charset.GB18030, id=name) for name in ("gb2312", "GBK", "cp936", " gb18030 ")),
        *(pytest.param(name, Charset.UTF_8, id=name) for name in ("utf-8", "UTF8")),
        *(pytest.param(name, None, id=name or "none") for name in ("", "klingon", "utf-7", "rot13", "../x")),
    ],
)
def test_names(name: str, charset: Charset | None) -> None:
    assert find_charset(name) is charset


def test_every_charset_holds_ascii_as_ascii() -> None:
    plain = bytes(range(0x20, 0x7F))
    for charset in Charset:
        assert decode(plain, charset) == plain.decode("ascii")
        assert decode(plain + b"\xff", charset).startswith(plain.decode("ascii"))


@pytest.mark.parametrize(
    ("declared", "utf8_path", "charset"),
    [
        pytest.param("", False, Charset.DETECT, id="default"),
        pytest.param("", True, Charset.UTF_8, id="utf8 path"),
        pytest.param("gbk", True, Charset.GB18030, id="a declared one beats the path"),
        pytest.param("utf-8", False, Charset.UTF_8, id="a declared one beats the default"),
        pytest.param("nonsense", True, Charset.UTF_8, id="an unknown one is ignored"),
    ],
)
def test_the_order(declared: str, utf8_path: bool, charset: Charset) -> None:
    assert choose_charset(declared, utf8_path) is charset


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        pytest.param("-101", b"-101", id="code"),
        pytest.param("您好—·", b"\xc4\xfa\xba\xc3\xa1\xaa\xa1\xa4", id="chinese"),
        pytest.param("€5", b"\x805", id="euro as code page 936 has it"),
        pytest.param("a😀é한b", b"a?\xa8\xa6?b", id="what it lacks, never 4-byte gb18030"),
        pytest.param("\ud800", b"?", id="lone surrogate"),
    ],
)
def test_gb2312_answers(text: str, raw: bytes) -> None:
    assert encode_cp936(text) == raw


@given(st.binary(max_size=60), st.sampled_from(Charset))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_a_text_that_can_be_stored(raw: bytes, charset: Charset) -> None:
    decode(raw, charset).encode("utf-8")
    clean = decode_cleanly(raw, charset)
    assert clean is None or clean == decode(raw, charset)


def decoded(raw: bytes, codec: str) -> str | None:
    """What Python's codec makes of it, None when it refuses."""
    try:
        return raw.decode(codec)
    except UnicodeDecodeError:
        return None


@given(st.text(max_size=8), st.text(max_size=8), st.binary(max_size=3), st.booleans())
@settings(max_examples=500, deadline=None)
def test_the_default_is_utf8_where_that_can_be_and_a_sequence_of_three_is_in_it(
    one: str, other: str, between: bytes, gb: bool
) -> None:
    raw = one.encode("gb18030", "replace") + between + other.encode("gb18030" if gb else "utf-8", "replace")
    utf8 = decoded(raw, "utf-8")
    believed = utf8 is not None and any("\u0800" <= char <= "\uffff" for char in utf8)
    expected = utf8 if believed or raw.isascii() else decoded(raw, "gb18030")
    if expected is not None:
        assert decode_default(raw) == expected


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1))
@settings(max_examples=200, deadline=None)
def test_chinese_in_utf8_is_never_taken_for_gb(text: str) -> None:
    assert decode_default(text.encode()) == text


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_an_answer_has_no_character_longer_than_two_bytes(text: str) -> None:
    raw = encode_cp936(text)
    assert len(raw) <= 2 * len(text)
    assert decode(raw, Charset.GB18030).count("\ufffd") == 0

"""Texts on the wire: what is sent is what was counted, and comes back as it was."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.model.channel import ChannelSettings
from yizhan.wire.gsm import ALPHABET
from yizhan.wire.segment import count_parts
from yizhan.wire.smpp.texts import UCS2, UDHI, IncomingText, PartInfo, Piece, cut, read_text


def channel(**changes: Any) -> ChannelSettings:
    """A carrier's ways."""
    return ChannelSettings(name="a", kind="smpp", host="h", system_id="s", **changes)


def read(piece: Piece, alphabet: str = "gsm") -> IncomingText:
    """A piece as it would come in."""
    payload = dict(piece.tlvs).get(0x0424)
    return read_text(
        piece.esm_class,
        piece.data_coding,
        piece.short_message,
        payload,
        tlvs=piece.tlvs,
        default_alphabet=alphabet,
    )


gsm_texts = st.text(st.sampled_from(sorted(ALPHABET - {"\r"})), max_size=500)
any_texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=300) | gsm_texts


@settings(max_examples=300, deadline=None)
@given(any_texts, st.sampled_from(["udh8", "udh16", "sar", "payload"]), st.integers(0, 2**40))
def test_a_text_comes_back_whole(text: str, form: str, reference: int) -> None:
    pieces = cut(text, channel(long_text=form), reference)
    parts = [read(piece) for piece in pieces]
    assert "".join(part.text for part in parts) == text
    if len(pieces) > 1:
        infos = [part.part for part in parts if part.part]
        assert [info.number for info in infos] == list(range(1, len(pieces) + 1))
        assert {(info.total, info.reference) for info in infos} == {(len(pieces), infos[0].reference)}
    if form in ("udh8", "sar"):
        assert len(pieces) == count_parts(text), "what leaves is what was paid for"
    if form == "payload":
        assert len(pieces) == 1
    room = 140 if form != "sar" else 160
    assert all(len(piece.short_message) <= room or piece.data_coding != UCS2 for piece in pieces)


@settings(max_examples=200, deadline=None)
@given(gsm_texts)
def test_packed_septets(text: str) -> None:
    pieces = cut(text, channel(alphabet="gsm-packed"), 7)
    assert len(pieces) == count_parts(text)
    assert all(len(piece.short_message) <= 140 for piece in pieces)
    back = "".join(read(piece, "gsm-packed").text for piece in pieces)
    # Seven or fifteen … septets leave a septet of padding, which is an @ that nobody can tell from a real one.
    assert back.rstrip("@") == text.rstrip("@")


def test_packed_bytes_are_those_of_the_specification() -> None:
    """The customary example of 3GPP TS 23.038: hellohello."""
    (piece,) = cut("hellohello", channel(alphabet="gsm-packed"), 1)
    assert piece.short_message.hex() == "e8329bfd4697d9ec37"


CUTS = {
    "70 characters": ("长" * 70, 1),
    "71 characters": ("长" * 71, 2),
    "134 characters": ("长" * 134, 2),
    "135 characters": ("长" * 135, 3),
    "160 of GSM": ("a" * 160, 1),
    "161 of GSM": ("a" * 161, 2),
    "306 of GSM": ("a" * 306, 2),
    "307 of GSM": ("a" * 307, 3),
    "a pair at the cut": ("长" * 66 + "😀" * 10, 2),
    "an escape at the cut": ("a" * 152 + "€" * 20, 2),
}


@pytest.mark.parametrize(("text", "count"), CUTS.values(), ids=CUTS.keys())
def test_where_texts_are_cut(text: str, count: int) -> None:
    pieces = cut(text, channel(), 5)
    assert len(pieces) == count == count_parts(text)
    assert all(piece.esm_class == (UDHI if count > 1 else 0) for piece in pieces)
    if count > 1:
        assert [piece.short_message[:6].hex() for piece in pieces] == [
            f"05000305{count:02x}{number:02x}" for number in range(1, count + 1)
        ]


@pytest.mark.parametrize(
    ("alphabet", "text", "coding"),
    [
        pytest.param("gsm", "hello", 0, id="gsm"),
        pytest.param("gsm", "hello【驿站】", UCS2, id="Chinese is UCS-2"),
        pytest.param("latin1", "déjà vu", 3, id="Latin-1"),
        pytest.param("latin1", "ΔΦ", UCS2, id="Greek is not in Latin-1"),
        pytest.param("ascii", "hello", 3, id="ASCII"),
        pytest.param("ascii", "é", UCS2, id="é is not in ASCII"),
        pytest.param("ucs2", "hello", UCS2, id="always UCS-2"),
    ],
)
def test_alphabets(alphabet: str, text: str, coding: int) -> None:
    settings_ = channel(alphabet=alphabet, data_coding=0 if alphabet == "gsm" else 3)
    (piece,) = cut(text, settings_, 1)
    assert piece.data_coding == coding
    assert read(piece, alphabet).text == text


READS = {
    "IA5": (0, 1, b"abc", "abc"),
    "Latin-1": (0, 3, b"\xe9", "é"),
    "UCS-2": (0, 8, "您好".encode("utf-16-be"), "您好"),
    "UCS-2 with an odd byte": (0, 8, "您".encode("utf-16-be") + b"\0", "您"),
    "half a pair": (0, 8, b"\xd8\x3d", "\ufffd"),
    "binary": (0, 4, b"\x01\xff", "01ff"),
    "class 0, default alphabet": (0, 0xF0, b"abc", "abc"),
    "class 1, eight bits": (0, 0xF5, b"\x01", "01"),
    "GSM with an escape": (0, 0, b"\x1b\x65\x02", "€$"),
    "an escape at the end": (0, 0, b"a\x1b", "a"),
    "a byte beyond seven bits": (0, 0, b"a\xff", "a\ufffd"),
    "empty": (0, 0, b"", ""),
}


@pytest.mark.parametrize(("esm_class", "coding", "data", "text"), READS.values(), ids=READS.keys())
def test_reading(esm_class: int, coding: int, data: bytes, text: str) -> None:
    assert read_text(esm_class, coding, data, None).text == text


HEADERS = {
    "8 bits": (bytes.fromhex("050003aa0201") + b"abc", PartInfo(0xAA, 2, 1), "abc"),
    "16 bits": (bytes.fromhex("060804aabb0302") + b"abc", PartInfo(0xAABB, 3, 2), "abc"),
    "behind another element": (bytes.fromhex("0b0504158a0000" + "0003aa0201") + b"abc", PartInfo(0xAA, 2, 1), "abc"),
    "ports only": (bytes.fromhex("060504158a0000") + b"abc", None, "abc"),
    "of one part": (bytes.fromhex("050003aa0101") + b"abc", None, "abc"),
    "a part beyond its total": (bytes.fromhex("050003aa0203") + b"abc", None, "abc"),
    "longer than the message": (b"\x50abc", None, "¡abc".replace("¡", "P")),
}


@pytest.mark.parametrize(("data", "part", "text"), HEADERS.values(), ids=HEADERS.keys())
def test_headers(data: bytes, part: PartInfo | None, text: str) -> None:
    found = read_text(UDHI, 0, data, None)
    assert found.part == part
    assert found.text == text or data[0] == 0x50


def test_a_header_wins_over_sar() -> None:
    sar = ((0x020C, b"\0\x07"), (0x020E, b"\x03"), (0x020F, b"\x02"))
    assert read_text(0, 0, b"abc", None, tlvs=sar).part == PartInfo(7, 3, 2)
    header = bytes.fromhex("050003aa0201")
    assert read_text(UDHI, 0, header + b"abc", None, tlvs=sar).part == PartInfo(0xAA, 2, 1)


@settings(max_examples=400, deadline=None)
@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=300),
    st.none() | st.binary(max_size=300),
    st.lists(st.tuples(st.sampled_from([0x020C, 0x020E, 0x020F, 0x0424]), st.binary(max_size=4)), max_size=4),
    st.sampled_from(["gsm", "gsm-packed", "latin1", "ascii", "ucs2"]),
)
def test_any_bytes_are_some_text(
    esm_class: int, coding: int, data: bytes, payload: bytes | None, tlvs: list[tuple[int, bytes]], alphabet: str
) -> None:
    found = read_text(esm_class, coding, data, payload, tlvs=tlvs, default_alphabet=alphabet)
    if found.part is None:
        found.text.encode()
    else:
        assert 1 <= found.part.number <= found.part.total

"""Cutting a text into parts (contract, section 8)."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.model.submission import Encoding
from yizhan.wire.gsm import ALPHABET, BASIC, ESCAPE, EXTENSION
from yizhan.wire.segment import choose_encoding, count_parts, count_units, split

ROOM = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        pytest.param("", Encoding.GSM7, id="empty"),
        pytest.param("Hello @£$ éà ΔΩ {}[]~^|\\ €\r\n\f", Encoding.GSM7, id="both tables"),
        pytest.param("ç", Encoding.UCS2, id="small c with cedilla is not in the table"),
        pytest.param("`", Encoding.UCS2, id="nor is the backtick"),
        pytest.param("\x1b", Encoding.UCS2, id="the escape is no character"),
        pytest.param("\t", Encoding.UCS2, id="nor is a tab"),
        pytest.param("code 1234【Y】", Encoding.UCS2, id="a signature makes it UCS-2"),
    ],
)
def test_which_alphabet(text: str, encoding: Encoding) -> None:
    assert choose_encoding(text) is encoding


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", 1, id="empty"),
        pytest.param("a" * 160, 1, id="160 septets"),
        pytest.param("a" * 161, 2, id="161 septets"),
        pytest.param("a" * 306, 2, id="306 septets"),
        pytest.param("a" * 307, 3, id="307 septets"),
        pytest.param("€" * 80, 1, id="80 extension characters"),
        pytest.param("€" * 80 + "a", 2, id="one more"),
        pytest.param("€" * 76 * 2, 2, id="76 fit a part: the 153rd septet stays free"),
        pytest.param("€" * 153, 3, id="so 153 take three"),
        pytest.param("您" * 70, 1, id="70 units"),
        pytest.param("您" * 71, 2, id="71 units"),
        pytest.param("您" * 134, 2, id="134 units"),
        pytest.param("您" * 135, 3, id="135 units"),
        pytest.param("😀" * 35, 1, id="35 pairs"),
        pytest.param("😀" * 36, 2, id="36 pairs"),
        pytest.param("😀" * 67, 3, id="33 pairs fit a part: the 67th unit stays free"),
        pytest.param("您" * 66 + "😀" + "您" * 10, 2, id="a pair over the edge moves on"),
    ],
)
def test_how_many(text: str, parts: int) -> None:
    assert count_parts(text) == parts


def test_a_pair_over_the_edge_moves_to_the_next_part() -> None:
    assert split("您" * 66 + "😀" + "您" * 10) == ["您" * 66, "😀" + "您" * 10]
    assert split("a" * 152 + "€" + "b" * 10) == ["a" * 152, "€" + "b" * 10]


def test_the_tables_are_those_of_the_specification() -> None:
    assert len(BASIC) == 128 == len(set(BASIC))
    assert BASIC[ESCAPE] == "\x1b"
    # Places that implementations are known to get wrong, from 3GPP TS 23.038.
    places = {0x00: "@", 0x09: "Ç", 0x10: "Δ", 0x11: "_", 0x1C: "Æ", 0x24: "¤", 0x40: "¡", 0x5F: "§", 0x60: "¿"}
    assert {place: BASIC[place] for place in places} == places
    assert BASIC[0x7F] == "à"
    assert BASIC[0x30:0x3A] == "0123456789"
    assert len(ALPHABET) == 127 + len(EXTENSION)


GSM_TEXT = st.text(st.sampled_from(sorted(ALPHABET)), max_size=500)
ANY_TEXT = st.text(st.sampled_from("a€您😀【】{\n"), max_size=500) | st.text(max_size=200)


@given(GSM_TEXT | ANY_TEXT, st.integers(1, 4))
@settings(max_examples=200, deadline=None)
def test_split_law(text: str, times: int) -> None:
    text = text * times
    parts = split(text)
    encoding = choose_encoding(text)
    single, several = ROOM[encoding]
    assert "".join(parts) == text
    assert len(parts) == count_parts(text)
    room = single if len(parts) == 1 else several
    for part in parts:
        assert _length(part, encoding) <= room
    # Nothing smaller would do: a part and the first character of the next never fit together.
    for part, following in pairwise(parts):
        assert _length(part + following[0], encoding) > room
    assert (len(parts) == 1) == (_length(text, encoding) <= single)
    assert count_units(text, encoding) == _length(text, encoding)


def _length(text: str, encoding: Encoding) -> int:
    """Units counted another way than the code does; a cut pair could not be encoded."""
    if encoding is Encoding.GSM7:
        return sum(2 if character in EXTENSION else 1 for character in text)
    return len(text.encode("utf-16-be")) // 2

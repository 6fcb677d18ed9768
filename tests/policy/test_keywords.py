"""Keywords on normalised text (contract, section 8, Keyword)."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.policy.keywords import KeywordMatcher, normalise


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("看视频吧", id="plain"),
        pytest.param("看视*频吧", id="a star between"),
        pytest.param("看視頻吧", id="traditional"),
        pytest.param("看視 *- 頻吧", id="traditional with several separators"),
        pytest.param("看视\u200b频吧", id="zero-width space"),
        pytest.param("看视\ufeff频吧", id="byte order mark"),
        pytest.param("看视\u200b*\u200d频吧", id="zero-width around a separator"),
        pytest.param("看视　频吧", id="full-width space"),
        pytest.param("看视\n频吧", id="line break"),
        pytest.param("看视·频吧", id="middle dot"),
        pytest.param("看视＊频吧", id="full-width star"),
        pytest.param("看视…频吧", id="ellipsis"),
        pytest.param("看视—频吧", id="dash"),
        pytest.param("看视\u2011频吧", id="hyphen that does not break"),
        pytest.param("看视★频吧", id="black star"),
        pytest.param("看视・频吧", id="Japanese middle dot"),
        pytest.param("看视\u2066频\u2069吧", id="isolate of a direction"),
        pytest.param("看视\ufe00频吧", id="variation selector"),
        pytest.param("看视\U000e0101频吧", id="variation selector beyond the BMP"),
        pytest.param("看视\u3164频吧", id="filler"),
        pytest.param("看视\u180e频吧", id="Mongolian vowel separator"),
        pytest.param("看视\u0336频\u0336吧", id="struck out"),
        pytest.param("看视\u20dd频吧", id="encircled"),
    ],
)
def test_hidden_word_is_found(text: str) -> None:
    assert KeywordMatcher(["视频"]).first_hit(text) == "视频"


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        pytest.param("vip", "ＶＩＰ会员", id="full-width letters"),
        pytest.param("ＶＩＰ", "you are a Vip", id="the keyword itself full-width, the text in ASCII"),
        pytest.param("視頻", "视频", id="the keyword in traditional"),
        pytest.param("视*频", "视频", id="the keyword with a separator"),
        pytest.param("加qq１２３", "加QQ123", id="mixed"),
        pytest.param("скидка", "СКИДКА", id="Cyrillic capitals"),
        pytest.param("a.b", "A.B", id="separators between letters stay"),
    ],
)
def test_both_sides_are_normalised(keyword: str, text: str) -> None:
    assert KeywordMatcher([keyword]).first_hit(text) == keyword


@pytest.mark.parametrize(
    ("keyword", "text"),
    [
        pytest.param("视频", "看电视，频道很多", id="sentence punctuation parts words"),
        pytest.param("视频", "视a频", id="a letter between"),
        pytest.param("ab", "a*b", id="separators between letters are not dropped"),
        pytest.param("视频", "频视", id="the wrong order"),
        pytest.param("vip", "", id="empty text"),
    ],
)
def test_not_found(keyword: str, text: str) -> None:
    assert KeywordMatcher([keyword]).first_hit(text) is None
    assert KeywordMatcher([keyword]).hits(text) == []


def test_no_keywords() -> None:
    empty = KeywordMatcher(["", "\u200b"])
    assert (len(empty), empty.first_hit("视频"), empty.hits("视频")) == (0, None, [])


def test_the_longest_of_the_leftmost() -> None:
    hits = KeywordMatcher(["视频", "视频会员", "会员"]).hits("看视*频会员和会员")
    assert [(hit.keyword, hit.start, hit.end) for hit in hits] == [("视频会员", 1, 6), ("会员", 7, 9)]


def test_spellings_of_one_word_count_once() -> None:
    assert len(KeywordMatcher(["视频", "視頻", "视*频"])) == 1


def test_folding_is_one_to_one() -> None:
    """Places in the text are counted on that: no character becomes two, and only zero-width ones none."""
    for code in (*range(0x20, 0xD800), *range(0xE000, 0x11000), *range(0x20000, 0x20100)):
        assert len(normalise("x" + chr(code) + "\u0416")) in (2, 3), hex(code)
        assert len(normalise(chr(code))) == len(normalise(normalise(chr(code)))), hex(code)


PIECES = st.sampled_from("视频視頻会员電a𠀀😀AＡz1１*·-　 \n\u200b\u200d\ufeff，。【】￥")


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join), st.lists(PIECES, min_size=1, max_size=4).map("".join))
def test_places_of_hits(text: str, word: str) -> None:
    matcher = KeywordMatcher([word, "视频", "a1"])
    hits = matcher.hits(text)
    assert (matcher.first_hit(text) is None) == (not hits)
    for hit in hits:
        assert normalise(hit.keyword) in normalise(text[hit.start : hit.end])
        # Nothing hidden hangs over at either end.
        assert normalise(text[hit.start]) and normalise(text[hit.end - 1])
    assert all(first.end <= second.start for first, second in pairwise(hits))


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=30).map("".join))
def test_a_text_holds_itself(text: str) -> None:
    if normalise(text):
        assert KeywordMatcher([text]).first_hit(text) == text

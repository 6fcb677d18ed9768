"""Forbidden keywords, found in normalised text so that 视*频 and 視頻 are both 视频 (contract, section 8, Keyword)."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from ahocorasick_rs import AhoCorasick, MatchKind
from opencc import OpenCC

from yizhan.model.views import KeywordHit

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
# Unicode's Default_Ignorable_Code_Point (5.18): joiners, marks of direction, fillers, variation selectors, tags.
_ZERO_WIDTH = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u3164\ufeff\uffa0\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\U000e0000-\U000e01ff]"
)
# What people put between two characters to hide a word. Sentence punctuation is not among it: 电视，频道 holds no 视频.
_SEPARATORS = re.escape("""!"#$%&'()*+-./:;<=>?@[\\]^_`{|}~,·•・＊＿－＋．／＼｜～＃＠＆＝｀＾＄％…‖×※★☆●○■□◆◇▲△▼▽♥♡""")
# Dashes, and marks that are drawn through or around the character before them.
_MARKS = "\\u2010-\\u2015\\u2212\\u0300-\\u036f\\u0483-\\u0489\\u20d0-\\u20f0"
_BETWEEN = f"[\\s{_SEPARATORS}{_MARKS}]"
# Separators between two Chinese characters. The pattern begins with what is rare in a text, not with what is in front
# of it: so the search leaps from one separator to the next.
_HIDING = re.compile(f"{_BETWEEN}(?<=[{_CHINESE}]{_BETWEEN}){_BETWEEN}*+(?=[{_CHINESE}])")


@lru_cache(maxsize=1)
def _folding() -> list[int]:
    """The normal form of each character of the basic plane: simplified, half-width, lower case. Made when the first
    keyword is read, not at every start: it takes as long as a tenth of one.

    A list without gaps, since ``str.translate`` takes longer over a character that it cannot find.
    """
    folding = list(range(0x1_0000))
    folding[0x41:0x5B] = range(0x61, 0x7B)
    for code in range(0xFF01, 0xFF5F):
        folding[code] = ord(chr(code - 0xFEE0).lower())
    folding[0x3000] = ord(" ")
    ideographs = [
        chr(code) for block in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00)) for code in range(*block)
    ]
    simplified = OpenCC("t2s").convert("\n".join(ideographs)).split("\n")
    for old, new in zip(ideographs, simplified, strict=True):
        folding[ord(old)] = ord(new)
    # Other scripts have cases too (Greek, Cyrillic, accents): fold the single-character ones.
    for code in range(0x00C0, 0x0530):
        folded = chr(code).casefold()
        if len(folded) == 1:
            folding[code] = ord(folded)
    return folding


def normalise(text: str) -> str:
    """``text`` as keywords are compared: zero-width characters and separators between Chinese characters dropped,
    then traditional to simplified, full-width to half-width, upper to lower case.
    """
    if text.isascii():
        return text.lower()
    return _HIDING.sub("", _ZERO_WIDTH.sub("", text)).translate(_folding())


class KeywordMatcher:
    """All keywords of one moment as one automaton. Immutable: a change builds another and swaps it."""

    def __init__(self, keywords: Iterable[str] = ()) -> None:
        listed = {normalise(word): word for word in keywords}
        listed.pop("", None)
        self._listed: Sequence[str] = list(listed.values())
        patterns = list(listed)
        self._automaton = AhoCorasick(patterns, matchkind=MatchKind.LeftmostLongest) if patterns else None

    def __len__(self) -> int:
        return len(self._listed)

    def first_hit(self, text: str) -> str | None:
        """The first keyword that ``text`` holds, as listed; None when it holds none."""
        if self._automaton is None:
            return None
        hits = self._automaton.find_matches_as_indexes(normalise(text))
        return self._listed[hits[0][0]] if hits else None

    def hits(self, text: str) -> list[KeywordHit]:
        """Every keyword in ``text`` with its place in the text as written, hidden characters included."""
        if self._automaton is None:
            return []
        places = _places(text)
        found = self._automaton.find_matches_as_indexes(normalise(text))
        return [KeywordHit(self._listed[which], places[start], places[end - 1] + 1) for which, start, end in found]


def _places(text: str) -> list[int]:
    """For each character of ``normalise(text)`` its index in ``text``: folding is one to one, so only drops count."""
    kept = [index for index, char in enumerate(text) if not _ZERO_WIDTH.match(char)]
    bare = _ZERO_WIDTH.sub("", text)
    dropped = {index for match in _HIDING.finditer(bare) for index in range(*match.span())}
    return [place for index, place in enumerate(kept) if index not in dropped]

"""Forbidden keywords, found in normalised text so that 视*频 and 視頻 are both 视频 (contract, section 8, Keyword)."""

import re
from collections.abc import Iterable, Sequence

from ahocorasick_rs import AhoCorasick, MatchKind
from opencc import OpenCC

from yizhan.model.views import KeywordHit

_CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
# Unicode's Default_Ignorable_Code_Point (5.18): joiners, marks of direction, fillers, variation selectors, tags.
_ZERO_WIDTH = (
    *(0x00AD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810),
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10),
    *range(0xE0000, 0xE0200),
)
# What people put between two characters to hide a word. Sentence punctuation is not among it: 电视，频道 holds no 视频.
_SEPARATORS = re.escape("""!"#$%&'()*+-./:;<=>?@[\\]^_`{|}~,·•・＊＿－＋．／＼｜～＃＠＆＝｀＾＄％…‖×※★☆●○■□◆◇▲△▼▽♥♡""")
# Dashes, and marks that are drawn through or around the character before them.
_MARKS = "\\u2010-\\u2015\\u2212\\u0300-\\u036f\\u0483-\\u0489\\u20d0-\\u20f0"
_BETWEEN = re.compile(f"(?<=[{_CHINESE}])[\\s{_SEPARATORS}{_MARKS}]+(?=[{_CHINESE}])")


def _build_folding() -> dict[int, str | None]:
    """One character to its normal form: simplified, half-width, lower case; None where it disappears."""
    folding: dict[int, str | None] = {code: chr(code).lower() for code in range(0x41, 0x5B)}
    for code in range(0xFF01, 0xFF5F):
        folding[code] = chr(code - 0xFEE0).lower()
    folding[0x3000] = " "
    ideographs = [
        chr(code) for block in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00)) for code in range(*block)
    ]
    simplified = OpenCC("t2s").convert("\n".join(ideographs)).split("\n")
    for old, new in zip(ideographs, simplified, strict=True):
        if old != new:
            folding[ord(old)] = new
    # Other scripts have cases too (Greek, Cyrillic, accents): fold the single-character ones.
    for code in range(0x00C0, 0x0530):
        folded = chr(code).casefold()
        if folded != chr(code) and len(folded) == 1:
            folding[code] = folded
    for code in _ZERO_WIDTH:
        folding[code] = None
    return folding


_FOLDING = _build_folding()
_VANISHING = dict.fromkeys(_ZERO_WIDTH)


def normalise(text: str) -> str:
    """``text`` as keywords are compared: zero-width characters and separators between Chinese characters dropped,
    then traditional to simplified, full-width to half-width, upper to lower case.
    """
    if text.isascii():
        return text.lower()
    return _BETWEEN.sub("", text.translate(_VANISHING)).translate(_FOLDING)


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
    kept = [index for index, char in enumerate(text) if ord(char) not in _VANISHING]
    bare = text.translate(_VANISHING)
    dropped = {index for match in _BETWEEN.finditer(bare) for index in range(*match.span())}
    return [place for index, place in enumerate(kept) if index not in dropped]

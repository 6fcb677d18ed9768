"""Opt-out: a reply that is nothing but one of a few words, in any width and case, with any punctuation around it."""

import unicodedata
from collections.abc import Iterable


def fold(text: str) -> str:
    """``text`` as it is compared: compatibility forms and case folded, without what is no letter or digit at its ends.

    >>> fold(" “ＴＤ”。"), fold("退订！")
    ('td', '退订')
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    start, end = 0, len(folded)
    while start < end and not folded[start].isalnum():
        start += 1
    while end > start and not folded[end - 1].isalnum():
        end -= 1
    return folded[start:end]


def opts_out(text: str, words: Iterable[str]) -> bool:
    """Whether the whole ``text`` is one of ``words``."""
    said = fold(text)
    return bool(said) and any(said == fold(word) for word in words)

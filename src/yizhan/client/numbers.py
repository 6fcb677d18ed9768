"""Lists of numbers as people keep them: one a line, or with commas and semicolons, with remarks behind ``#``."""

import codecs
import re
from collections.abc import Iterable

_REMARK = re.compile(r"#.*")
_BETWEEN = re.compile(r"[,;，；\t]")
_WITHIN = re.compile(r"[\s()-]")
_NUMBER = re.compile(r"\+?[0-9]{5,20}")
_MAINLAND = re.compile(r"(?:(?:\+|00)?86|0)?(1[3-9][0-9]{9})")


class NumbersMistake(ValueError):
    """Something in the list is no number; the text says on which line."""


def decode_list(raw: bytes) -> str:
    """The text of a file of numbers, whatever its editor wrote: UTF-8 or UTF-16 with a BOM, UTF-8, else GB18030."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")  # only remarks can hold such characters


def read_numbers(text: str) -> list[str]:
    """The numbers in ``text`` in their order, without white space, hyphens and brackets.

    NumbersMistake for anything that is not 5 to 20 digits with or without a plus: a wrong file is found before it is
    sent. What a valid number is beyond that, the platform decides.
    """
    numbers = []
    for line, content in enumerate(text.splitlines(), start=1):
        for item in _BETWEEN.split(_REMARK.sub("", content)):
            number = _WITHIN.sub("", item)
            if number and not _NUMBER.fullmatch(number):
                raise NumbersMistake(f"line {line}: {item.strip()[:40]!r} is not a number")
            if number:
                numbers.append(number)
    return numbers


def distinct(numbers: Iterable[str]) -> list[str]:
    """The first spelling of every number: the manual wants repeated ones left out (提交短信前请过滤掉重复号码)."""
    first: dict[str, str] = {}
    for number in numbers:
        first.setdefault(_same(number), number)
    return list(first.values())


def _same(number: str) -> str:
    """Equal for all spellings of one number: +86, 0086, 86 or 0 before a mainland one (contract, section 3)."""
    if mainland := _MAINLAND.fullmatch(number):
        return f"+86{mainland[1]}"
    return f"+{number.removeprefix('00').removeprefix('+')}"

"""Telephone numbers: a test of form by the contract's rules (section 3), never a library's "is valid"."""

import re
from collections.abc import Collection, Iterator, Mapping, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from yizhan.model.sentence import Sentence

_SEPARATORS = re.compile("[,，;；]")
_SPACE = re.compile(r"\s+")
# `86` or `0` before a mainland mobile number, and +86 / 0086, all mean mainland; a bare one always does.
_MAINLAND = re.compile(r"(?:(?:\+|00)?86|0)?(1[3-9][0-9]{9})")
_INTERNATIONAL = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})")
# What most programs send. One match and one cut read it in a fraction of the time that a look at each item takes.
_ONLY_MAINLAND = re.compile(r"1[3-9][0-9]{9}(?:,1[3-9][0-9]{9})*+")
# What is kept of an item that is no number: enough to recognise it in a report.
_KEPT_CHARS = 64


def to_e164(written: str) -> str | None:
    """``written`` as E.164 with its plus, or None when its form is wrong (contract, section 3).

    >>> to_e164("013800000000"), to_e164("0013812345678"), to_e164("85000000000"), to_e164("12345")
    ('+8613800000000', '+13812345678', '+85000000000', None)
    """
    if match := _MAINLAND.fullmatch(written):
        return "+86" + match[1]
    if match := _INTERNATIONAL.fullmatch(written):
        return "+" + match[1]
    return None


def read_number(written: str) -> str | None:
    """The same, whatever blanks stand in it."""
    return to_e164(written) or to_e164(_SPACE.sub("", written))


def named_number(written: str) -> str:
    """The same for a number that somebody names. ValueError for what is none."""
    number = read_number(written)
    if number is None:
        raise ValueError(Sentence.NO_NUMBER(given=repr(written[:32])))
    return number


class NumberList(NamedTuple):
    """The ``Mobile`` parameter: distinct numbers in the order given, each with its first spelling."""

    valid: Mapping[str, str]  # E.164 -> as written
    invalid: tuple[str, ...]
    too_many: bool


def parse_numbers(mobile: str, limit: int) -> NumberList:
    """Split and normalise ``mobile``. Items beyond ``limit`` are not looked at: the call is refused for them."""
    if _ONLY_MAINLAND.fullmatch(mobile):
        plain = mobile.split(",", limit)
        return NumberList({f"+86{number}": number for number in plain[:limit]}, (), len(plain) > limit)
    valid: dict[str, str] = {}
    invalid: dict[str, None] = {}
    count = 0
    for written in _items(mobile):
        count += 1
        if count > limit:
            break
        number = read_number(written)
        if number is None:
            invalid.setdefault(written[:_KEPT_CHARS])
        else:
            valid.setdefault(number, written[:_KEPT_CHARS])
    return NumberList(valid, tuple(invalid), count > limit)


def doubled_numbers(mobile: str, limit: int) -> list[str]:
    """What stands more than once in ``mobile``, by the second spelling; for people who look."""
    seen: set[str] = set()
    found: dict[str, None] = {}
    for written in islice(_items(mobile), limit):
        number = read_number(written) or written
        if number in seen:
            found.setdefault(written[:_KEPT_CHARS])
        seen.add(number)
    return list(found)


def _items(mobile: str) -> Iterator[str]:
    for item in _SEPARATORS.split(mobile):
        if stripped := item.strip():
            yield stripped


@dataclass(frozen=True, slots=True)
class BlockedNumbers:
    """Numbers that get nothing: for everybody, and for single accounts."""

    everybody: frozenset[str] = frozenset()
    by_account: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def among(self, account_id: int, numbers: Collection[str]) -> Set[str]:
        """Those of ``numbers`` (E.164) that are blocked for the account."""
        found = self.everybody.intersection(numbers)
        own = self.by_account.get(account_id)
        return found if own is None else found | own.intersection(numbers)

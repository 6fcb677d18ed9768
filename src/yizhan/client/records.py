"""Replies and reports as values: what Get, GetReportSMS and GetReportFail hand out (contract, section 9).

A fetch hands each record out only once, so one that cannot be read is given to the caller as it is: ``Unreadable``.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import IntEnum
from typing import TypeVar

_NO_FAILURES = re.compile(r"全部正确提交\s*[,，]?\s*无错误返回报告\s*[。.]?")
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")  # one zone without daylight saving since 1991
_TIME = "%Y-%m-%d %H:%M:%S"
_REPLY = re.compile(r"(?P<number>[^#|]*)#(?P<text>.*)#(?P<at>[^#]*)#(?P<cell>[^#|]*)", re.DOTALL)
_FAILURE = re.compile(r"(?P<number>[^#|]*)#(?P<status>[^#]*)#(?P<at>[^#]*)#(?P<cell>[^#|]*)")
_NUMBER = re.compile(r"\+?[0-9]{5,20}#")  # how a record begins
_END = re.compile(r"#\s*[0-9]{4}(?:-[0-9]{1,2}){2} +[0-9]{1,2}(?::[0-9]{1,2}){2}\s*#[^#]*\Z")  # and how it ends
_DIGITS = re.compile(r"[0-9]{1,20}")
R = TypeVar("R")


class Flag(IntEnum):
    """How a message ended."""

    DELIVERED = 1
    FAILED = 2
    OTHER = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """What a handset wrote. ``cell`` is the extension that it wrote to."""

    number: str
    text: str
    at: datetime  # Beijing time, with its zone
    cell: str


@dataclass(frozen=True, slots=True)
class Report:
    """The end of one number of one call."""

    id: int  # what the call was answered with
    number: str  # as the call wrote it
    submitted_at: datetime
    flag: Flag
    status: str  # the carrier's word
    reported_at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed number, without the id of its call."""

    number: str
    status: str
    reported_at: datetime
    cell: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record of some other form, as it came."""

    raw: str


def read_replies(text: str) -> list[Reply | Unreadable]:
    """``||number#text#time#cell``, one behind the other. Some platforms leave ``#`` in the text."""
    return list(_records(_behind(text), _reply))


def read_reports(text: str) -> list[Report | Unreadable]:
    """``id$$$$$number$$$$$submit time$$$$$flag$$$$$status$$$$$report time|||``, one behind the other."""
    return list(_records((piece for piece in text.strip().split("|||") if piece.strip()), _report))


def read_failures(text: str) -> list[Failure | Unreadable]:
    """``||number#status#report time#cell``, or the words that say there are none."""
    if _NO_FAILURES.fullmatch(text.strip()):
        return []
    return list(_records(_behind(text), _failure))


def _behind(text: str) -> Iterator[str]:
    """The records of a text in which ``||`` stands before each."""
    kept: list[str] = []
    for chunk in text.strip().split("||"):
        # Some platforms leave || in a text: one counts only behind the end of a record or before a number.
        if kept and not _END.search(kept[-1]) and not _NUMBER.match(chunk):
            kept.append(chunk)
            continue
        if kept:
            yield "||".join(kept)
        kept = [chunk] if chunk.strip() else []
    if kept:
        yield "||".join(kept)


def _records(pieces: Iterator[str], read: Callable[[str], R]) -> Iterator[R | Unreadable]:
    for piece in pieces:
        try:
            yield read(piece)
        except ValueError:
            yield Unreadable(piece)


def _reply(piece: str) -> Reply:
    found = _match(_REPLY, piece)
    return Reply(found["number"].strip(), found["text"], _moment(found["at"]), found["cell"].strip())


def _report(piece: str) -> Report:
    fields = [field.strip() for field in piece.split("$$$$$")]
    if len(fields) != 6:
        raise ValueError("not six fields")
    id, number, submitted, flag, status, reported = fields
    if not _DIGITS.fullmatch(id):
        raise ValueError("no id")
    return Report(int(id), number, _moment(submitted), Flag(int(flag)), status, _moment(reported))


def _failure(piece: str) -> Failure:
    found = _match(_FAILURE, piece)
    return Failure(found["number"].strip(), found["status"].strip(), _moment(found["at"]), found["cell"].strip())


def _match(pattern: re.Pattern[str], piece: str) -> re.Match[str]:
    found = pattern.fullmatch(piece)
    if found is None:
        raise ValueError("not four fields")
    return found


def _moment(text: str) -> datetime:
    return datetime.strptime(text.strip(), _TIME).replace(tzinfo=BEIJING)

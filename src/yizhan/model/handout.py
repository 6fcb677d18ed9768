"""What waits to be handed out to clients, once each (contract, section 9)."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Generic, TypeVar

from yizhan.model.message import State

R = TypeVar("R")


class Queue(IntEnum):
    """What a client can fetch; each has a cursor of its own. The numbers are stored."""

    REPLIES = 1  # Get
    REPORTS = 2  # GetReportSMS
    FAILURES = 3  # GetReportFail


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """One reply as it is handed out."""

    number: str  # E.164
    text: str
    at_ms: int
    cell: str


@dataclass(frozen=True, slots=True)
class ReportRow:
    """The end of one message as it is handed out."""

    submission: int  # the id that the client got
    written: str  # the number as the client wrote it
    submitted_at_ms: int
    state: State  # final
    word: str  # the carrier's last word; empty when no carrier was asked
    reported_at_ms: int
    cell: str


@dataclass(frozen=True, slots=True)
class HandOut(Generic[R]):
    """Leased rows. ``left`` must be called once: whether the last byte of the answer went to the socket."""

    rows: tuple[R, ...]
    left: Callable[[bool], None]

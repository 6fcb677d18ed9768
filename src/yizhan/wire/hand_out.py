"""Replies and reports as clients read them (contract, section 9): times in Beijing, numbers as they know them."""

import re
from collections.abc import Iterable
from datetime import datetime

from yizhan.kit.clock import BEIJING
from yizhan.model.handout import ReplyRow, ReportRow
from yizhan.model.message import FAILING, State
from yizhan.wire.answer import client_number
from yizhan.wire.xml_text import strip_forbidden

NO_FAILURES = "全部正确提交,无错误返回报告"

# 1 delivered, 2 failed, 3 other; flag 0 of the family is never sent.
FLAGS: dict[State, int] = {
    State.DELIVERED: 1,
    **dict.fromkeys(FAILING, 2),
    State.EXPIRED: 3,
    State.UNKNOWN: 3,
}
# For what ended without a carrier's word, or with one of which nothing can be written.
_WORDS: dict[State, str] = {
    State.DELIVERED: "DELIVRD",
    State.FAILED: "UNDELIV",
    State.REJECTED: "REJECTD",
    State.CANCELLED: "DELETED",
    State.INVALID: "REJECTD",
    State.BLOCKED: "REJECTD",
    State.EXPIRED: "EXPIRED",
    State.UNKNOWN: "UNKNOWN",
}
_STRANGE = re.compile(r"[^A-Za-z0-9:_-]")
_FIELD_MARKS = str.maketrans({"|": "｜", "#": "＃", "\r": None, "\n": " ", "\u2028": " ", "\u2029": " ", "\x85": " "})
_LONE_RETURN = re.compile(r"\r(?!\n)")  # lines may end in CR alone, too


def write_replies(rows: Iterable[ReplyRow]) -> str:
    """``||number#text#time#cell`` for each; empty when there are none."""
    return "".join(f"||{client_number(r.number)}#{_field(r.text)}#{beijing(r.at_ms)}#{r.cell}" for r in rows)


def write_reports(rows: Iterable[ReportRow]) -> str:
    """``id$$$$$number$$$$$submit time$$$$$flag$$$$$status$$$$$report time|||`` for each."""
    return "".join(
        "$$$$$".join(
            (
                str(row.submission),
                _spelling(row.written),
                beijing(row.submitted_at_ms),
                str(FLAGS[row.state]),
                status_of(row),
                beijing(row.reported_at_ms),
            )
        )
        + "|||"
        for row in rows
    )


def write_failures(rows: Iterable[ReportRow]) -> str:
    """``||number#status#report time#cell`` for each, or the words that say there are none."""
    written = "".join(
        f"||{_spelling(row.written)}#{status_of(row)}#{beijing(row.reported_at_ms)}#{row.cell}" for row in rows
    )
    return written or NO_FAILURES


def status_of(row: ReportRow) -> str:
    """The carrier's word in ``[A-Za-z0-9:_-]``, or the word for how it ended."""
    return _STRANGE.sub("", row.word) or _WORDS[row.state]


def beijing(ms: int) -> str:
    """A moment as ``yyyy-MM-dd HH:mm:ss`` in Beijing."""
    return datetime.fromtimestamp(ms / 1000, BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def _field(text: str) -> str:
    """``text`` without the marks that divide fields and records, on one line."""
    return strip_forbidden(_LONE_RETURN.sub(" ", text).translate(_FIELD_MARKS))


def _spelling(written: str) -> str:
    """A number as its client wrote it; what was no number may hold anything, so its marks go."""
    return _field(written.strip()).replace("$", "＄")

"""What a file of numbers and texts means: its header, its columns, the text of each row, and which rows are none."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import NamedTuple

from yizhan.model.account import LaneRule
from yizhan.model.call import Call, Transport
from yizhan.model.mailing import Mistake, Order, Row, Template
from yizhan.model.message import Lane
from yizhan.model.operation import FAMILY
from yizhan.model.reject import Refusal
from yizhan.model.submission import Admitted
from yizhan.policy.admission import account_disabled, account_unknown, judge_message
from yizhan.policy.admit import admit
from yizhan.policy.case import Case
from yizhan.policy.numbers import read_number
from yizhan.policy.send_time import parse_send_time
from yizhan.wire.sheet import Line

OPERATION = FAMILY[0]  # IntlSend, of which the contract's table speaks first
_PLACE = re.compile(r"\{([^{}]{1,64})\}")
_SHORTENED = re.compile(r"[0-9](?:\.[0-9]+)?E\+?[0-9]{1,2}", re.IGNORECASE)
_DIGITS = re.compile(r"[+0-9 .Ee()-]{5,}")  # what looks like a number, be it one or not
# What columns are called, in small letters.
_NUMBER_NAMES = (
    "number",
    "mobile",
    "phone",
    "telephone",
    "tel",
    "msisdn",
    "手机",
    "手机号",
    "手机号码",
    "号码",
    "电话",
)
_TEXT_NAMES = ("text", "content", "message", "sms", "内容", "短信", "短信内容", "文本", "正文")
_KEPT_CHARS = 64


class TableFault(StrEnum):
    """Why nothing can be made of a table with this text."""

    NO_TEXT = "no_text"  # neither the form nor the file has one
    NO_COLUMN = "no_column"  # the text names a column that there is not
    NO_ROWS = "no_rows"  # there is a header, and nothing below it


class BadTable(ValueError):
    """The text and the table do not fit. The text names the column."""

    def __init__(self, fault: TableFault, column: str = "") -> None:
        super().__init__(column)
        self.fault = fault


class Table(NamedTuple):
    """A file, understood."""

    header: tuple[str, ...] | None
    template: Template
    rows: list[Row]


def read_table(lines: Sequence[Line], text: str) -> Table:
    """What is to be sent by ``lines``. ``text`` may name columns, as ``{name}`` or, without a header, ``{1}``; when it
    is empty, each row has its own. BadTable.
    """
    header = None if _looks_like_numbers(lines[0].cells) else tuple(cell.strip() for cell in lines[0].cells)
    data = lines if header is None else lines[1:]
    if not data:
        raise BadTable(TableFault.NO_ROWS)
    names = header or tuple(str(place + 1) for place in range(max(len(line.cells) for line in lines)))
    number = _number_column(header, data)
    template, places = _template(text, names, header, number)
    return Table(header, template, list(_rows(data, number, places)))


def _looks_like_numbers(cells: Sequence[str]) -> bool:
    return any(read_number(cell.strip()) or _DIGITS.fullmatch(cell.strip()) for cell in cells)


def _number_column(header: Sequence[str] | None, data: Sequence[Line]) -> int:
    """The one that is called so, else the first that begins with a number, else the first."""
    for place, name in enumerate(header or ()):
        if name.lower() in _NUMBER_NAMES:
            return place
    first = data[0].cells if data else ()
    return next((place for place, cell in enumerate(first) if read_number(cell.strip())), 0)


def _template(text: str, names: Sequence[str], header: Sequence[str] | None, number: int) -> tuple[Template, list[int]]:
    """The text, and where the cells stand that go into it."""
    if text.strip():
        columns = tuple(dict.fromkeys(_PLACE.findall(text)))
        for column in columns:
            if column not in names:
                raise BadTable(TableFault.NO_COLUMN, column)
        return Template(text, columns), [names.index(column) for column in columns]
    others = [place for place in range(len(names)) if place != number]
    named = [place for place in others if header and names[place].lower() in _TEXT_NAMES]
    if not others:
        raise BadTable(TableFault.NO_TEXT)
    return Template("{text}", ("text",)), (named or others)[:1]


def _rows(data: Sequence[Line], number: int, places: Sequence[int]) -> Iterator[Row]:
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for line in data:
        written = line.cells[number].strip() if number < len(line.cells) else ""
        cells = tuple(line.cells[place] if place < len(line.cells) else "" for place in places)
        e164 = read_number(written)
        if e164 is None:
            mistake = Mistake.SHORTENED if _SHORTENED.fullmatch(written) else Mistake.NOT_A_NUMBER
        elif not all(cell.strip() for cell in cells):
            mistake = Mistake.NO_TEXT
        elif (e164, cells) in seen:
            mistake = Mistake.DOUBLE
        else:
            seen.add((e164, cells))
            yield Row(line.number, "".join(written.split()), cells)
            continue
        yield Row(line.number, written[:_KEPT_CHARS], cells, mistake.value)


def fill(template: Template, cells: Sequence[str]) -> str:
    """The text of one row."""
    if not template.columns:
        return template.text
    values = dict(zip(template.columns, cells, strict=True))
    return _PLACE.sub(lambda place: values[place[1]], template.text)


def calls_of(order: Order, rows: Sequence[Row], now_ms: int) -> Iterator[tuple[list[int], Call]]:
    """A call for each text of those rows that are to be sent, with the places of its rows.

    A time that has come meanwhile means now: what was confirmed before it is late, not refused.
    """
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if not row.mistake:
            places.setdefault(fill(order.template, row.cells), []).append(place)
    at_ms = parse_send_time(order.send_time)
    send_time = "" if at_ms is not None and at_ms <= now_ms else order.send_time
    shared = {OPERATION.login[0]: order.account, "cell": order.cell, "sendtime": send_time}
    for text, of_text in places.items():
        mobile = ",".join(rows[place].number for place in of_text)
        yield of_text, Call(OPERATION, {**shared, "content": text, "mobile": mobile}, "127.0.0.1", Transport.API)


def judge_letter(case: Case) -> Refusal | Admitted:
    """One text of a mailing. It goes with the bulk, however few its numbers are: nobody waits for it."""
    refusal = account_unknown(case) or account_disabled(case) or judge_message(case)
    if refusal is not None:
        return refusal
    admitted = admit(case)
    return admitted if case.known_account.lane is LaneRule.URGENT else replace(admitted, lane=Lane.BULK)

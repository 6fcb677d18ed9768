"""A table as people have it in a file: CSV as Excel and others write it, or a text with a number on each line."""

import codecs
import csv
import io
from enum import StrEnum
from typing import NamedTuple

_DELIMITERS = ",;\t"
_WORKBOOK = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .xls
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class SheetFault(StrEnum):
    """Why a file is no table of ours."""

    EMPTY = "empty"
    WORKBOOK = "workbook"  # of Excel, which saves it as CSV, too
    CHARSET = "charset"
    MALFORMED = "malformed"
    TOO_MANY_ROWS = "too_many_rows"


class BadSheet(ValueError):
    """The file cannot be read. The text says where."""

    def __init__(self, fault: SheetFault, where: str = "") -> None:
        super().__init__(where)
        self.fault = fault


class Line(NamedTuple):
    """One row of the table, and in which line of the file it begins."""

    number: int
    cells: tuple[str, ...]


def read_sheet(data: bytes, max_rows: int) -> list[Line]:
    """The rows that hold anything. Commas, semicolons or tabs stand between cells, whichever comes first. BadSheet."""
    text = _text(data)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    lines: list[Line] = []
    begins = 1
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                lines.append(Line(begins, tuple(cells)))
                if len(lines) > max_rows:
                    raise BadSheet(SheetFault.TOO_MANY_ROWS, f"more than {max_rows}")
            begins = rows.line_num + 1
    except csv.Error as error:
        raise BadSheet(SheetFault.MALFORMED, f"line {begins}: {error}") from error
    if not lines:
        raise BadSheet(SheetFault.EMPTY)
    return lines


def _text(data: bytes) -> str:
    """UTF-8, UTF-16 with its mark, else GB18030, as a Chinese Excel writes it."""
    if data.startswith(_WORKBOOK):
        raise BadSheet(SheetFault.WORKBOOK)
    charsets = ("utf-16",) if data.startswith(_UTF16) else ("utf-8-sig", "gb18030")
    for charset in charsets:
        try:
            text = data.decode(charset)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise BadSheet(SheetFault.CHARSET)


def _delimiter(text: str) -> str:
    """The first one that stands outside of quotes in the first line."""
    quoted = False
    for char in text.lstrip("\r\n").partition("\n")[0]:
        if char == '"':
            quoted = not quoted
        elif char in _DELIMITERS and not quoted:
            return char
    return ","

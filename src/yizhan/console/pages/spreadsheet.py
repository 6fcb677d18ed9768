"""Lists as CSV files that Excel opens as they are meant: UTF-8 with its mark, and no cell that would be a formula."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

_BOM = "\ufeff"
# What makes spreadsheets compute (OWASP, "CSV injection").
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


async def to_csv(heads: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Any]]]) -> AsyncIterator[bytes]:
    """The file, a piece for each page of rows."""
    yield (_BOM + _lines([heads])).encode()
    async for rows in pages:
        if rows:
            yield _lines(rows).encode()


def _lines(rows: Sequence[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([[_harmless(cell) for cell in row] for row in rows])
    return text.getvalue()


def _harmless(cell: Any) -> Any:
    """An apostrophe makes a cell be text in Excel and its like."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULAS) else cell

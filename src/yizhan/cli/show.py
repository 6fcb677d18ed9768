"""What commands print. Texts and numbers may hold anything, so nothing reaches a terminal unless it is harmless."""

import json as jsonlib
import os
import re
import sys
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

# Control, format (bidirectional and zero-width ones), lone surrogates, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# What JSON would leave as it is although terminals act on it: DEL, C1 controls, bidirectional and zero-width marks.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

STATE_STYLES = {
    "delivered": "green",
    "sent": "cyan",
    "uncertain": "yellow",
    "unknown": "yellow",
    "failed": "red",
    "expired": "red",
    "rejected": "red",
    "invalid": "red",
    "blocked": "red",
}


def visible(text: str) -> str:
    """``text`` with every character that acts instead of being seen replaced by a picture or its number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_seen(character) for character in text)


def _seen(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # ␀ to ␟
    if code == 0x7F:
        return "␡"
    return f"<U+{code:04X}>"


def to_json(value: Any) -> str:
    """``value`` as an indented JSON document that is safe to see, readable where the terminal knows Chinese."""
    utf8 = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"
    document = jsonlib.dumps(value, ensure_ascii=not utf8, indent=2)
    return _UNSAFE_IN_JSON.sub(lambda match: f"\\u{ord(match.group()):04x}", document)


def print_json(value: Any) -> None:
    """Print ``value`` as the only thing on standard output."""
    sys.stdout.write(to_json(value) + "\n")


def say(line: str) -> None:
    """Print one line for a person; control characters in it become visible."""
    sys.stdout.write(visible(line) + "\n")


def warn(line: str) -> None:
    """Print one line on standard error."""
    sys.stderr.write(f"yizhan: {visible(line)}\n")


def here(at: str) -> datetime:
    """An RFC 3339 time in this machine's time zone; in its own where the calendar ends before ours gets there.

    A client may set SendTime to the last second of 9999, which east of Beijing is already the year 10000.
    """
    moment = datetime.fromisoformat(at)
    try:
        return moment.astimezone()
    except OverflowError:
        return moment


def local_time(at: str | None) -> str:
    """An RFC 3339 time as this machine's clock shows it, to the second; empty for None."""
    return here(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


def show_value(value: Any) -> str:
    """One value of an answer for a person: harmless, and amounts without needless decimals."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return ", ".join(show_value(item) for item in value)
    return visible(str(value))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: which key of the rows, under which head, and how it behaves."""

    key: str
    head: str = ""
    time: bool = False  # an RFC 3339 time; narrow terminals leave this year's number out
    fills: bool = False  # takes the width that is left, cut with an ellipsis on a terminal
    wide_only: bool = False  # left out on terminals of less than 110 columns


def make_console(*, folds: bool = False) -> "Console":
    """A rich console on standard output. Where nobody looks at it, lines are as long as their content, so that programs
    read whole values; ``folds``: unless the environment names a width, since folded text loses nothing.
    """
    from rich.console import Console

    natural = sys.stdout.isatty() or (folds and "COLUMNS" in os.environ)
    return Console(markup=False, highlight=False, emoji=False, width=None if natural else 2_000)


def print_table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], nothing: str) -> None:
    """Print ``rows`` under ``columns``, or the line ``nothing`` when there are none."""
    if not rows:
        say(nothing)
        return
    from rich.table import Table
    from rich.text import Text

    console = make_console()
    wide = console.width >= 110
    shown = [column for column in columns if wide or not column.wide_only]
    fills = console.is_terminal and any(column.fills for column in shown)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), expand=fills, header_style="bold")
    for column in shown:
        table.add_column(
            Text(column.head or column.key),
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if fills and column.fills else None,
            justify="right" if all(_is_number(row[column.key]) for row in rows) else "left",
        )
    for row in rows:
        table.add_row(*(_cell(column, row[column.key], wide=wide) for column in shown))
    console.print(table)


def print_details(pairs: Sequence[tuple[str, Any]]) -> None:
    """Print names and values, one pair a line."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(Text(name, style="dim"), Text(show_value(value)))
    make_console().print(grid)


def _cell(column: Column, value: Any, *, wide: bool) -> "Text":
    from rich.text import Text

    if column.time:
        at = local_time(value)
        return Text(at if wide else at.removeprefix(f"{datetime.now().astimezone():%Y}-"), style="dim")
    return Text(show_value(value), style=STATE_STYLES.get(value, "") if column.key == "state" else "")


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def make_progress(*, quiet: bool = False) -> "Progress":
    """A bar on standard error where somebody looks; it is gone when the work is done."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    columns: list[Any] = [*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn()]
    return Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)

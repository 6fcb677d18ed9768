"""A message's story on a terminal: what happened when, and why."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from yizhan.cli.show import STATE_STYLES, here, make_console, show_value, visible
from yizhan.kit.clock import show_gap

Story = Mapping[str, Any]


def print_stories(stories: Sequence[Story]) -> None:
    """Print each story, an empty line between two."""
    console = make_console(folds=True)
    for position, story in enumerate(stories):
        if position:
            console.print()
        _print_head(console, story["message"])
        console.print()
        _print_steps(console, story["steps"])


def _print_head(console: Any, message: Mapping[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    style = STATE_STYLES.get(message["state"], "blue")
    title = Text.assemble(
        ("● ", style),
        (visible(message["state"]), f"bold {style}"),
        f"  message {message['id']} of submission {message['submission']}",
    )
    console.print(title)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _facts(message):
        grid.add_row(Text(f"  {name}", style="dim"), Text(value))
    console.print(grid)


def _facts(message: Mapping[str, Any]) -> list[tuple[str, str]]:
    number, written = show_value(message["number"]), show_value(message["written"])
    price = f"{show_value(message['price'])} 条"
    if message["refunded"]:
        price += f", {show_value(message['refunded'])} 条 refunded"
    return [
        ("account", show_value(message["account"])),
        ("number", number if written == number else f"{number} (written {written})"),
        ("text", show_value(message["text"])),
        ("parts", show_value(message["parts"])),
        ("price", price),
        ("channel", show_value(message["channel"]) or "none"),
    ]


def _print_steps(console: Any, steps: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for _ in range(3):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    previous: datetime | None = None
    for step in steps:
        at = here(step["at"]) if step["at"] else None
        if at is not None and (previous is None or at.date() != previous.date()):
            zone = _zone(at) if previous is None else ""
            grid.add_row(Text(f"  {at:%Y-%m-%d}", style="dim"), "", "", Text(zone, style="dim"))
        what = Text(visible(step["what"]))
        if step["why"]:
            what.append(f" — {visible(step['why'])}", style="dim")
        clock = Text(f"  {at:%H:%M:%S}.{at.microsecond // 1000:03d}" if at else "")
        since = Text(show_gap(at - previous) if at and previous else "", style="dim", justify="right")
        grid.add_row(clock, since, Text(visible(step["station"]), style="bold"), what)
        previous = at or previous
    console.print(grid)


def _zone(at: datetime) -> str:
    offset = f"{at:%z}"
    return f"times in UTC{offset[:3]}:{offset[3:5]}"

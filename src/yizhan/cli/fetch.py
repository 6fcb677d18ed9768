"""``yizhan replies`` and ``yizhan reports``: fetch from any LinkWS platform, this one or another."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer

from yizhan.cli import show
from yizhan.cli.options import AsJson
from yizhan.cli.send import BySoap, CharsetName, Corp, FromStdin, Url, connect

Failed = Annotated[bool, typer.Option("--failed", help="Only failed ones (GetReportFail).")]


def register(app: typer.Typer) -> None:
    """Add ``replies`` and ``reports`` to ``app``."""
    app.command()(replies)
    app.command()(reports)


def replies(
    *,
    url: Url,
    corp: Corp,
    password_stdin: FromStdin = False,
    charset: CharsetName = "gb2312",
    soap: BySoap = False,
    json: AsJson = False,
) -> None:
    """Fetch the replies that wait (Get). Each is handed out once: keep what is printed."""
    with connect(url, corp, password_stdin, charset, soap) as client:
        rows = _fetch(client.replies, json)
    _print(rows, ("at", "number", "cell", "text"), "no replies wait", json)


def reports(
    *,
    url: Url,
    corp: Corp,
    password_stdin: FromStdin = False,
    failed: Failed = False,
    charset: CharsetName = "gb2312",
    soap: BySoap = False,
    json: AsJson = False,
) -> None:
    """Fetch the reports that wait (GetReportSMS). Each is handed out once: keep what is printed."""
    with connect(url, corp, password_stdin, charset, soap) as client:
        rows = _fetch(lambda: client.failures() if failed else client.reports(), json)
    names = ["reported_at", "number", "cell", "status"]
    if not failed:
        names = ["reported_at", "id", "number", "flag", "status", "submitted_at"]
    _print(rows, names, "no reports wait", json)


def _fetch(fetch: Callable[[], Sequence[Any]], json: bool) -> list[dict[str, Any]]:
    """Records as rows; a refusal or a failure as ``yizhan balance`` shows it."""
    from yizhan.client import LinkWSError

    try:
        return [_row(record) for record in fetch()]
    except LinkWSError as error:
        if json:
            show.print_json({"code": getattr(error, "code", None), "error": str(error), "uncertain": error.uncertain})
        show.warn(str(error))
        if error.uncertain:
            show.warn("what the answer held may be lost: a platform that does not hand out twice has no more of it")
        raise typer.Exit(1) from error
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _row(record: Any) -> dict[str, Any]:
    """A record with its times as text and its flag as a word."""
    row = asdict(record)
    for name, value in row.items():
        if hasattr(value, "isoformat"):
            row[name] = value.isoformat(sep=" ", timespec="seconds")
        elif name == "flag":
            row[name] = value.name.lower()
    return row


def _print(rows: list[dict[str, Any]], names: Sequence[str], nothing: str, json: bool) -> None:
    if json:
        show.print_json(rows)
    elif not rows:
        show.say(nothing)
    else:
        readable = [row for row in rows if "raw" not in row]
        if readable:
            _print_whole(readable, names)
        for row in rows:
            if "raw" in row:
                show.warn(f"a record of another form: {row['raw']}")


def _print_whole(rows: list[dict[str, Any]], names: Sequence[str]) -> None:
    """A table that folds what is too long: cut off, it would be lost, since nothing is handed out again."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(Text(name.replace("_", " ")), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(name, row[name])) for name in names))
    show.make_console(folds=True).print(table)


def _cell(name: str, value: Any) -> str:
    return show.local_time(value) if name == "at" or name.endswith("_at") else show.show_value(value)

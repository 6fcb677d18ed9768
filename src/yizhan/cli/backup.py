"""``yizhan backup`` and ``verify``: a copy of the store while the gateway runs, and whether a copy is good."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data


def register(app: typer.Typer) -> None:
    """Add ``backup`` and ``verify`` to ``app``."""
    app.command()(backup)
    app.command()(verify)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes; must not exist yet.")],
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Copy the store into one file and check the copy; the gateway may run."""
    if not data.exists():
        call(data, "GET", "/health")  # says that there is no data directory, rather than making one
    made = call(data, "POST", "/backup", json={"file": str(file.absolute())})
    if json:
        show.print_json(made)
    else:
        show.say(f"{made['file']}: {made['bytes']} bytes, checked")


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup, or any database of the gateway.")],
    json: AsJson = False,
) -> None:
    """Read a backup from end to end: is it whole, of a known schema, and do its books hold?"""
    from yizhan.store.verify import verify_file  # heavy, and of no use to --help

    check = verify_file(file)
    if json:
        show.print_json(asdict(check))
    elif not check.faults:
        rows = ", ".join(f"{count} {table}" for table, count in check.rows.items())
        show.say(f"{file}: whole, schema {check.schema}, {rows}; the ledger holds")
    if check.faults:
        raise Failed(f"{file}: {'; '.join(check.faults)}")

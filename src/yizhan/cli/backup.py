"""``yizhan backup``: a copy of the store while the gateway runs."""

from pathlib import Path
from typing import Annotated

import typer

from yizhan.cli import show
from yizhan.cli.link import call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data


def register(app: typer.Typer) -> None:
    """Add ``backup`` to ``app``."""
    app.command()(backup)


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

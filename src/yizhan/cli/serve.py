"""``yizhan serve``: run a node in the foreground."""

from pathlib import Path
from typing import Annotated

import typer

from yizhan.cli.options import DEFAULT_DATA, Data


def register(app: typer.Typer) -> None:
    """Add ``serve`` to ``app``."""
    app.command()(serve)


def serve(
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The configuration file; without one, defaults.")
    ] = None,
    data: Data = DEFAULT_DATA,
    listen: Annotated[
        str | None, typer.Option("--listen", metavar="HOST:PORT", help="Where clients call; wins over the file.")
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Make a demo account and show how to use it.")] = False,
) -> None:
    """Run a node until SIGTERM or SIGINT."""
    from yizhan.node.serve import serve as run

    raise typer.Exit(run(config, data, listen, demo))

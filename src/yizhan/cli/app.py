"""The ``yizhan`` command. Commands are thin: they call the admin API and print the answer.

Exit status: 0, 1 (the thing asked failed, standard error says why), 2 (wrong usage). Heavy modules are imported where
they are used, so that help and completion stay quick.
"""

import gc
import os
import sys
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from yizhan import __version__
from yizhan.cli import (
    account,
    backup,
    card,
    channel,
    doctor,
    fetch,
    ledger,
    lists,
    message,
    move,
    person,
    route,
    send,
    serve,
    show,
    simulate,
    token,
    watch,
    webhook,
)
from yizhan.cli.link import Failed
from yizhan.cli.options import AsJson


class _Failing(TyperGroup):
    """A group whose commands fail in one way: one line on standard error and exit status 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Failed as failure:
            sys.stdout.flush()
            show.warn(str(failure))
            raise typer.Exit(1) from failure


# No tracebacks with local variables: they would show passwords.
app = typer.Typer(
    name="yizhan",
    help="驿站: a self-hosted SMS gateway that speaks sdk2 / LinkWS.",
    cls=_Failing,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        show.say(f"yizhan {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command("version")
def show_version(json: AsJson = False) -> None:
    """Show the version."""
    if json:
        show.print_json({"version": __version__})
    else:
        show.say(f"yizhan {__version__}")


serve.register(app)
app.add_typer(account.app, name="account")
app.add_typer(card.app, name="card")
app.add_typer(message.app, name="message")
app.add_typer(channel.app, name="channel")
app.add_typer(route.app, name="route")
app.add_typer(ledger.app, name="ledger")
app.add_typer(lists.keyword_app, name="keyword")
app.add_typer(lists.ip_app, name="ip")
app.add_typer(lists.number_app, name="number")
app.add_typer(simulate.app, name="simulate")
app.add_typer(webhook.app, name="webhook")
app.add_typer(token.app, name="token")
app.add_typer(person.app, name="person")
send.register(app)
fetch.register(app)
doctor.register(app)
watch.register(app)
backup.register(app)
move.register(app)


# What a command loads stays until it ends: the collector need not walk through it every 700 objects.
_GC_ALLOCATIONS = 50_000


def main() -> None:
    """The console script."""
    gc.set_threshold(_GC_ALLOCATIONS, 20, 20)
    os.umask(0o077)  # whatever any command writes may hold texts, numbers or secrets
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character gets its number, not a traceback.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app(prog_name="yizhan")

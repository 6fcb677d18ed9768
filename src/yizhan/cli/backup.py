"""``yizhan backup``, ``verify``, ``restore``: copy the store while the gateway runs, check a copy, go back to one."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed, actor, call
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data


def register(app: typer.Typer) -> None:
    """Add ``backup``, ``verify`` and ``restore`` to ``app``."""
    app.command()(backup)
    app.command()(verify)
    app.command()(restore)


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


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    send_again: Annotated[
        bool, typer.Option("--send-again", help="Send what waits in the backup, though it may have been sent since.")
    ] = False,
    skip: Annotated[
        int,
        typer.Option(
            "--skip",
            min=0,
            max=1_000_000_000,
            metavar="N",
            help="Pass over so many ids of calls, given out since the backup.",
        ),
    ] = 10_000_000,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Put a backup in the place of the store, which is kept beside it; no gateway may run.

    What waited to be sent is held until you decide: yizhan message resend, yizhan message give-up. Mailings
    under way are stopped.
    """
    from yizhan.node.note import read_note
    from yizhan.store.restore import RestoreFailed, Wish, restore

    wish = Wish(file, actor(), time.time_ns() // 1_000_000, skip, send_again)
    try:
        done = restore(data, data / read_note(data).store_url.removeprefix("sqlite:"), wish)
    except RestoreFailed as error:
        raise Failed(str(error)) from error
    if json:
        show.print_json(asdict(done))
        return
    show.say(f"{done.file} is now {done.store}, schema {done.schema}; the next id is {done.next_submission}")
    if done.kept:
        show.say(f"the former store is {done.kept}")
    if done.held:
        show.say(f"{done.held} messages are held, for they may have been sent: yizhan message list --state uncertain")
    if done.stopped:
        show.say(f"{done.stopped} mailings were stopped, for more of them may have been sent")

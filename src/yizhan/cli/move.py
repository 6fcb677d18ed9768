"""``yizhan migrate-store``: from the embedded store to a server that nodes can share."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yizhan.cli import show
from yizhan.cli.link import Failed
from yizhan.cli.options import DEFAULT_DATA, AsJson, Data

if TYPE_CHECKING:
    from yizhan.store.move import Progress


def register(app: typer.Typer) -> None:
    """Add ``migrate-store`` to ``app``."""
    app.command("migrate-store")(migrate_store)


def migrate_store(
    to: Annotated[
        str,
        typer.Option("--to", metavar="URL", help="postgresql://USER@HOST/DATABASE, an empty one, past any pooler."),
    ],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="URL", help="sqlite:PATH, relative to the data directory; else the node's own."),
    ] = None,
    data: Data = DEFAULT_DATA,
    json: AsJson = False,
) -> None:
    """Move everything from SQLite to PostgreSQL and compare both; no gateway may run. Once more goes on where it was.

    The old store stays as it is. Afterwards set store.url.
    """
    from yizhan.node.note import read_note
    from yizhan.store.move import MoveFailed, move

    came_from = source or read_note(data).store_url
    if not came_from.startswith("sqlite:"):
        raise Failed(f"--from must be sqlite:PATH, not {came_from.partition(':')[0]}:")
    if not to.startswith(("postgresql://", "postgres://")):
        raise Failed("--to must be postgresql://USER@HOST/DATABASE")
    with show.make_progress(quiet=json) as bar:
        tasks: dict[str, Any] = {}

        def tell(progress: "Progress") -> None:
            if progress.table not in tasks:
                tasks[progress.table] = bar.add_task(progress.table, total=progress.of)
            bar.update(tasks[progress.table], completed=progress.rows)

        try:
            moved = move(data, data / came_from.removeprefix("sqlite:"), to, tell)
        except MoveFailed as error:
            raise Failed(str(error)) from error
    if json:
        show.print_json(asdict(moved))
    if moved.faults:
        raise Failed(f"the new store is not like the old one: {'; '.join(moved.faults)}")
    if not json:
        rows = ", ".join(f"{moved.rows[name]} {name}" for name in ("accounts", "submissions", "messages", "ledger"))
        show.say(f"moved and compared: {rows}; the ledger holds")
        show.say('now set [store] url = "postgresql://..." and start the gateway; the old store is still there')

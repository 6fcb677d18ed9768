"""Opening a store: the embedded file, or a server that several nodes share."""

from pathlib import Path

from yizhan.model.settings import StoreSettings
from yizhan.store.broken import Broken
from yizhan.store.database import Database
from yizhan.store.directory import Unusable
from yizhan.store.sqlite_file import SqliteFile


def open_store(data: Path, settings: StoreSettings, broken: Broken | None = None) -> Database:
    """The store that ``settings.url`` names, migrated and at work; ``data`` (made when missing) is locked.

    ``broken``: see ``Writer``. Raises Locked, Unusable, or ``store.migrate.SchemaTooNew``; nothing stays open.
    """
    if settings.url.startswith("sqlite:"):
        return SqliteFile(data, settings, broken)
    try:
        from yizhan.store.postgres_server import PostgresServer
    except ModuleNotFoundError as error:
        raise Unusable(
            f"store.url names PostgreSQL, and {error.name} is not installed: pip install yizhan[postgres]"
        ) from error
    return PostgresServer(data, settings)

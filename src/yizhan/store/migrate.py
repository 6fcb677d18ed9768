"""Bring a store to the schema of this program, forward only; refuse one that a newer program has written."""

from sqlalchemy import Connection, inspect, text

# The newest migration in ``migrations/versions``; a test holds it against Alembic's own head. Written here so that the
# usual start, with nothing to migrate, need not load Alembic.
HEAD = "0008"
# From this one on, what is old goes (``store.retention``).
PRUNES = "0005"


_MIGRATION_LOCK = 7_953_812


class SchemaTooNew(Exception):
    """The store was written by a newer program."""


def schema_of(connection: Connection) -> str | None:
    """The store's schema revision; None for an empty store."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def migrate(connection: Connection) -> None:
    """Apply what is missing, in one transaction. Raises SchemaTooNew for a revision that this program does not know."""
    with connection.begin():
        if connection.dialect.name == "postgresql":  # nodes that start at once
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}).close()
        current = schema_of(connection)
        if current == HEAD:
            return
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", "yizhan.store:migrations")
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        if current is not None and current not in known:
            raise SchemaTooNew(f"the store has schema {current}; this program knows {HEAD}: use the newer program")
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)

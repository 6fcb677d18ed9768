"""Bring a store to the schema of this program, forward only, in two phases (ADR 0019).

A migration that programs of the release before can live with comes *before* the new program works, while theirs still
does. One that they cannot live with comes *after* them: when the last of them has gone. A program works with its own
schema and with the one that is only waiting for that. What comes after leaves word in ``schema_floor`` of how old a
program may still be; anything newer than a program knows, above that, is nothing to it.
"""

from sqlalchemy import Connection, inspect, text

from yizhan.store.directory import Unusable
from yizhan.store.server_clock import server_now_ms

# The newest migration in ``migrations/versions``; a test holds it against Alembic's own head. Written here so that the
# usual start, with nothing to migrate, need not load Alembic.
HEAD = "0019"
# Those that wait until every node knows them.
AFTER: tuple[str, ...] = ("0018", "0019")
# From this one on, what is old goes (``store.retention``).
PRUNES = "0005"

_TELLS_FLOOR = "0008"  # from this one on, a store says which programs may work on it, and nodes which schema they know
_MIGRATION_LOCK = 7_953_812
# A node that was not seen for so long, by the server's clock, does not work any more. Twice the longest lease.
_GONE_MS = 600_000
_NEEDED = max(f"{number:04}" for number in range(1, int(HEAD) + 1) if f"{number:04}" not in AFTER)


class SchemaTooNew(Exception):
    """The store was written by a newer program, and this one cannot work with it."""


def schema_of(connection: Connection) -> str | None:
    """The store's schema revision; None for an empty store."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def is_too_new(connection: Connection, schema: str) -> bool:
    """Whether a store with this schema is nothing that this program may work on."""
    if schema <= HEAD:
        return False
    if not inspect(connection).has_table("schema_floor"):
        return True
    return str(connection.execute(text("SELECT revision FROM schema_floor")).scalar_one()) > HEAD


def migrate(connection: Connection) -> bool:
    """Apply what is missing, in one transaction, but for what older nodes still stand against: whether that was all.

    Raises SchemaTooNew, and Unusable when what older nodes stand against is needed.
    """
    with connection.begin():
        if connection.dialect.name == "postgresql":  # nodes that start at once
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")).close()
        current = schema_of(connection)
        if current == HEAD:
            return True
        if current is not None and current > HEAD:
            _check(connection, current)
            return True
        target = _reachable(connection, current)
        if target < _NEEDED:
            raise Unusable("nodes of an older release are at work on this store: stop them, or upgrade them first")
        if target != current:
            upgrade(connection, current, target)
        return target == HEAD


def hold(connection: Connection) -> None:
    """Nobody changes the schema before this node's transaction has ended. Raises SchemaTooNew, if it is that by now.

    So a node is either there to be heeded, or sees that it has come too late.
    """
    connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({_MIGRATION_LOCK})")).close()
    _check(connection, schema_of(connection) or HEAD)


def _check(connection: Connection, current: str) -> None:
    if is_too_new(connection, current):
        raise SchemaTooNew(f"the store has schema {current}; this program knows {HEAD}: use the newer program")


def is_blocked(connection: Connection) -> bool:
    """Whether something is missing that older nodes stand against."""
    return _reachable(connection, schema_of(connection)) != HEAD


def _reachable(connection: Connection, current: str | None) -> str:
    """The newest revision that nobody stands against who is at work."""
    if current is None:
        return HEAD
    for revision in AFTER:
        if revision > current and _known_to_all(connection, current) < revision:
            return f"{int(revision) - 1:04}"
    return HEAD


def _known_to_all(connection: Connection, current: str) -> str:
    """The newest revision that every node at work knows, as far as they tell: this program's own without any."""
    if connection.dialect.name == "sqlite" or not inspect(connection).has_table("nodes"):
        return HEAD  # nobody shares it
    known = "schema" if current >= _TELLS_FLOOR else f"'{current}'"
    oldest = text(f"SELECT min({known}) FROM nodes WHERE seen_at_ms > {server_now_ms(connection) - _GONE_MS}")
    return str(connection.execute(oldest).scalar_one() or HEAD)


def upgrade(connection: Connection, current: str | None, target: str) -> None:
    """Apply the migrations behind ``current`` up to ``target``, in the transaction that there is."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "yizhan.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, target)
    passed = [revision for revision in AFTER if (current or "") < revision <= target]
    if passed:
        connection.execute(text("UPDATE schema_floor SET revision = :floor"), {"floor": passed[-1]})

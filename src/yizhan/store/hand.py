"""The driver's own connection, by which verbs say their hot statements: the same words on either engine."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from yizhan.store.postgres import STATEMENTS, Copy, Rows, Statement, translated
from yizhan.store.sqlite import LOCK_MESSAGES

if TYPE_CHECKING:
    from psycopg import Connection as Driver
    from psycopg import RawCursor

_HAND = "hand"


def driver(connection: Connection) -> Any:
    """SQLite's own connection, or a ``Hand`` that does as it does."""
    if connection.dialect.name == "sqlite":
        return connection.connection.driver_connection
    known = connection.info
    if _HAND not in known:
        known[_HAND] = Hand(connection.connection.driver_connection)
    return known[_HAND]


def lock_messages(raw: Any, ids: Iterable[int]) -> None:
    """Nobody else changes these messages until the transaction has ended. An embedded store has one writer anyway."""
    if isinstance(raw, Hand) and (listed := list(ids)):
        raw.execute(LOCK_MESSAGES, (json.dumps(listed),))


def lock(raw: Any, what: str, *, shared: bool = False) -> bool:
    """Nobody else has the lock of that name until the transaction has ended, or only others that have it ``shared``.
    False for an embedded store, which has one writer anyway and no locks.
    """
    if not isinstance(raw, Hand):
        return False
    raw.execute(f"SELECT pg_advisory_xact_lock{'_shared' if shared else ''}(hashtextextended($1, 0))", (what,))
    return True


class Hand:
    """PostgreSQL behind the few methods of ``sqlite3.Connection`` that verbs use; statements come in SQLite's words."""

    def __init__(self, driver: Any) -> None:
        from psycopg import RawCursor  # an optional extra

        self.server: Driver[Any] = driver
        self._cursor = RawCursor

    def execute(self, text: str, values: Sequence[Any] = ()) -> "RawCursor[Any]":
        """One statement with its values; the cursor gives rows and ``rowcount``."""
        statement = _statement(text)
        if isinstance(statement, str):
            return self._new().execute(statement, values)
        return self.executemany(text, [values])

    def executemany(self, text: str, rows: Iterable[Sequence[Any]]) -> "RawCursor[Any]":
        """A statement for each of the rows."""
        cursor, statement, rows = self._new(), _statement(text), list(rows)
        if not rows:
            return cursor
        if isinstance(statement, Rows):
            cursor.execute(statement.text, statement.columns(rows))
        elif isinstance(statement, Copy):
            with cursor.copy(statement.text) as copy:
                for row in rows:
                    copy.write_row((*row, *statement.constants))
        else:
            cursor.executemany(statement, rows)
        return cursor

    def _new(self) -> "RawCursor[Any]":
        return self._cursor(self.server)


def _statement(text: str) -> Statement:
    known = STATEMENTS.get(text)
    if known is None:
        known = STATEMENTS[text] = translated(text)
    return known

"""Which failures of the database leave nobody able to say what is on the disk (ADR 0014)."""

import sqlite3
from collections.abc import Callable

from sqlalchemy.exc import DBAPIError

Broken = Callable[[BaseException], None]

# The low byte of SQLite's extended codes: reading, writing or syncing failed; the file is damaged; it is no database.
# A full disk is none of them: the transaction was rolled back before its end was written.
_BREAKING = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def leaves_doubt(error: BaseException) -> bool:
    """Whether after ``error`` a transaction may stand in the log although it was not committed, or the other way."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = getattr(cause, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _BREAKING

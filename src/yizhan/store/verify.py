"""Verify: whether a database file, a backup for example, is whole and its books hold. Only reads."""

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool

from yizhan.store.backup import open_to_read
from yizhan.store.ledger import verify_ledger
from yizhan.store.migrate import HEAD, PRUNES, is_too_new, schema_of

_COUNTED = ("accounts", "submissions", "messages", "ledger")


@dataclass(slots=True)
class FileCheck:
    """What was found; ``faults`` is empty when all is well."""

    file: str
    schema: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def verify_file(file: Path) -> FileCheck:
    """Read every page and row of ``file``: minutes for many millions of messages. What is wrong is told, not raised."""
    check = FileCheck(str(file))
    if not file.is_file():
        check.faults.append("there is no such file")
        return check
    engine = create_engine("sqlite+pysqlite://", poolclass=NullPool, creator=lambda: open_to_read(file))
    try:
        with engine.connect() as connection:
            _look(connection, check)
    except DatabaseError as error:
        check.faults.append(f"it cannot be read: {error.orig}")
    return check


def _look(connection: Connection, check: FileCheck) -> None:
    pages = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")]
    check.faults += [f"damaged: {found}" for found in pages if found != "ok"]
    check.schema = schema_of(connection)
    if check.schema is None:
        check.faults.append("it is no store of Yizhan")
    elif is_too_new(connection, check.schema):
        check.faults.append(f"schema {check.schema} is of a newer program; this one knows {HEAD}")
    elif not check.faults:
        for table in _COUNTED:
            check.rows[table] = int(connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one())
        check.faults += [
            f"the ledger does not hold: {fault}"
            for fault in verify_ledger(connection, prunes=check.schema >= PRUNES).faults
        ]

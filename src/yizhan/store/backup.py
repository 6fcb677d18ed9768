"""Backup: the whole database as one file, copied from one snapshot while everything else goes on."""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path


class BackupFailed(Exception):
    """No copy was made; the text says why."""


@dataclass(frozen=True, slots=True)
class BackupView:
    """A copy that was made and read back."""

    file: str
    bytes: int


def back_up(source: Path, file: Path) -> BackupView:
    """Copy the database ``source`` to ``file``, which must not exist; mode 0600, synced, checked. Raises BackupFailed.

    The source is read only, so the store still has one writing connection.
    """
    part = file.with_name(file.name + ".part")
    try:
        if file.exists():
            raise BackupFailed(f"{file} exists already; name another file or move it away")
        # O_EXCL: two backups to one file must not mix. 0600: it holds texts and numbers.
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise BackupFailed(f"{part}: {error.strerror}") from error
    try:
        _copy(source, part)
        sync(part)
        os.link(part, file)  # unlike a rename it never replaces
        sync(file.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{file}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return BackupView(str(file), file.stat().st_size)


def open_to_read(file: Path) -> sqlite3.Connection:
    """A connection of its own to a database file, which cannot write."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=10)


def _copy(source: Path, part: Path) -> None:
    with (
        closing(open_to_read(source)) as reading,
        closing(sqlite3.connect(part, isolation_level=None)) as writing,
    ):
        # One step is one snapshot: commits during it go on in the log and are not in the copy.
        reading.backup(writing)
        writing.execute("PRAGMA journal_mode = DELETE").close()  # one file, without a log beside it
        found = "; ".join(str(row[0]) for row in writing.execute("PRAGMA quick_check(20)"))
        if found != "ok":
            raise BackupFailed(f"the copy is damaged, and so is the store, probably: {found}")


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk when this returns. OSError when that failed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

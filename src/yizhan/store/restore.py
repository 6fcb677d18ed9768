"""Restore: a backup takes the place of the store, whole or not at all; what it replaces is kept beside it.

The copy is made ready under a name of its own, and one rename puts it in place: whoever is killed in between leaves the
former store or the new one.
"""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from yizhan.store import sqlite as sql
from yizhan.store.accept import client_id_of, read_counter
from yizhan.store.backup import BackupFailed, back_up, open_to_read, sync
from yizhan.store.directory import Locked, Unusable, lock_directory
from yizhan.store.hand import driver
from yizhan.store.mailings import stop_mailings
from yizhan.store.migrate import HEAD, SchemaTooNew, migrate
from yizhan.store.records import Action, note_action
from yizhan.store.schema import FIRST_MESSAGE_KEY
from yizhan.store.sqlite_file import engine_on
from yizhan.store.verify import verify_file

# A call has several messages, and messages' keys have all of 64 bits.
_MESSAGES_A_CALL = 100
_LOGS = ("-wal", "-shm")


class RestoreFailed(Exception):
    """The store is what it was; the text says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to restore, and how."""

    file: Path
    actor: str
    now_ms: int
    skip: int  # so many ids of calls are passed over, for those that were given out after the backup
    send_again: bool = False  # send what waits in the backup, though it may have been sent since; else hold it


@dataclass(frozen=True, slots=True)
class RestoreView:
    """What was done."""

    file: str
    store: str
    schema: str
    kept: str | None  # where the former store is now; None: there was none
    held: int  # messages that wait for an operator's word
    stopped: int  # mailings of which pieces may have been sent since
    next_submission: int  # the id that the next call will get


@dataclass(frozen=True, slots=True)
class _LastIds:
    """The last ids that a store has given out."""

    submission: int = 0
    message: int = FIRST_MESSAGE_KEY - 1
    push: int = 0


def restore(data: Path, store: Path, wish: Wish) -> RestoreView:
    """Put the backup ``wish.file`` in the place of ``store``, the database of the data directory ``data``.

    Raises RestoreFailed, also while a gateway runs. Takes as much disk as the backup has, and reads it several times.
    """
    copy = store.with_name(store.name + ".restoring")
    if wish.file.exists() and any(taken.exists() and taken.samefile(wish.file) for taken in (store, copy)):
        raise RestoreFailed(f"{wish.file} is the store itself, or what a restore has left: name a backup")
    _check(wish.file, "the backup is not restored")
    try:
        lock = lock_directory(data)
    except Locked as error:
        raise RestoreFailed(f"{error}: stop the gateway first") from error
    except (Unusable, OSError) as error:
        raise RestoreFailed(str(error)) from error
    try:
        _tidy(copy, store)
        back_up(wish.file, copy)
        held, stopped, last = _make_ready(copy, wish, _last_ids_of(store))
        _check(copy, "the copy is not put in place")
        kept = _put_in_place(copy, store, wish.now_ms)
    except (OSError, sqlite3.Error, DatabaseError, BackupFailed, SchemaTooNew) as error:
        raise RestoreFailed(f"{wish.file}: {error.orig if isinstance(error, DatabaseError) else error}") from error
    finally:
        _remove(copy)
        os.close(lock)
    kept_name = None if kept is None else str(kept)
    next_id = client_id_of(last.submission + 1)
    return RestoreView(str(wish.file), str(store), HEAD, kept_name, held, stopped, next_id)


def _check(file: Path, otherwise: str) -> None:
    if faults := verify_file(file).faults:
        raise RestoreFailed(f"{file}: {'; '.join(faults)}; {otherwise}")


def _tidy(copy: Path, store: Path) -> None:
    """Remove what a restore that was killed has left: its copy, and a second name of the store that is still in use."""
    _remove(copy)
    for kept in store.parent.glob(f"{store.name}.before-restore-*"):
        if store.exists() and kept.samefile(store):
            kept.unlink()


def _remove(copy: Path) -> None:
    for tail in ("", "-journal", *_LOGS):
        copy.with_name(copy.name + tail).unlink(missing_ok=True)
        copy.with_name(f"{copy.name}.part{tail}").unlink(missing_ok=True)


def _last_ids_of(store: Path) -> _LastIds:
    """What the former store has given out; nothing when it is damaged, which may be why it is replaced."""
    if not store.exists():
        return _LastIds()
    try:
        with closing(open_to_read(store)) as former:
            last = _read_last_ids(former)
    except sqlite3.Error:
        return _LastIds()  # and its log is not touched, for whoever wants to save something
    _fold_log(store)
    return last


def _fold_log(store: Path) -> None:
    """Bring what stands in the log into the database: one file then, which one rename can replace."""
    try:
        with closing(sqlite3.connect(store, isolation_level=None, timeout=1)) as former:
            mode = former.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        mode = ""
    if mode != "delete":
        raise RestoreFailed(f"another program has {store} open: close it first")


def _read_last_ids(raw: Any) -> _LastIds:
    return _LastIds(
        read_counter(raw, "submission"),
        read_counter(raw, "message", FIRST_MESSAGE_KEY - 1),
        int(raw.execute(sql.LAST_PUSH).fetchone()[0]),
    )


def _make_ready(copy: Path, wish: Wish, former: _LastIds) -> tuple[int, int, _LastIds]:
    """Bring the copy to this program's schema and to what has happened since: messages held, mailings stopped, and its
    last ids now.
    """
    engine = engine_on(copy, writes=True)
    try:
        with engine.connect() as connection:
            migrate(connection)
            with connection.begin():
                held = 0 if wish.send_again else driver(connection).execute(sql.HOLD_WAITING, (wish.now_ms,)).rowcount
                stopped = 0 if wish.send_again else stop_mailings(connection, wish.now_ms)
                last = _skip_ids(driver(connection), wish.skip, former)
                _note(connection, wish, held, stopped)
            driver(connection).execute("PRAGMA journal_mode = DELETE").close()  # one file, without a log beside it
    finally:
        engine.dispose()
    sync(copy)
    return held, stopped, last


def _skip_ids(raw: Any, skip: int, former: _LastIds) -> _LastIds:
    """No id that may have been given out after the backup is given out again."""
    own = _read_last_ids(raw)
    last = _LastIds(
        max(own.submission + skip, former.submission),
        max(own.message + skip * _MESSAGES_A_CALL, former.message),
        max(own.push + skip * _MESSAGES_A_CALL, former.push),
    )
    raw.execute(sql.WRITE_COUNTER, ("submission", last.submission))
    raw.execute(sql.WRITE_COUNTER, ("message", last.message))
    raw.execute(sql.FORGET_LAST_PUSH)
    raw.execute(sql.WRITE_LAST_PUSH, (last.push,))
    return last


def _note(connection: Connection, wish: Wish, held: int, stopped: int) -> None:
    after = f'{{"held": {held}, "stopped": {stopped}, "skip": {wish.skip}}}'
    note_action(connection, Action(wish.now_ms, wish.actor, "restore", wish.file.name, "{}", after))


def _put_in_place(copy: Path, store: Path, now_ms: int) -> Path | None:
    """One rename. The former store has a second name by then, and its log, if it is too damaged to be folded in, went
    along.
    """
    kept = None
    if store.exists():
        kept = _free_name(store, now_ms)
        os.link(store, kept)
        for tail in _LOGS:
            with suppress(FileNotFoundError):
                store.with_name(store.name + tail).rename(kept.with_name(kept.name + tail))
        sync(store.parent)
    copy.replace(store)
    sync(store.parent)
    return kept


def _free_name(store: Path, now_ms: int) -> Path:
    stamp = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    name = store.with_name(f"{store.name}.before-restore-{stamp}")
    count = 1
    while name.exists():
        count += 1
        name = store.with_name(f"{store.name}.before-restore-{stamp}-{count}")
    return name

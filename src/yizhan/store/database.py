"""The data directory: its lock, its database, its one writer and its readers."""

import asyncio
import fcntl
import os
import shutil
import stat
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool, QueuePool

from yizhan.model.settings import StoreSettings
from yizhan.store.backup import BackupView, back_up
from yizhan.store.committer import Broken, Committer, Turn
from yizhan.store.line import A, R, Verb
from yizhan.store.migrate import migrate

# What a verb works on; the name by which ``flow``, which knows no SQL, passes it along.
Session = Connection
WHOLE = "ok"  # what SQLite says of a database that it finds nothing wrong with


class Locked(Exception):
    """Another process works on this data directory."""


class Unusable(Exception):
    """The database cannot be opened or read: damaged, no database, no permission."""


class Database:
    """An open store: ``write`` goes through the committer, ``read`` through a small pool of read-only connections."""

    def __init__(self, data: Path, settings: StoreSettings, broken: Broken | None = None) -> None:
        """Lock ``data`` (made when missing), open and migrate the database, start the committer.

        ``broken``: see ``Committer``. Raises Locked, Unusable, or ``store.migrate.SchemaTooNew``; nothing stays open.
        """
        self.path = path = data / settings.url.removeprefix("sqlite:")
        with ExitStack() as undo:
            self._lock = lock_directory(data)
            undo.callback(os.close, self._lock)
            try:
                self._writer = engine_on(path, writes=True)
                self._connection = undo.enter_context(self._writer.connect())
                migrate(self._connection)
                self._readers = engine_on(path, writes=False, size=settings.readers)
            except DatabaseError as error:
                raise Unusable(f"{path}: {error.orig}") from error
            undo.pop_all()
        self._low_disk_bytes = settings.low_disk_bytes
        self._large_log_bytes = settings.large_log_bytes
        self._threads = ThreadPoolExecutor(settings.readers, thread_name_prefix="reader")
        self.committer = Committer(
            self._connection,
            batch_rows=settings.batch_rows,
            batch_ms=settings.batch_ms,
            max_waiting_rows=settings.max_waiting_rows,
            broken=broken,
        )
        self.committer.start()

    def write(self, turn: Turn, verb: Verb[A, R], argument: A, rows: int = 1, source: int = 0) -> "asyncio.Future[R]":
        """``verb`` in the next group commit. See ``Committer.run``."""
        return self.committer.run(turn, verb, argument, rows, source)

    async def change(self, act: Callable[[Connection], R]) -> R:
        """A cold change that no other call shares a statement with: ``act`` in the next group commit."""
        return await self.committer.run(Turn.CARE, _each, act)

    async def read(self, ask: Callable[[Connection], R]) -> R:
        """``ask`` in one read-only transaction, off the event loop; it sees everything committed before."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, ask)

    def _read(self, ask: Callable[[Connection], R]) -> R:
        with self._readers.connect() as connection, connection.begin():
            return ask(connection)

    async def integrity(self) -> str:
        """WHOLE, or what SQLite found wrong. Reads everything."""
        try:
            return await self.read(
                lambda session: "; ".join(session.exec_driver_sql("PRAGMA quick_check(20)").scalars())
            )
        except DatabaseError as error:
            return str(error.orig)

    def disk(self) -> tuple[int, bool]:
        """Free bytes where the database lies, and whether that is too little."""
        free_bytes = shutil.disk_usage(self.path.parent).free
        return free_bytes, free_bytes < self._low_disk_bytes

    def log(self) -> tuple[int, bool]:
        """Bytes of SQLite's log, and whether that is too much: somebody keeps it from being used anew."""
        try:
            size = self.path.with_name(self.path.name + "-wal").stat().st_size
        except FileNotFoundError:
            size = 0
        return size, 0 < self._large_log_bytes < size

    async def back_up(self, file: Path) -> BackupView:
        """Copy the database to ``file`` in a thread of its own, beside the readers. See ``backup.back_up``."""
        return await asyncio.to_thread(back_up, self.path, file)

    def close(self) -> None:
        """Commit what waits, close everything, release the lock. Blocks."""
        self.committer.close()
        self._threads.shutdown()
        self._readers.dispose()
        self._connection.close()
        self._writer.dispose()
        os.close(self._lock)


def _each(connection: Connection, acts: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    return [act(connection) for act in acts]


def lock_directory(data: Path) -> int:
    """Make ``data`` (mode 0700 when new) and take its lock: the open descriptor. Raises Locked or Unusable."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise Unusable(f"{data} is not a directory") from None
    if data.stat().st_mode & stat.S_IWOTH:
        raise Unusable(f"everybody may write in {data}, and so replace what is in it: chmod o-w it first")
    descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Locked(f"another yizhan works on {data}") from None
    return descriptor


def engine_on(path: Path, *, writes: bool, size: int = 1) -> Engine:
    """An engine whose connections begin transactions when SQLAlchemy says so, not when the driver thinks so."""
    if writes:
        # The database holds texts and numbers: for its owner only, whatever the umask.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=os.fspath(path)),  # a path may hold ? and %, a written URL may not
        hide_parameters=True,  # an error of SQLAlchemy's would quote numbers, texts and credentials
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 10},
        **({"poolclass": NullPool} if writes else {"poolclass": QueuePool, "pool_size": size, "max_overflow": 0}),
    )

    @event.listens_for(engine, "connect")
    def _set_up(driver: Any, _record: Any) -> None:
        if writes:
            driver.execute("PRAGMA journal_mode = WAL")
            driver.execute("PRAGMA synchronous = FULL")
            driver.execute("PRAGMA cache_size = -32768")
        else:
            driver.execute("PRAGMA query_only = ON")
        driver.execute("PRAGMA temp_store = MEMORY")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def driver(connection: Connection) -> Any:
    """The driver's own connection, for the hot statements."""
    return connection.connection.driver_connection

"""The embedded store: one SQLite file in the data directory, with its one writer and its readers."""

import asyncio
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import NullPool, QueuePool

from yizhan.model.settings import StoreSettings
from yizhan.store.backup import BackupView, back_up
from yizhan.store.broken import Broken
from yizhan.store.committer import Committer, Turn
from yizhan.store.database import Database
from yizhan.store.directory import Unusable, lock_directory
from yizhan.store.migrate import migrate
from yizhan.store.writer import Writer


class SqliteFile(Database):
    """The file, locked with its directory."""

    def __init__(self, data: Path, settings: StoreSettings, broken: Broken | None = None) -> None:
        """Lock ``data`` (made when missing), open and migrate the database, start the committer.

        ``broken``: see ``Writer``. Raises Locked, Unusable, or ``store.migrate.SchemaTooNew``; nothing stays open.
        """
        self._path = path = data / settings.url.removeprefix("sqlite:")
        with ExitStack() as undo:
            lock = lock_directory(data)
            undo.callback(os.close, lock)
            try:
                writer = engine_on(path, writes=True)
                connection = undo.enter_context(writer.connect())
                migrate(connection)
                readers = engine_on(path, writes=False, size=settings.readers)
            except DatabaseError as error:
                raise Unusable(f"{path}: {error.orig}") from error
            self._open = undo.pop_all()
        self._low_disk_bytes = settings.low_disk_bytes
        self._large_log_bytes = settings.large_log_bytes
        committer = Committer(
            Writer(connection, broken),
            batch_rows=settings.batch_rows,
            batch_ms=settings.batch_ms,
            max_waiting_rows=settings.max_waiting_rows,
        )
        super().__init__(dict.fromkeys(Turn, committer), readers, settings.readers)

    async def integrity(self) -> str:
        """WHOLE, or what SQLite found wrong. Reads everything."""
        try:
            return await self.read(
                lambda session: "; ".join(session.exec_driver_sql("PRAGMA quick_check(20)").scalars())
            )
        except DatabaseError as error:
            return str(error.orig)

    def disk(self) -> tuple[int | None, bool]:
        """Free bytes where the database lies, and whether that is too little."""
        free_bytes = shutil.disk_usage(self._path.parent).free
        return free_bytes, free_bytes < self._low_disk_bytes

    async def drop_old(self, before_ms: int) -> None:
        """There are no pieces in a file."""

    async def tend(self) -> None:
        """Nothing: a file that nobody shares is brought to its schema when it is opened."""

    def log(self) -> tuple[int | None, bool]:
        """Bytes of SQLite's log, and whether that is too much: somebody keeps it from being used anew."""
        try:
            size = self._path.with_name(self._path.name + "-wal").stat().st_size
        except FileNotFoundError:
            size = 0
        return size, 0 < self._large_log_bytes < size

    async def back_up(self, file: Path) -> BackupView:
        """Copy the database to ``file`` in a thread of its own, beside the readers. See ``backup.back_up``."""
        return await asyncio.to_thread(back_up, self._path, file)

    def close(self) -> None:
        """Commit what waits, close everything, release the lock. Blocks."""
        super().close()
        self._open.close()


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

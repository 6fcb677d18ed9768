"""The store on a PostgreSQL server, which several nodes may share."""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.string import StrDumperUnknown
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from yizhan.kit.log import get_logger
from yizhan.model.settings import StoreSettings
from yizhan.store.backup import BackupFailed, BackupView
from yizhan.store.committer import Committer, Turn
from yizhan.store.database import WHOLE, Database
from yizhan.store.directory import Unusable, lock_directory
from yizhan.store.migrate import migrate
from yizhan.store.writer import Away, Remedy, Writer

log = get_logger("store")

_CONNECT_S = 3
# What the server does with a session whose client has gone silent inside a transaction: its locks must not stay.
_SILENT_MS = 15_000
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.5
# While the server is away, work that comes is refused at once, and so often one connection is tried.
_TRY_EVERY_S = 0.5

# Nothing was kept, and the same may go through now: serialization failure, deadlock.
_AGAIN = frozenset({"40001", "40P01"})
# This connection is of no use any more: shut down, crashed, starting, or a server that only reads (after a fail-over).
_LOST = frozenset({"57P01", "57P02", "57P03", "25006"})


class _Text(StrDumperUnknown):
    """PostgreSQL cannot keep U+0000, SQLite can; it comes from carriers and handsets only, and means nothing."""

    def dump(self, obj: str) -> Any:
        """The text's bytes."""
        return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)


class PostgresServer(Database):
    """One node's connections to the server."""

    def __init__(self, data: Path, settings: StoreSettings) -> None:
        """Lock ``data``, this node's own directory, connect and migrate. Raises as ``opening.open_store`` says."""
        with ExitStack() as undo:
            lock = lock_directory(data)
            undo.callback(os.close, lock)
            try:
                writing = engine_on(settings.url, writes=True)
                with writing.connect() as connection:
                    migrate(connection)
                readers = engine_on(settings.url, writes=False, size=settings.readers)
            except DBAPIError as error:
                raise Unusable(f"PostgreSQL: {str(error.orig).strip()}") from error
            self._open = undo.pop_all()
        # Calls wait so long for a server that is away; a carrier's word waits until it is back, since nothing else can
        # be done with it. One verb a transaction: two that change the same accounts in another order would deadlock.
        calls = self._committer(writing, settings, "calls", settings.wait_s)
        carriage = self._committer(writing, settings, "carriage", float("inf"))
        of_turn = {Turn.ACCEPT: calls, Turn.BULK: calls, Turn.CARE: calls, Turn.CARRIAGE: carriage}
        super().__init__(of_turn, readers, settings.readers)

    def _committer(self, engine: Engine, settings: StoreSettings, name: str, patience_s: float) -> Committer:
        return Committer(
            PostgresWriter(engine, patience_s),
            batch_rows=settings.batch_rows,
            batch_ms=settings.batch_ms,
            max_waiting_rows=settings.max_waiting_rows,
            one_verb=True,
            name=name,
        )

    async def integrity(self) -> str:
        """Whether the server answers; what it stores is the server's own to check."""
        try:
            await self.read(lambda session: session.execute(text("SELECT 1")).close())
        except DBAPIError as error:
            return str(error.orig).strip()
        return WHOLE

    def disk(self) -> tuple[int | None, bool]:
        """Not known: the disk is the server's."""
        return None, False

    def log(self) -> tuple[int | None, bool]:
        """Not known: the log is the server's."""
        return None, False

    async def back_up(self, file: Path) -> BackupView:
        """Raises BackupFailed: a server has its own tools."""
        raise BackupFailed("the store is on PostgreSQL: use pg_dump, or archive its log (docs/manual/scaling.md)")

    def close(self) -> None:
        """Commit what waits, close everything, release the lock. Blocks."""
        super().close()
        self._open.close()


class PostgresWriter(Writer):
    """A connection that is made again when it was lost, and then asks what became of its last transaction."""

    def __init__(self, engine: Engine, patience_s: float) -> None:
        """``patience_s``: how long work waits for a server that is away."""
        self._engine = engine
        self._patience_s = patience_s
        self._closing = threading.Event()
        self._try_at_s = 0.0
        self._known_away = False
        self._connection: Connection | None = None
        self._driver: Any = None  # of the last transaction, with its number
        self._xid: str | None = None

    @property
    def connection(self) -> Connection:  # type: ignore[override]
        """The connection there is."""
        if self._connection is None:
            raise Away("there is no connection to PostgreSQL")
        return self._connection

    @contextmanager
    def begin(self) -> Iterator[None]:
        """A transaction, on a new connection when there is none."""
        if self._connection is None:
            self._connect()
        self._xid = None
        with self.connection.begin():
            self._driver, self._xid = self.connection.info["driver"], self.connection.info["xid"]
            yield

    def _connect(self) -> None:
        now_s = time.monotonic()
        if self._known_away and now_s < self._try_at_s:
            raise Away("PostgreSQL is away")
        try:
            self._connection = self._engine.connect()
        except DBAPIError as error:
            self._try_at_s = time.monotonic() + _TRY_EVERY_S
            raise Away(f"PostgreSQL is away: {str(error.orig).strip()}") from error
        if self._known_away:
            log.info("PostgreSQL is back")
        self._known_away = False

    def judge(self, error: Exception) -> Remedy:
        """A deadlock: again. A lost connection: what the server says of the transaction, once it is back."""
        if isinstance(error, Away):
            return self._wait_for_server(None)
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlstate", None)
        if code in _AGAIN:
            return Remedy.AGAIN
        if code not in _LOST and not self._is_lost():
            return Remedy.ALONE
        log.warning("the connection to PostgreSQL was lost", error=str(cause).strip())
        self._drop()
        return self._wait_for_server(self._xid)

    def _is_lost(self) -> bool:
        return self._connection is None or self._connection.invalidated or self._driver is None or self._driver.closed

    def _drop(self) -> None:
        """Forget the connection."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.invalidate()
            with suppress(Exception):
                connection.close()

    def _wait_for_server(self, xid: str | None) -> Remedy:
        if self._known_away:
            return Remedy.AWAY  # whoever came first has waited for all
        begun_s, pause_s = time.monotonic(), _FIRST_PAUSE_S
        while not self._closing.is_set():
            try:
                if self._connection is None:
                    self._connect()
                fate = None if xid is None else self._fate(xid)
            except (Away, DBAPIError):
                self._drop()
                fate = "in progress"
            if fate != "in progress":
                return Remedy.DONE if fate == "committed" else Remedy.AGAIN
            if time.monotonic() + pause_s - begun_s > self._patience_s:
                break
            self._closing.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self._known_away = self._connection is None
        log.error("PostgreSQL is away", waited_s=round(time.monotonic() - begun_s, 1))
        if xid is not None:
            log.error("nobody knows whether a transaction was committed", transaction=xid)
        return Remedy.AWAY

    def _fate(self, xid: str) -> str | None:
        """What became of a transaction; one that the server still holds for the lost connection is ended."""
        with self.connection.begin():
            self.connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE backend_xid = (CAST(:xid AS numeric) % 4294967296)::text::xid AND pid <> pg_backend_pid()"
                ),
                {"xid": xid},
            ).close()
            query = text("SELECT pg_xact_status(CAST(:xid AS xid8))")
            fate: str | None = self.connection.execute(query, {"xid": xid}).scalar_one()
            return fate

    def hurry(self) -> None:
        """Wait no longer."""
        self._closing.set()

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()


def engine_on(url: str, *, writes: bool, size: int = 1) -> Engine:
    """An engine whose connections begin transactions when SQLAlchemy says so. ``url``: as libpq reads it."""

    def connect() -> Any:
        driver = psycopg.connect(
            url,
            autocommit=True,
            application_name="yizhan",
            connect_timeout=_CONNECT_S,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=_SILENT_MS,
        )
        driver.adapters.register_dumper(str, _Text)
        driver.execute(f"SET idle_in_transaction_session_timeout = {_SILENT_MS}")
        # Whoever is answered has it on the disk, whatever the server's default is.
        driver.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
        )
        return driver

    engine = create_engine(
        "postgresql+psycopg://",
        creator=connect,
        hide_parameters=True,  # an error of SQLAlchemy's would quote numbers, texts and credentials
        **(
            {"poolclass": NullPool}
            if writes
            else {"poolclass": QueuePool, "pool_size": size, "max_overflow": 0, "pool_pre_ping": True}
        ),
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        if writes:
            # The transaction's number tells afterwards what became of it, if the connection is lost with its answer.
            cursor = driver.execute("BEGIN; SELECT pg_current_xact_id()::text")
            cursor.nextset()
            connection.info["xid"], connection.info["driver"] = cursor.fetchone()[0], driver
        else:
            driver.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    return engine

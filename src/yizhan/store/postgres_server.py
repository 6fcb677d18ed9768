"""The store on a PostgreSQL server, which several nodes may share."""

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

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
from yizhan.store.hint import Hint
from yizhan.store.listener import listen
from yizhan.store.migrate import is_blocked, migrate
from yizhan.store.partitions import attach_index, build_index, drop_empty, empty_old, extend, is_partitioned
from yizhan.store.replica import Replica, Unfit
from yizhan.store.writer import Away, Remedy, Writer, one_line

log = get_logger("store")

R = TypeVar("R")

_CONNECT_S = 3
# What the server does with a session whose client has gone silent inside a transaction: its locks must not stay.
_SILENT_MS = 15_000
# A beat comes again soon: it had better not wait for long.
_BEAT_LOCK_MS = 500
# What changes tables must not keep others waiting behind it; it comes again.
_TEND_LOCK_MS = 300
_TEND_TRIES, _TEND_PAUSE_S = 5, 0.5
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.02, 0.5
# While the server is away, work that comes is refused at once, and so often one connection is tried.
_TRY_EVERY_S = 0.5

# Nothing was kept, and the same may go through now: serialization failure, deadlock.
_AGAIN = frozenset({"40001", "40P01"})
# A lock was not to be had in time.
_LOCKED_OUT = "55P03"
# A row for which no piece of its table is there.
_NO_PIECE = "23514"
# This connection is of no use any more: shut down, crashed, starting, or a server that only reads (after a fail-over).
_LOST = frozenset({"57P01", "57P02", "57P03", "25006"})


_ON_READERS = {
    "idle_in_transaction_session_timeout": str(_SILENT_MS),
    # What is asked often is small, and compiling it takes longer than all else.
    "jit": "off",
}
_ON_WRITERS = {
    **_ON_READERS,
    # Every hot statement has its index. A plan that was made while a table was empty would read all of it, and prepared
    # statements keep their plans until somebody analyzes.
    "enable_seqscan": "off",
}
_SYNCED = (
    # Whoever is answered has it on the disk, whatever the server's default is.
    "SELECT set_config('synchronous_commit', 'on', {local})"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)
_WHICH = text("SELECT system_identifier, current_database(), current_schema() FROM pg_control_system()")
_NOW_MS = "CAST(extract(epoch FROM now()) * 1000 AS bigint)"
_AT = f"at_ms = {_NOW_MS}"
_FORGOTTEN_MS = 30 * 24 * 3600 * 1000
_FIRST = "first"  # what the next transaction of a connection says first


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
            self._direct = settings.direct_url or settings.url
            try:
                pooled = settings.url != self._direct
                writing = engine_on(self._direct, writes=True)
                with writing.connect() as connection:
                    self._complete = migrate(connection)
                    _extend(connection, settings.partition_rows)
                    readers = engine_on(settings.url, writes=False, size=settings.readers, pooled=pooled)
                    undo.callback(readers.dispose)
                    if pooled:
                        _compare(connection, readers)
            except DBAPIError as error:
                raise Unusable(f"PostgreSQL: {one_line(error)}") from error
            self._open = undo.pop_all()
        self._writing = writing
        self._partition_rows = settings.partition_rows
        self._upgrade_wait_s = settings.upgrade_wait_s
        self._alone_since_s: float | None = None  # since when no older node was seen
        self._replica: Replica | None = None
        if settings.replica_url:
            searching = engine_on(settings.replica_url, writes=False, size=settings.readers)
            self._replica = Replica(searching, settings.replica_max_lag_s, settings.readers)
        self._sessions = f"yizhan {secrets.token_hex(8)}"
        # Calls wait so long for a server that is away; a carrier's word waits until it is back, since nothing else can
        # be done with it. One verb a transaction: two that change the same accounts in another order would deadlock.
        calls = self._committer(settings, settings.url, "calls", settings.wait_s)
        carriage = self._committer(settings, settings.url, "carriage", float("inf"))
        # A beat must not wait until a pooler has a connection for it.
        beats = self._committer(settings, self._direct, "beats", 0, lock_ms=_BEAT_LOCK_MS)
        of_turn = dict.fromkeys(Turn, calls) | {Turn.CARRIAGE: carriage, Turn.BEAT: beats}
        super().__init__(of_turn, readers, settings.readers)

    def _committer(
        self, settings: StoreSettings, url: str, name: str, patience_s: float, lock_ms: int = 0
    ) -> Committer:
        session = f"{self._sessions} {name}"
        engine = engine_on(url, writes=True, pooled=url != self._direct, session=session, lock_ms=lock_ms)
        return Committer(
            PostgresWriter(engine, session, settings.partition_rows, patience_s),
            batch_rows=settings.batch_rows,
            batch_ms=settings.batch_ms,
            max_waiting_rows=settings.max_waiting_rows,
            one_verb=True,
            name=name,
        )

    @property
    def shared(self) -> bool:
        """Nodes share it by berths."""
        return True

    @property
    def sessions(self) -> str:
        """How they begin."""
        return self._sessions

    async def change(self, act: Callable[[Connection], R]) -> R:
        """As everywhere; searches see it."""
        changed = await super().change(act)
        if self._replica is not None:
            self._replica.note_change()
        return changed

    async def search(self, ask: Callable[[Connection], R]) -> R:
        """Asked of the replica, if that is there and not too far behind."""
        if self._replica is not None:
            with suppress(Unfit):
                return await self._replica.search(ask)
        return await self.read(ask)

    async def replica(self) -> str | None:
        """WHOLE, or why searches go to the server; None without a replica."""
        return None if self._replica is None else await self._replica.state()

    async def tell(self, hint: Hint, said: str) -> None:
        """By NOTIFY, in a transaction that writes nothing: the lock that it takes is held for no disk."""
        notify = text("SELECT pg_notify(:hint, :said)").bindparams(hint=hint.value, said=said)
        await self.read(lambda session: session.execute(notify).close())

    async def listen(self, hear: Callable[[Hint, str], None]) -> None:
        """By LISTEN, past a pooler."""
        await listen(self._direct, f"{self._sessions} listens", hear)

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

    async def drop_old(self, before_ms: int) -> int | None:
        """Piece by piece, on a connection of its own; what somebody keeps locked goes another time."""
        return await asyncio.to_thread(self._drop_old, before_ms)

    def _drop_old(self, before_ms: int) -> int | None:
        with self._tending() as connection:
            with connection.begin():
                if not is_partitioned(connection):
                    return None
            submissions = 0
            while any(gone := self._when_free(connection, partial(empty_old, before_ms=before_ms)) or (0, 0)):
                submissions += gone[1]
            return submissions

    def _when_free(self, connection: Connection, act: Callable[[Connection], R]) -> R | None:
        """``act`` in a transaction of its own; None: somebody keeps locked what it needs, again and again."""
        for _ in range(_TEND_TRIES):
            try:
                with connection.begin():
                    return act(connection)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) != _LOCKED_OUT:
                    raise
            time.sleep(_TEND_PAUSE_S)
        log.info("old rows stay for now: somebody reads them", tries=_TEND_TRIES)
        return None

    async def tend(self) -> None:
        """Migrations that have waited for older nodes to go; pieces of tables that will be needed, and empty ones."""
        await asyncio.to_thread(self._tend)

    def _tend(self) -> None:
        with self._tending() as connection:
            if not self._complete:
                self._upgrade(connection)
            _extend(connection, self._partition_rows)
            self._when_free(connection, drop_empty)
            self._add_indexes(connection)

    def _add_indexes(self, connection: Connection) -> None:
        """Those that a migration has left to be built. One that readers keep from its place waits for another time."""
        while built := build_index(connection):
            connection.exec_driver_sql(f"SET lock_timeout = {_TEND_LOCK_MS}").close()
            connection.commit()
            if not self._when_free(connection, partial(attach_index, index=built[0], own=built[1])):
                break
            log.info("a piece has an index more", index=built[1])

    def _upgrade(self, connection: Connection) -> None:
        """What comes after older nodes, once none of them was there for long enough: an upgrade may be taken back."""
        with connection.begin():
            blocked = is_blocked(connection)
        now_s = time.monotonic()
        if blocked or self._alone_since_s is None:
            self._alone_since_s = None if blocked else now_s
        elif now_s - self._alone_since_s >= self._upgrade_wait_s:
            self._complete = migrate(connection)
            log.info("the schema is complete")

    @contextmanager
    def _tending(self) -> Iterator[Connection]:
        """A connection that does not keep others waiting behind it for long."""
        with self._writing.connect() as connection:
            connection.exec_driver_sql(f"SET lock_timeout = {_TEND_LOCK_MS}").close()
            connection.commit()
            yield connection

    def close(self) -> None:
        """Commit what waits, close everything, release the lock. Blocks."""
        super().close()
        if self._replica is not None:
            self._replica.close()
        self._open.close()


def _extend(connection: Connection, rows: int) -> int:
    with connection.begin():
        return extend(connection, rows) if is_partitioned(connection) else 0


class PostgresWriter(Writer):
    """A connection that is made again when it was lost, and then asks what became of its last transaction."""

    def __init__(self, engine: Engine, session: str, partition_rows: int, patience_s: float) -> None:
        """``session``: what the engine's transactions are called at the server; ``patience_s``: how long work waits for
        a server that is away.
        """
        self._session = session
        self._partition_rows = partition_rows
        self._engine = engine
        self._patience_s = patience_s
        self._closing = threading.Event()
        self._try_at_s = 0.0
        self._known_away = False
        self._connection: Connection | None = None
        self._driver: Any = None  # of the connection
        self._id: int | None = None  # of the writer's row in ``marks``
        self._mark = 0  # of the last transaction that was begun

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
        self._mark += 1
        connection = self.connection
        connection.info[_FIRST] = f"UPDATE marks SET mark = {self._mark}, {_AT} WHERE id = {self._id}"
        with connection.begin():
            yield

    def _connect(self) -> None:
        now_s = time.monotonic()
        if self._known_away and now_s < self._try_at_s:
            raise Away("PostgreSQL is away")
        try:
            self._connection = self._engine.connect()
            self._driver = self._connection.connection.driver_connection
            if self._id is None:
                self._sign()
        except (DBAPIError, psycopg.Error) as error:
            self._drop()
            self._try_at_s = time.monotonic() + _TRY_EVERY_S
            raise Away(f"PostgreSQL is away: {one_line(error)}") from error
        if self._known_away:
            log.info("PostgreSQL is back")
        self._known_away = False

    def _sign(self) -> None:
        """Make the writer's row."""
        with self.connection.begin():
            self._driver.execute(f"DELETE FROM marks WHERE at_ms < {_NOW_MS} - {_FORGOTTEN_MS}")
            made = self._driver.execute(f"INSERT INTO marks (mark, at_ms) VALUES (0, {_NOW_MS}) RETURNING id")
            sign = int(made.fetchone()[0])
        self._id = sign

    def judge(self, error: Exception) -> Remedy:
        """A deadlock: again. A lost connection: what the server says of the transaction, once it is back."""
        if isinstance(error, Away):
            return self._wait_for_server(None)
        cause = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(cause, "sqlstate", None)
        if code in _AGAIN or (code == _NO_PIECE and self._makes_room()):
            return Remedy.AGAIN
        if code not in _LOST and not self._is_lost():
            return Remedy.ALONE
        log.warning("the connection to PostgreSQL was lost", error=one_line(error))
        self._drop()
        return self._wait_for_server(self._mark)

    def _makes_room(self) -> bool:
        """Nobody has tended the store for long: pieces of tables for the newest keys, if they were missing."""
        try:
            return _extend(self.connection, self._partition_rows) > 0
        except (DBAPIError, psycopg.Error) as error:
            log.warning("no room for new rows could be made", error=one_line(error))
            return False

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

    def _wait_for_server(self, mark: int | None) -> Remedy:
        if self._known_away:
            return Remedy.AWAY  # whoever came first has waited for all
        begun_s, pause_s = time.monotonic(), _FIRST_PAUSE_S
        while not self._closing.is_set():
            try:
                if self._connection is None:
                    self._connect()
                return Remedy.DONE if mark is not None and self._stands(mark) else Remedy.AGAIN
            except (Away, DBAPIError, psycopg.Error):
                self._drop()
            if time.monotonic() + pause_s - begun_s > self._patience_s:
                break
            self._closing.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        self._known_away = True
        log.error("PostgreSQL is away", waited_s=round(time.monotonic() - begun_s, 1))
        if mark is not None:
            log.error("nobody knows whether the last transaction was committed", writer=self._id, mark=mark)
        return Remedy.AWAY

    def _stands(self, mark: int) -> bool:
        """Whether a transaction was committed; if the server still has it for the lost connection, that is ended."""
        self._driver.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE application_name = '{self._session}' AND pid <> pg_backend_pid()"
        )
        row = self._driver.execute(f"SELECT mark FROM marks WHERE id = {self._id} FOR UPDATE").fetchone()
        return row is not None and int(row[0]) == mark

    def hurry(self) -> None:
        """Wait no longer."""
        self._closing.set()

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.close()


def engine_on(
    url: str, *, writes: bool, size: int = 1, pooled: bool = False, session: str = "yizhan", lock_ms: int = 0
) -> Engine:
    """An engine whose connections begin transactions when SQLAlchemy says so. ``url``: as libpq reads it.

    ``pooled``: it leads to a pooler that may give each transaction another session of the server: what must hold is
    said with each BEGIN then, in the same message. ``session``: the name under which the server shows what is done;
    ``lock_ms``: how long to wait for what another session has locked (0: until it is free).
    """
    begin = "BEGIN" if writes else "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
    holds = _holds("LOCAL" if pooled else "SESSION", writes, session, lock_ms)
    if pooled:
        begin = "; ".join([begin, *holds])

    def connect() -> Any:
        driver = psycopg.connect(
            url,
            autocommit=True,
            # A pooler names its sessions after whom they were lent to last, which must not look like a transaction.
            application_name="yizhan" if pooled else session,
            prepare_threshold=None if pooled else 5,
            connect_timeout=_CONNECT_S,
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
            tcp_user_timeout=_SILENT_MS,
        )
        driver.adapters.register_dumper(str, _Text)
        if not pooled:
            driver.execute("; ".join(holds))
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
        # A writer leaves its mark in the same message.
        driver.execute("; ".join([begin, connection.info.get(_FIRST, "")]))

    return engine


def _holds(scope: str, writes: bool, session: str, lock_ms: int) -> list[str]:
    """What is said to the server so that it holds for a SESSION, or for a transaction (LOCAL)."""
    values = {**(_ON_WRITERS if writes else _ON_READERS), "lock_timeout": str(lock_ms), "application_name": session}
    said = [f"SET {scope} {name} = '{value}'" for name, value in values.items()]
    return [*said, _SYNCED.format(local=scope == "LOCAL")] if writes else said


def _compare(direct: Connection, readers: Engine) -> None:
    """Raises Unusable when the two ways lead to different databases."""
    with readers.connect() as pooled, pooled.begin(), direct.begin():
        if pooled.execute(_WHICH).one() != direct.execute(_WHICH).one():
            raise Unusable("store.url and store.direct_url lead to different databases")

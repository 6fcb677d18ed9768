"""A store at work, whatever keeps it: what is written goes through committers, what is asked through readers."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from yizhan.store.backup import BackupView
from yizhan.store.committer import Committer, Turn
from yizhan.store.line import A, R, Verb

# What a verb works on; the name by which ``flow``, which knows no SQL, passes it along.
Session = Connection
WHOLE = "ok"  # of a database in which nothing is found wrong


class Database(ABC):
    """An open store: ``write`` goes through a committer, ``read`` through a small pool of read-only connections."""

    def __init__(self, committers: Mapping[Turn, Committer], readers: Engine, threads: int) -> None:
        """``committers``: who does the work of each turn; they are started here, and closed by ``close``."""
        self._committer_of = committers
        self._committers = list(dict.fromkeys(committers.values()))
        self._readers = readers
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="reader")
        for committer in self._committers:
            committer.start()

    @property
    def shared(self) -> bool:
        """Whether other nodes may work on it at the same time."""
        return False

    @property
    def sessions(self) -> str:
        """How the sessions of this store's writers are called at the server, if there is one."""
        return ""

    def write(self, turn: Turn, verb: Verb[A, R], argument: A, rows: int = 1, source: int = 0) -> "asyncio.Future[R]":
        """``verb`` in the next group commit. See ``Committer.run``."""
        return self._committer_of[turn].run(turn, verb, argument, rows, source)

    async def change(self, act: Callable[[Connection], R]) -> R:
        """A cold change that no other call shares a statement with: ``act`` in the next group commit."""
        return await self.write(Turn.CARE, _each, act)

    async def read(self, ask: Callable[[Connection], R]) -> R:
        """``ask`` in one read-only transaction, off the event loop; it sees everything committed before."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, ask)

    def _read(self, ask: Callable[[Connection], R]) -> R:
        with self._readers.connect() as connection, connection.begin():
            return ask(connection)

    def committed(self) -> tuple[int, int]:
        """Commits, and calls that they held, since the store was opened."""
        return sum(one.commits for one in self._committers), sum(one.calls for one in self._committers)

    @abstractmethod
    async def integrity(self) -> str:
        """WHOLE, or what was found wrong with the database as such."""

    @abstractmethod
    def disk(self) -> tuple[int | None, bool]:
        """Free bytes where the database lies (None: not known here), and whether that is too little."""

    @abstractmethod
    def log(self) -> tuple[int | None, bool]:
        """Bytes of the database's log (None: not known here), and whether that is too much."""

    @abstractmethod
    async def back_up(self, file: Path) -> BackupView:
        """Copy the store to ``file``. Raises ``backup.BackupFailed``."""

    @abstractmethod
    async def drop_old(self, before_ms: int) -> int | None:
        """Let messages that ended before a moment go in large pieces, and their submissions: how many submissions.

        None: the store has no such pieces, and all go one by one (``retention``).
        """

    @abstractmethod
    async def tend(self) -> None:
        """What a store needs done now and then, by one of the nodes that share it."""

    def finish(self) -> None:
        """Commit what waits, and take no more: what is written from now on raises ``Closed``. Blocks."""
        for committer in self._committers:
            committer.close()

    def close(self) -> None:
        """``finish``, and give everything back. Blocks."""
        self.finish()
        self._threads.shutdown()
        self._readers.dispose()


def _each(connection: Connection, acts: Sequence[Callable[[Connection], Any]]) -> list[Any]:
    return [act(connection) for act in acts]

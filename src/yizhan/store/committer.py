"""Group commit: one thread, one writing connection, all waiting work in one transaction, one fsync for all of it.

SQLite before 3.51.3 can corrupt a WAL database that two connections write or checkpoint at once: this is the only one.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from itertools import groupby

from yizhan.kit.log import get_logger
from yizhan.store.line import A, Job, Line, R, Verb
from yizhan.store.writer import Away, Remedy, Writer

log = get_logger("store")


class Turn(IntEnum):
    """Who waits; they are served in turns, so that no kind of work starves another."""

    ACCEPT = 0  # calls of a few numbers
    BULK = 1  # calls of many
    CARRIAGE = 2  # claims and settlements
    CARE = 3  # everything else
    BEAT = 4  # that a node is there


class Overloaded(Exception):
    """More rows wait than ``store.max_waiting_rows`` allows; nothing of this work was kept."""


class Closed(Exception):
    """The committer no longer takes work."""


class Committer:
    """Runs verbs on a writer's connection in its own thread; a future is resolved only after its commit returned."""

    # Rows of one verb before another kind of work gets its turn inside the same transaction.
    CHUNK_ROWS = 512
    # So often work is done again that nothing was wrong with: a deadlock with another node, a connection that was lost.
    _TRIES = 100
    # A transaction that holds calls of a few numbers ends so soon behind them: somebody waits for each.
    SOON_S = 0.001

    def __init__(
        self,
        writer: Writer,
        *,
        batch_rows: int,
        batch_ms: float,
        max_waiting_rows: int,
        one_verb: bool = False,
        name: str = "committer",
    ) -> None:
        """``one_verb``: a transaction holds the work of one verb only, up to ``batch_rows`` of it."""
        self._writer = writer
        self._one_verb = one_verb
        self._chunk_rows = batch_rows if one_verb else self.CHUNK_ROWS
        self._batch_rows = batch_rows
        self._batch_s = batch_ms / 1000
        self._max_waiting_rows = max_waiting_rows
        self._lines = tuple(Line() for _ in Turn)
        self._waiting_rows = 0
        self._next_turn = 0
        self._wake = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self.commits = 0
        self.calls = 0

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def close(self) -> None:
        """Finish what waits, then end the thread. Blocks."""
        self._writer.hurry()
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join()

    def run(self, turn: Turn, verb: Verb[A, R], argument: A, rows: int = 1, source: int = 0) -> "asyncio.Future[R]":
        """Queue ``verb(connection, [argument, ...])``; await the future for its result. Call from the event loop.

        Sources, accounts for example, take turns; the work of one source is done in its order. Raises Overloaded past
        the bound, Closed after ``close``.
        """
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        with self._wake:
            if self._closing:
                raise Closed
            if self._waiting_rows + rows > self._max_waiting_rows and self._waiting_rows:
                raise Overloaded
            self._waiting_rows += rows
            self._lines[turn].put(source, Job(verb, argument, rows, future))
            self._wake.notify()
        return future

    def _work(self) -> None:
        while self._wait():
            batch: list[Job] = []
            error = self._transact(lambda: self._run_batch(batch))  # noqa: B023  called at once
            if error is not None:
                # Not even BEGIN went through: who waits must hear of it, and the thread must not spin.
                batch = batch or self._take_chunk()[1]
                self._save(batch, error)
            self.commits += 1
            self.calls += len(batch)
            _resolve(batch)
        self._writer.close()

    def _transact(self, run: Callable[[], None]) -> Exception | None:
        """``run`` in a transaction; what went wrong."""
        try:
            with self._writer.begin():
                run()
        except Exception as error:
            return error
        return None

    def _wait(self) -> bool:
        with self._wake:
            while not any(self._lines):
                if self._closing:
                    return False
                self._wake.wait()
        return True

    def _run_batch(self, batch: list[Job]) -> None:
        """Chunks in turns until nothing waits, the rows are enough or the time is up. ``batch`` is what was taken."""
        rows, end_s = 0, time.perf_counter() + self._batch_s
        while rows < self._batch_rows and any(self._lines):
            turn, chunk = self._take_chunk()
            batch.extend(chunk)
            results = chunk[0].verb(self._writer.connection, [job.argument for job in chunk])
            for job, result in zip(chunk, results, strict=True):
                job.result = result
            rows += sum(job.rows for job in chunk)
            if turn is Turn.ACCEPT:
                end_s = min(end_s, time.perf_counter() + self.SOON_S)
            if self._one_verb or time.perf_counter() >= end_s:
                break

    def _take_chunk(self) -> tuple[Turn, list[Job]]:
        """Jobs of one verb from the next line that has any; one must have some."""
        with self._wake:
            turns = (Turn((self._next_turn + step) % len(Turn)) for step in range(len(Turn)))
            turn = next(turn for turn in turns if self._lines[turn])
            self._next_turn = turn + 1
            chunk = self._lines[turn].take(self._chunk_rows)
            self._waiting_rows -= sum(job.rows for job in chunk)
        return turn, chunk

    def _save(self, batch: list[Job], error: Exception) -> None:
        """After a transaction that failed: what its work comes to."""
        remedy = self._writer.judge(error)
        for _ in range(self._TRIES):
            if remedy is not Remedy.AGAIN:
                break
            again = self._transact(lambda: self._run_again(batch))
            if again is None:
                return
            error, remedy = again, self._writer.judge(again)
        if remedy is Remedy.DONE:
            return
        if remedy is Remedy.AWAY and not isinstance(error, Away):
            error = Away(f"the database is away: {error}")
        if remedy is Remedy.AWAY or len(batch) == 1:
            for job in batch:
                job.error = error
            return
        log.warning("a batch was rolled back, its calls run one by one", calls=len(batch), error=repr(error))
        self._run_alone(batch)

    def _run_again(self, batch: list[Job]) -> None:
        for verb, group in groupby(batch, key=lambda job: job.verb):
            jobs = list(group)
            results = verb(self._writer.connection, [job.argument for job in jobs])
            for job, result in zip(jobs, results, strict=True):
                job.result = result

    def _run_alone(self, batch: list[Job]) -> None:
        """Each job in a transaction of its own, so that only the guilty one fails."""
        for job in batch:
            error = self._transact(lambda: self._run_again([job]))  # noqa: B023  called at once
            if error is not None:
                self._save([job], error)


def _resolve(batch: list[Job]) -> None:
    """Hand all results over with one wake-up per event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in batch:
        by_loop.setdefault(job.future.get_loop(), []).append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_set_results, jobs)
        except RuntimeError:
            log.warning("nobody waits any more", calls=len(jobs))


def _set_results(jobs: list[Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is not None:
            job.future.set_exception(job.error)
        else:
            job.future.set_result(job.result)

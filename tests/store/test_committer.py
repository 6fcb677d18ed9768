"""Group commit: one transaction for all that waits, results only after it, each failure its own."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, event, text

from yizhan.model.settings import StoreSettings
from yizhan.store.accept import accept
from yizhan.store.committer import Closed, Committer, Overloaded, Turn
from yizhan.store.lists import count_keywords
from yizhan.store.writer import Writer

from .rows import Store, admitted, on_sqlite


class Poison(Exception):
    """What a bad job does."""


def write_words(connection: Connection, words: Sequence[str]) -> list[int]:
    """Insert keywords; the word ``poison`` fails after it was written."""
    lengths = []
    for word in words:
        connection.execute(text("INSERT INTO keywords VALUES (:word, 0)"), {"word": word})
        if word == "poison":
            raise Poison(word)
        lengths.append(len(word))
    return lengths


def words_in(store: Store) -> set[str]:
    """What is committed."""
    return {row[0] for row in store.rows("SELECT word FROM keywords")}


@contextmanager
def held(store: Store) -> Iterator[None]:
    """The committer's thread is busy while this lasts, so that work piles up behind it."""
    busy, free = threading.Event(), threading.Event()

    def hold(_: Connection, arguments: Sequence[None]) -> Sequence[None]:
        busy.set()
        free.wait(10)
        return arguments

    async def begin() -> "asyncio.Future[None]":
        return store.database.write(Turn.CARE, hold, None)

    done = store.runner.run(begin())
    assert busy.wait(10)
    try:
        yield
    finally:
        free.set()
        store.runner.run(asyncio.wait_for(done, 10))


def test_many_calls_few_commits(store: Store) -> None:
    account = store.account(credit_milli=1_000_000)
    before, _ = store.database.committed()
    answers = store.do(accept, *[admitted(account)] * 1_000, turn=Turn.ACCEPT)
    commits = store.database.committed()[0] - before
    assert len(set(answers)) == 1_000 and store.balance(account) == 0
    assert commits <= 100, commits


def test_a_result_means_committed(store: Store) -> None:
    async def watch() -> None:
        for number in range(20):
            await store.database.write(Turn.CARE, write_words, f"word {number}")
            assert await store.database.read(count_keywords) == number + 1, "read through another connection"

    store.runner.run(watch())


def test_one_poisoned_job_fails_alone(store: Store) -> None:
    async def together() -> list[int | BaseException]:
        jobs = [store.database.write(Turn.CARE, write_words, word) for word in ("a", "poison", "bb", "ccc")]
        return await asyncio.gather(*jobs, return_exceptions=True)

    with held(store):
        waiting = store.runner.get_loop().create_task(together())
        store.runner.run(asyncio.sleep(0))
    results = store.runner.run(asyncio.wait_for(waiting, 10))
    assert [r if isinstance(r, int) else type(r) for r in results] == [1, Poison, 2, 3]
    assert words_in(store) == {"a", "bb", "ccc"}


def test_a_failed_job_leaves_nothing_and_the_next_one_works(store: Store) -> None:
    with pytest.raises(Poison):
        store.do(write_words, "poison")
    assert words_in(store) == set()
    assert store.do(write_words, "fine") == [4]


def test_a_verb_that_loses_a_result_is_an_error(store: Store) -> None:
    def forgetful(_: Connection, arguments: Sequence[int]) -> Sequence[int]:
        return arguments[1:]

    with pytest.raises(ValueError, match="shorter"):
        store.do(forgetful, 1)


@on_sqlite
def test_kinds_of_work_take_turns(store: Store) -> None:
    order: list[Turn] = []

    def note(_: Connection, turns: Sequence[Turn]) -> Sequence[Turn]:
        order.extend(turns)
        return turns

    async def pile_up() -> None:
        jobs = [store.database.write(Turn.ACCEPT, note, Turn.ACCEPT, rows=Committer.CHUNK_ROWS) for _ in range(6)]
        jobs += [store.database.write(turn, note, turn) for turn in (Turn.CARRIAGE, Turn.CARE)]
        await asyncio.gather(*jobs)

    with held(store):
        waiting = store.runner.get_loop().create_task(pile_up())
        store.runner.run(asyncio.sleep(0))
    store.runner.run(asyncio.wait_for(waiting, 10))
    assert sorted(order) == [Turn.ACCEPT] * 6 + [Turn.CARRIAGE, Turn.CARE]
    assert {Turn.CARRIAGE, Turn.CARE} <= set(order[:4]), order


def test_who_waits_for_one_number_does_not_wait_for_all_that_a_commit_could_collect(tmp_path: Path) -> None:
    def work(_: Connection, turns: Sequence[Turn]) -> Sequence[Turn]:
        time.sleep(2 * Committer.SOON_S)
        return turns

    def commits_for(*turns: Turn) -> int:
        async def pile_up() -> None:
            await asyncio.gather(*(store.database.write(turn, work, turn, Committer.CHUNK_ROWS) for turn in turns))

        before, _ = store.database.committed()
        with held(store):
            waiting = store.runner.get_loop().create_task(pile_up())
            store.runner.run(asyncio.sleep(0))
        store.runner.run(asyncio.wait_for(waiting, 10))
        return store.database.committed()[0] - before

    store = Store(tmp_path / "patient", StoreSettings(batch_ms=1_000, batch_rows=1_000_000))
    assert commits_for(*[Turn.BULK] * 9) == 1
    assert commits_for(Turn.ACCEPT, *[Turn.BULK] * 9) == 2
    store.close()


def test_overloaded_past_the_bound(tmp_path: Path, settings: StoreSettings) -> None:
    store = Store(tmp_path, settings.model_copy(update={"max_waiting_rows": 10}))

    async def fill() -> list["asyncio.Future[int]"]:
        jobs = [store.database.write(Turn.CARE, write_words, f"w{number}", rows=5) for number in range(2)]
        with pytest.raises(Overloaded):
            store.database.write(Turn.CARE, write_words, "too much")
        return jobs

    with held(store):
        jobs = store.runner.run(fill())
    for job in jobs:
        store.runner.run(asyncio.wait_for(job, 10))
    assert words_in(store) == {"w0", "w1"}

    async def one_large() -> int:
        return await store.database.write(Turn.CARE, write_words, "large", rows=11)

    assert store.runner.run(one_large()) == 5, "work larger than the bound goes when nothing else waits"
    store.close()


def test_close_finishes_what_waits_and_takes_no_more(tmp_path: Path, settings: StoreSettings) -> None:
    store = Store(tmp_path, settings)

    async def begin() -> list["asyncio.Future[int]"]:
        return [store.database.write(Turn.CARE, write_words, f"w{number}") for number in range(50)]

    jobs = store.runner.run(begin())
    store.database.finish()
    assert [store.runner.run(asyncio.wait_for(job, 10)) for job in jobs] == [2] * 10 + [3] * 40
    with pytest.raises(Closed):
        store.do(write_words, "late")
    assert len(words_in(store)) == 50
    store.close()


def test_a_caller_that_went_away_harms_nobody(store: Store) -> None:
    async def leave() -> int:
        gone = store.database.write(Turn.CARE, write_words, "gone")
        stays = store.database.write(Turn.CARE, write_words, "stays")
        gone.cancel()
        return await stays

    assert store.runner.run(leave()) == 5
    assert words_in(store) == {"gone", "stays"}


def impatient_engine(path: Path) -> Engine:
    """A writing engine that waits 50 ms for a lock."""
    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 0.05},
    )
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def test_when_no_transaction_can_begin_the_callers_hear_of_it(tmp_path: Path) -> None:
    engine = impatient_engine(tmp_path / "x.db")
    connection = engine.connect()
    with connection.begin():
        connection.execute(text("CREATE TABLE keywords (word TEXT, created_at_ms INTEGER)"))
    committer = Committer(Writer(connection), batch_rows=10, batch_ms=1, max_waiting_rows=10)
    committer.start()
    intruder = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")

    async def call() -> list[int | BaseException]:
        jobs = [committer.run(Turn.CARE, write_words, word) for word in ("a", "b")]
        return await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 5)

    results = asyncio.run(call())
    assert [str(result).count("locked") for result in results] == [1, 1]
    intruder.execute("ROLLBACK")
    assert asyncio.run(call()) == [1, 1], "afterwards it works again"
    intruder.close()
    committer.close()
    connection.close()
    engine.dispose()


def test_sources_take_turns_and_each_keeps_its_order(store: Store) -> None:
    order: list[str] = []

    def note(_: Connection, names: Sequence[str]) -> Sequence[str]:
        order.extend(names)
        return names

    async def pile_up() -> None:
        flood = [
            store.database.write(Turn.ACCEPT, note, f"flood {n}", Committer.CHUNK_ROWS, source=1) for n in range(9)
        ]
        others = [store.database.write(Turn.ACCEPT, note, f"other {n}", source=2) for n in range(3)]
        await asyncio.gather(*flood, *others)

    with held(store):
        waiting = store.runner.get_loop().create_task(pile_up())
        store.runner.run(asyncio.sleep(0))
    store.runner.run(asyncio.wait_for(waiting, 10))
    assert [name for name in order if "flood" in name] == [f"flood {n}" for n in range(9)]
    assert [name for name in order if "other" in name] == [f"other {n}" for n in range(3)]
    assert order.index("other 0") == 1 and order.index("other 2") <= 6, order

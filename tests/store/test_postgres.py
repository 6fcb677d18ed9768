"""A server may go away, restart, or choose a victim of a deadlock: nothing is lost, nothing is done twice."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from postgres import Cluster, Pooler
from yizhan.model.carriage import Reply
from yizhan.model.settings import StoreSettings
from yizhan.store.accept import accept
from yizhan.store.committer import Turn
from yizhan.store.directory import Unusable
from yizhan.store.hand import driver
from yizhan.store.opening import open_store
from yizhan.store.replies import Arrived, store_replies
from yizhan.store.writer import Away

from .rows import Store, admitted

WAIT_S = 0.5


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A server that the test may stop."""
    with Cluster() as running:
        yield running


@pytest.fixture(params=["direct", "pgbouncer"])
def through(request: pytest.FixtureRequest) -> Pooler | None:
    """What is between the store and the cluster."""
    pooler: Pooler | None = request.getfixturevalue("pooler") if request.param == "pgbouncer" else None
    return pooler


@contextmanager
def opened(
    cluster: Cluster, tmp_path: Path, wait_s: float = 30, through: Pooler | None = None
) -> Iterator[tuple[Store, str]]:
    """A store on it, and its address."""
    url = cluster.new_store()
    ways = (through.before(url), url) if through else (url, "")
    store = Store(tmp_path / "data", StoreSettings(url=ways[0], direct_url=ways[1], wait_s=wait_s))
    try:
        yield store, url
    finally:
        store.close()


def add_one(connection: Connection, amounts: Sequence[int]) -> Sequence[int]:
    """Not idempotent: what is done twice is seen."""
    for amount in amounts:
        connection.execute(text("UPDATE accounts SET balance_milli = balance_milli + :a"), {"a": amount}).close()
    return amounts


def end_others(url: str) -> None:
    """Every connection to the database is cut by the server."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_connections_that_are_cut(cluster: Cluster, tmp_path: Path, through: Pooler | None) -> None:
    """In the middle of commits: each piece of work is done once, and everybody hears that it was."""
    with opened(cluster, tmp_path, through=through) as (store, url):
        account, stop = store.account(), threading.Event()

        def cut() -> None:
            while not stop.wait(0.05):
                end_others(url)

        async def work() -> int:
            done = 0
            for _ in range(200):
                turns = (Turn.CARE, Turn.CARRIAGE)
                done += sum(await asyncio.gather(*(store.database.write(turn, add_one, 1) for turn in turns * 3)))
            return done

        cutter = threading.Thread(target=cut)
        cutter.start()
        try:
            done = store.runner.run(work())
        finally:
            stop.set()
            cutter.join()
        assert done == 1_200 and store.balance(account) == 1_200


def test_a_commit_whose_answer_was_lost(cluster: Cluster, tmp_path: Path, through: Pooler | None) -> None:
    """The server has committed and the connection is gone: the work is not done again."""
    with opened(cluster, tmp_path, through=through) as (store, _):
        account = store.account()
        cuts: list[int] = []

        def commit_and_lose(connection: Connection, amounts: Sequence[int]) -> Sequence[int]:
            add_one(connection, amounts)
            server = driver(connection).server
            if not cuts:
                cuts.append(server.pgconn.backend_pid)
                server.execute("COMMIT")
                server.close()
            return amounts

        assert store.do(commit_and_lose, 5) == [5]
        assert len(cuts) == 1 and store.balance(account) == 5


def test_work_whose_connection_is_lost_before_its_commit_is_done_again(
    cluster: Cluster, tmp_path: Path, through: Pooler | None
) -> None:
    with opened(cluster, tmp_path, through=through) as (store, _):
        account = store.account()
        tries: list[int] = []

        def lose(connection: Connection, amounts: Sequence[int]) -> Sequence[int]:
            add_one(connection, amounts)
            tries.append(len(amounts))
            if len(tries) == 1:
                driver(connection).server.close()
            return amounts

        assert store.do(lose, 5) == [5]
        assert tries == [1, 1] and store.balance(account) == 5


def test_a_server_that_restarts(server: Cluster, tmp_path: Path) -> None:
    with opened(server, tmp_path) as (store, _):
        account = store.account(credit_milli=100_000)
        assert store.do(accept, admitted(account)) == [100_000_000]
        server.stop()
        server.start()
        assert store.do(accept, admitted(account), turn=Turn.ACCEPT) == [100_000_001]
        assert store.do(add_one, 0, turn=Turn.CARRIAGE) == [0]
        assert store.balance(account) == 98_000 and store.faults() == []


def test_a_pooler_that_restarts(cluster: Cluster, tmp_path: Path) -> None:
    """At any moment of a commit: each piece of work is done once, and everybody hears that it was."""
    with Pooler(cluster) as pooler, opened(cluster, tmp_path, through=pooler) as (store, _):
        account = store.account()

        async def work() -> int:
            done = 0
            for pause_ms in range(20):
                turns = (Turn.CARE, Turn.CARRIAGE)
                work = [store.database.write(turn, add_one, 1, rows=1_000) for turn in turns * 20]
                await asyncio.sleep(pause_ms / 1_000)
                pooler.stop()
                pooler.start()
                done += sum(await asyncio.gather(*work))
            return done

        assert store.runner.run(work()) == 800 == store.balance(account)


def test_a_server_that_restarts_behind_a_pooler(server: Cluster, tmp_path: Path) -> None:
    with Pooler(server) as pooler, opened(server, tmp_path, through=pooler) as (store, _):
        account = store.account()
        assert store.do(add_one, 1) == [1]
        server.stop()
        server.start()
        assert store.do(add_one, 2, turn=Turn.ACCEPT) == store.do(add_one, 2, turn=Turn.CARRIAGE) == [2]
        assert store.balance(account) == 5


def test_what_is_said_for_a_transaction_ends_with_it(cluster: Cluster, pooler: Pooler, tmp_path: Path) -> None:
    """Through a pooler, others get the same sessions."""
    show = "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)"
    ours = {"enable_seqscan": "off", "idle_in_transaction_session_timeout": "15000", "jit": "off"}
    with opened(cluster, tmp_path, through=pooler) as (store, url):
        sessions = store.database.sessions

        def look(connection: Connection) -> dict[str, str]:
            names = [*ours, "application_name"]
            return dict(driver(connection).server.execute(show, (names,)).fetchall())

        assert store.act(look) == {**ours, "application_name": f"{sessions} calls"}
        assert store.ask(look) == {**ours, "application_name": "yizhan", "enable_seqscan": "on"}
        with psycopg.connect(pooler.before(url), autocommit=True) as other:
            found: dict[str, str] = dict(other.execute(show, (list(ours),)).fetchall())
        with psycopg.connect(url) as fresh:
            assert found == dict(fresh.execute(show, (list(ours),)).fetchall()) != ours


def test_two_ways_to_different_databases(cluster: Cluster, pooler: Pooler, tmp_path: Path) -> None:
    urls = cluster.new_store(), cluster.new_store()
    with pytest.raises(Unusable, match="different databases"):
        open_store(tmp_path, StoreSettings(url=pooler.before(urls[0]), direct_url=urls[1]))


def test_a_server_that_is_away_is_said_in_time_and_used_when_it_is_back(server: Cluster, tmp_path: Path) -> None:
    with opened(server, tmp_path, wait_s=WAIT_S) as (store, _):
        account = store.account(credit_milli=100_000)
        server.stop()

        async def carriage() -> int:
            return await store.database.write(Turn.CARRIAGE, add_one, 7)

        waiting = store.runner.get_loop().create_task(carriage())
        begun_s = time.monotonic()
        with pytest.raises(Away):
            store.do(accept, admitted(account), turn=Turn.ACCEPT)
        assert time.monotonic() - begun_s < WAIT_S + 5
        begun_s = time.monotonic()
        for _ in range(50):
            with pytest.raises(Away):
                store.do(accept, admitted(account), turn=Turn.ACCEPT)
        assert time.monotonic() - begun_s < 50 * WAIT_S / 2, "nobody waits for a server that is known to be away"
        with pytest.raises(Exception, match=r"refused|terminat|closed"):
            store.balance(account)
        assert not waiting.done(), "a carrier's word waits"
        server.start()
        assert store.runner.run(asyncio.wait_for(waiting, 30)) == 7
        deadline = time.monotonic() + 30
        answer = None
        while answer is None and time.monotonic() < deadline:
            try:
                answer = store.do(accept, admitted(account), turn=Turn.ACCEPT)
            except Away:
                time.sleep(0.05)
        assert answer == [100_000_000]
        assert store.balance(account) == 99_007


def test_a_store_closes_while_its_server_is_away(server: Cluster, tmp_path: Path) -> None:
    with opened(server, tmp_path) as (store, _):
        server.stop()

        async def begin() -> "asyncio.Future[int]":
            return store.database.write(Turn.CARRIAGE, add_one, 1)

        waiting = store.runner.run(begin())
        store.database.finish()
        with pytest.raises(Away):
            store.runner.run(asyncio.wait_for(waiting, 10))


def test_a_deadlock_is_nobodys_failure(cluster: Cluster, tmp_path: Path) -> None:
    """Somebody else holds the second account and wants the first."""
    with opened(cluster, tmp_path) as (store, url):
        one, two = store.account("C1"), store.account("C2")
        holds, wants = threading.Event(), threading.Event()
        update = "UPDATE accounts SET balance_milli = balance_milli + 1 WHERE id = :id"

        def cross(connection: Connection, arguments: Sequence[int]) -> Sequence[int]:
            connection.execute(text(update), {"id": one}).close()
            wants.set()
            holds.wait(10)
            connection.execute(text(update), {"id": two}).close()
            return arguments

        def other() -> None:
            with psycopg.connect(url) as connection:
                connection.execute("UPDATE accounts SET balance_milli = balance_milli + 10 WHERE id = %s", (two,))
                wants.wait(10)
                holds.set()
                connection.execute("UPDATE accounts SET balance_milli = balance_milli + 10 WHERE id = %s", (one,))

        rival = threading.Thread(target=_until_through, args=(other,))
        rival.start()
        assert store.do(cross, 1) == [1]
        rival.join(30)
        assert (store.balance(one), store.balance(two)) == (11, 11)


def _until_through(act: object) -> None:
    assert callable(act)
    while True:
        try:
            act()
        except psycopg.errors.DeadlockDetected:
            continue
        return


def test_a_text_with_what_the_server_cannot_keep(cluster: Cluster, tmp_path: Path) -> None:
    with opened(cluster, tmp_path) as (store, _):
        account = store.account()
        reply = Reply("+8613800000000", "1069", "a\0b", 5)
        store.do(store_replies, [Arrived("sim", reply, account, "", ())])
        assert store.value("SELECT text FROM replies") == "a\ufffdb"


def test_what_is_answered_is_on_the_disk_whatever_the_server_would_rather_do(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_store()
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")  # type: ignore[call-overload, unused-ignore]
    store = Store(tmp_path, StoreSettings(url=url))
    try:
        assert store.act(lambda session: session.execute(text("SHOW synchronous_commit")).scalar_one()) == "on"
    finally:
        store.close()

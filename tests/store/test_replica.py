"""Searches are asked of a replica, as long as it follows; nothing else is, and whatever it lacks the server answers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs

from postgres import Cluster
from yizhan.model.settings import StoreSettings
from yizhan.store.database import WHOLE

from .rows import Store

R = TypeVar("R")

ANY_LAG_S = 3_600.0


@pytest.fixture(scope="module")
def primary() -> Iterator[Cluster]:
    """A server that may have standbys."""
    with Cluster() as running:
        yield running


@pytest.fixture(scope="module")
def standby(primary: Cluster) -> Iterator[Cluster]:
    """One that follows it."""
    with primary.standby() as running:
        yield running


@pytest.fixture
def own_standby(primary: Cluster) -> Iterator[Cluster]:
    """One that will not be what it was."""
    with primary.standby() as running:
        yield running


@pytest.fixture
def url(primary: Cluster) -> str:
    """A store without a row."""
    return primary.new_store()


@pytest.fixture
def other(url: str, tmp_path: Path) -> Iterator[Store]:
    """Another node of the store; it has no replica."""
    store = Store(tmp_path / "other", StoreSettings(url=url))
    yield store
    store.close()


@contextmanager
def searching(url: str, standby: Cluster, tmp_path: Path, max_lag_s: float = ANY_LAG_S) -> Iterator[Store]:
    """A node that asks the standby, which has the store by now."""
    replica_url = standby.url(url.rpartition("/")[2])
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE TABLE here ()")
    patiently(lambda: rows(replica_url, "SELECT count(*) FROM here"))
    settings = StoreSettings(url=url, replica_url=replica_url, replica_max_lag_s=max_lag_s)
    store = Store(tmp_path / "searching", settings)
    try:
        yield store
    finally:
        store.close()


def patiently(look: Callable[[], object], patience_s: float = 20) -> None:
    """Until ``look()`` neither fails nor is false."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            if look():
                return
        except psycopg.Error:
            pass
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.05)


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    """From the server itself."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload, no-any-return, unused-ignore]


def on_replica(connection: Connection) -> bool:
    """Who answers."""
    return bool(connection.execute(text("SELECT pg_is_in_recovery()")).scalar_one())


def accounts(connection: Connection) -> int:
    """How many there are."""
    return int(connection.execute(text("SELECT count(*) FROM accounts")).scalar_one())


def search(store: Store, question: Callable[[Connection], R]) -> R:
    """What operators look for."""
    return store.runner.run(store.database.search(question))


def state(store: Store) -> str | None:
    """What ``yizhan doctor`` says of the replica."""
    return store.runner.run(store.database.replica())


def test_searches_are_answered_by_the_replica(url: str, standby: Cluster, other: Store, tmp_path: Path) -> None:
    with searching(url, standby, tmp_path) as store:
        assert search(store, on_replica) is True and state(store) == WHOLE
        assert store.ask(on_replica) is False
        with standby.paused():
            other.account("C1")
            assert search(store, accounts) == 0, "it does not know yet"
            assert store.ask(accounts) == 1, "whatever decides sees everything"
        patiently(lambda: search(store, accounts) == 1)
        assert state(other) is None and search(other, accounts) == 1
        with pytest.raises(DBAPIError, match="read-only"):
            search(store, lambda session: session.execute(text("DELETE FROM accounts")))


def test_an_operator_sees_what_he_has_changed(url: str, standby: Cluster, tmp_path: Path) -> None:
    lag_s = 2.0
    with searching(url, standby, tmp_path, lag_s) as store, standby.paused():
        store.account("C1")
        changed_s = time.monotonic()
        while time.monotonic() < changed_s + 1.5 * lag_s:
            assert search(store, accounts) == 1


def test_a_replica_that_is_far_behind_is_not_asked(url: str, standby: Cluster, other: Store, tmp_path: Path) -> None:
    with searching(url, standby, tmp_path, 1.0) as store:

        def asked() -> bool:
            other.act(lambda _: None)  # a beat
            return search(store, on_replica) is True

        patiently(asked)
        with standby.paused():
            other.account("C1")
            patiently(lambda: search(store, on_replica) is False)
            assert search(store, accounts) == 1
            assert "behind" in str(state(store))
        patiently(asked)
        assert state(store) == WHOLE


def test_a_replica_that_hears_nothing_any_more_is_not_asked(
    url: str, own_standby: Cluster, other: Store, tmp_path: Path
) -> None:
    """It has replayed all that it has received, and yet it is behind."""
    with searching(url, own_standby, tmp_path, 1.0) as store:
        own_standby.tell("ALTER SYSTEM SET primary_conninfo = ''")
        own_standby.tell("SELECT pg_reload_conf()")
        patiently(lambda: not rows(own_standby.url("postgres"), "TABLE pg_stat_wal_receiver"))
        other.account("C1")
        patiently(lambda: "behind" in str(state(store)))
        assert search(store, accounts) == 1


def test_a_replica_that_stops_and_comes_back(url: str, own_standby: Cluster, other: Store, tmp_path: Path) -> None:
    with searching(url, own_standby, tmp_path) as store, capture_logs() as said:
        assert search(store, on_replica) is True
        own_standby.stop()
        for _ in range(5):
            assert search(store, on_replica) is False
        assert state(store) not in (None, WHOLE)
        own_standby.start()
        other.act(lambda _: None)  # what it replays tells how far it is
        patiently(lambda: search(store, on_replica) is True)
        assert [one["event"] for one in said if "searches" in one["event"]] == [
            "searches go to the server, not to the replica",
            "searches go to the replica again",
        ]


def test_a_replica_that_became_a_server_is_not_asked(url: str, own_standby: Cluster, tmp_path: Path) -> None:
    with searching(url, own_standby, tmp_path) as store:
        assert search(store, on_replica) is True
        own_standby.tell("SELECT pg_promote()")
        with psycopg.connect(own_standby.url(url.rpartition("/")[2]), autocommit=True) as stray:
            stray.execute("DROP TABLE accounts CASCADE")
        assert search(store, accounts) == 0
        assert state(store) == "it is no replica"


def test_a_search_that_is_in_the_way_of_replaying_is_asked_of_the_server(
    url: str, own_standby: Cluster, tmp_path: Path
) -> None:
    own_standby.tell("ALTER SYSTEM SET max_standby_streaming_delay = 0")
    own_standby.tell("SELECT pg_reload_conf()")
    asked: list[bool] = []

    def look_long(connection: Connection) -> int:
        asked.append(on_replica(connection))
        found = accounts(connection)
        if asked[-1]:
            with psycopg.connect(url, autocommit=True) as admin:
                admin.execute("BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE; COMMIT")
            connection.execute(text("SELECT pg_sleep(20)")).close()
        return found

    with searching(url, own_standby, tmp_path) as store:
        assert search(store, look_long) == 0
        assert asked == [True, False]
        assert "conflict with recovery" in str(state(store))
        patiently(lambda: search(store, on_replica) is True)

"""Pieces of PostgreSQL's large tables: there before they are needed, gone whole when all they hold is old."""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from postgres import Cluster
from yizhan.model.message import State
from yizhan.model.settings import RefundRule, StoreSettings
from yizhan.store.accept import accept
from yizhan.store.migrate import HEAD, schema_of, upgrade
from yizhan.store.partitions import is_partitioned, pieces
from yizhan.store.postgres_server import engine_on
from yizhan.store.settle import give_up

from .rows import Store, admitted, recipient

ROWS = 20  # of a piece
OLD_MS, CUTOFF_MS, NEW_MS = 1_500, 2_000, 3_000


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """A store whose first pieces are full."""
    made = cluster.new_store()
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute("SELECT setval('submission_keys', 2000000), setval('message_keys', 10002000000)")
    yield made
    cluster.drop(made)


@pytest.fixture
def store(url: str, tmp_path: Path) -> Iterator[Store]:
    """Its further pieces are small."""
    opened = Store(tmp_path, small(url))
    yield opened
    opened.close()


def small(url: str) -> StoreSettings:
    """Smaller pieces than anybody may configure."""
    return StoreSettings(url=url).model_copy(update={"partition_rows": ROWS})


def tend(store: Store) -> None:
    """As the node on duty does."""
    store.runner.run(store.database.tend())


def drop_old(store: Store) -> int | None:
    """As the pruner does."""
    return store.runner.run(store.database.drop_old(CUTOFF_MS))


def take(store: Store, account: int, calls: int) -> None:
    """Calls of two numbers each."""
    for _ in range(calls):
        store.do(accept, admitted(account, recipient("+8613800000000"), recipient("+8613800000001")))


def end_all(store: Store, at_ms: int = OLD_MS) -> None:
    """Every tenth has failed and was paid back, the others were delivered."""
    for (message,) in store.rows("SELECT id FROM messages WHERE finished_at_ms IS NULL AND id % 10 = 0"):
        store.act(partial(give_up, message_ids=[message], at_ms=at_ms, rule=RefundRule.FAILED))
    store.sql(
        "UPDATE messages SET state = :state, finished_at_ms = :at, due_at_ms = NULL WHERE finished_at_ms IS NULL",
        state=int(State.DELIVERED),
        at=at_ms,
    )


def names(store: Store, table: str) -> list[str]:
    """Of its pieces."""
    return [piece.name for piece in store.ask(lambda session: pieces(session, table))]


def count(store: Store, table: str) -> int:
    """Its rows."""
    rows: int = store.value(f"SELECT count(*) FROM {table}")
    return rows


def test_pieces_are_there_before_keys_need_them(store: Store) -> None:
    account = store.account(credit_milli=1_000_000)
    end = store.ask(lambda session: pieces(session, "messages"))[-1].high
    for _ in range(6):
        take(store, account, 5)
        tend(store)
    assert count(store, "messages") == 60
    assert store.ask(lambda session: pieces(session, "messages"))[-1].high == end + 60
    assert [name.replace("messages", "parts") for name in names(store, "messages")] == names(store, "parts")
    bounds = store.ask(lambda session: pieces(session, "messages"))
    assert all(one.high == behind.low for one, behind in pairwise(bounds))
    assert store.faults() == []


def test_keys_that_leap_ahead_do_not_make_thousands_of_pieces(store: Store) -> None:
    account = store.account(credit_milli=1_000_000)
    store.set_counter("message", 10_002_000_000 + 3_000 * ROWS)
    assert len(names(store, "messages")) < 60
    take(store, account, 5)
    assert count(store, "messages") == 10 and store.faults() == []


def test_a_call_beyond_the_last_piece_makes_room_itself(store: Store) -> None:
    """Nobody has tended the store for long."""
    account = store.account(credit_milli=1_000_000)
    before = len(names(store, "messages"))
    take(store, account, 40)
    assert count(store, "messages") == 80 and len(names(store, "messages")) > before
    assert store.faults() == [] and store.balance(account) == 1_000_000 - 80_000


def test_what_is_old_goes_in_pieces_and_the_books_hold(store: Store) -> None:
    account, other = store.account(credit_milli=1_000_000), store.account("C2", credit_milli=1_000_000)
    for _ in range(6):
        take(store, account, 5)
        take(store, other, 5)
        tend(store)
    store.sql(
        "INSERT INTO parts (message_id, attempt, part, channel, state, word, answered_at_ms)"
        " SELECT id, 1, 1, 'c', 10, '', 1 FROM messages"
    )
    end_all(store)
    balances = store.balance(account), store.balance(other)
    rows, before = count(store, "messages"), names(store, "messages")
    gone = drop_old(store)
    assert gone is not None and gone > 0
    left = count(store, "messages")
    assert 0 < left <= 3 * ROWS < rows, "what calls under way may still write into stays"
    assert count(store, "parts") == left
    assert count(store, "ledger") - 2 >= count(store, "submissions")
    assert store.faults() == []
    assert store.rows("SELECT sum(messages), sum(submissions) FROM carried") == [
        (rows - left, 60 - count(store, "submissions"))
    ]
    tend(store)
    assert len(names(store, "messages")) < len(before) and "messages_first" not in names(store, "messages")
    assert names(store, "parts") == [name.replace("messages", "parts") for name in names(store, "messages")]
    take(store, account, 5)
    assert (store.balance(account) + 10_000, store.balance(other)) == balances
    assert store.faults() == []


@pytest.mark.parametrize(
    ("state", "at_ms"),
    [
        pytest.param(State.SCHEDULED, None, id="scheduled"),
        pytest.param(State.SENT, None, id="never reported"),
        pytest.param(State.UNCERTAIN, None, id="held"),
        pytest.param(State.DELIVERED, NEW_MS, id="ended lately"),
    ],
)
def test_a_piece_stays_whole_while_one_in_it_may_not_go(store: Store, state: State, at_ms: int | None) -> None:
    account = store.account(credit_milli=1_000_000)
    for _ in range(8):
        take(store, account, 5)
        tend(store)
    end_all(store)
    piece = store.ask(lambda session: pieces(session, "messages"))[2]
    store.sql(
        "UPDATE messages SET state = :state, finished_at_ms = :at WHERE id = :id",
        state=int(state),
        at=at_ms,
        id=piece.low + 3,
    )
    drop_old(store)
    assert store.rows(f"SELECT count(*) FROM {piece.name}") == [(ROWS,)]
    low = piece.low
    assert store.rows("SELECT count(*) FROM messages WHERE id < :low", low=low) == [(0,)]
    assert store.rows(
        "SELECT count(*) FROM submissions s WHERE NOT EXISTS"
        " (SELECT 1 FROM ledger WHERE submission_id = s.id AND kind = 'send')"
    ) == [(0,)]
    assert store.faults() == []


def test_who_reads_for_long_is_not_disturbed(store: Store, url: str) -> None:
    """The pieces go another time, and nobody waits behind that."""
    account = store.account(credit_milli=1_000_000)
    for _ in range(6):
        take(store, account, 5)
        tend(store)
    end_all(store)
    rows = count(store, "messages")
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM messages").fetchall()
        drop_old(store)
        assert count(store, "messages") == rows and store.faults() == []
    drop_old(store)
    assert count(store, "messages") < rows and store.faults() == []


def test_an_index_more_is_built_piece_by_piece(store: Store, url: str) -> None:
    """As the migration leaves it when there are rows. Nobody is waited for who reads."""
    account = store.account(credit_milli=1_000_000)
    take(store, account, 5)
    _lose_index(store)
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM messages").fetchall()
        tend(store)
        assert store.value(_VALID) is True
    take(store, account, 40)
    shelves = "(id >> 12) = ANY(ARRAY(SELECT DISTINCT id >> 12 FROM messages))"
    assert store.value(f"SELECT count(*) FROM messages WHERE {shelves} AND number = '+8613800000000'") == 45


def test_an_index_that_was_broken_off_is_begun_again(store: Store, url: str) -> None:
    take(store, store.account(credit_milli=1_000_000), 5)
    _lose_index(store)
    store.sql("CREATE INDEX messages_first_messages_number ON messages_first (id)")
    with psycopg.connect(url, autocommit=True) as connection:
        left = "indexrelid = CAST('messages_first_messages_number' AS regclass)"
        assert connection.execute(f"UPDATE pg_index SET indisvalid = false WHERE {left}").rowcount == 1
    tend(store)
    assert store.value(_VALID) is True


_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = CAST('messages_number' AS regclass)"


def _lose_index(store: Store) -> None:
    store.sql("DROP INDEX messages_number")
    store.sql("CREATE INDEX messages_number ON ONLY messages ((id >> 12), number)")
    assert store.value(_VALID) is False


def test_a_store_in_one_piece_works_until_old_nodes_have_gone(cluster: Cluster, tmp_path: Path) -> None:
    url = cluster.new_database()
    with engine_on(url, writes=True).connect() as connection, connection.begin():
        upgrade(connection, None, "0008")
        connection.execute(
            text(
                "INSERT INTO nodes (name, version, sessions, started_at_ms, seen_at_ms, schema)"
                " VALUES ('old', '1', '', 0, extract(epoch FROM now()) * 1000, '0008')"
            )
        ).close()
    store = Store(tmp_path, StoreSettings(url=url, upgrade_wait_s=0))
    account = store.account(credit_milli=1_000_000)
    take(store, account, 5)
    tend(store)
    assert store.ask(schema_of) != HEAD and not store.ask(is_partitioned) and drop_old(store) is None
    rows = store.rows("SELECT * FROM messages ORDER BY id")
    store.sql("DELETE FROM nodes")
    tend(store)
    tend(store)
    assert store.ask(schema_of) == HEAD and store.ask(is_partitioned)
    assert store.value("SELECT revision FROM schema_floor") == HEAD
    assert store.rows("SELECT * FROM messages ORDER BY id") == rows
    take(store, account, 5)
    assert count(store, "messages") == 20 and store.faults() == [] and store.balance(account) == 1_000_000 - 20_000
    assert store.rows("SELECT count(*) FROM messages_first") == [(20,)]
    store.close()
    cluster.drop(url)

"""Moving a store from SQLite to PostgreSQL: nothing is different afterwards, however often it was interrupted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Boolean, Column, Connection, LargeBinary, String, select

from postgres import Cluster
from yizhan.model.carriage import Answer, Receipt, Reply
from yizhan.model.handout import Queue
from yizhan.model.message import Lane, State
from yizhan.model.outcome import Outcome
from yizhan.model.settings import RefundRule, StoreSettings
from yizhan.policy.turns import Crowd
from yizhan.store import move as module
from yizhan.store.accept import accept
from yizhan.store.berths import Beat, beat, sign_on
from yizhan.store.cards import insert_cards
from yizhan.store.handouts import Wish, lease
from yizhan.store.lists import add_keywords, block_address, block_number
from yizhan.store.move import TABLES, MoveFailed, MoveView, Progress, move
from yizhan.store.pushes import set_webhook
from yizhan.store.queue import Claim, claim
from yizhan.store.records import Action, note_action
from yizhan.store.replies import Arrived, store_replies
from yizhan.store.report import Reported, settle_receipts
from yizhan.store.settle import Answered, Manner, settle_answers
from yizhan.store.tellings import Told

from .rows import Store, admitted, recipient

RULE = RefundRule.FAILED


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    """An empty database, without a table."""
    made = cluster.new_database()
    yield made
    cluster.drop(made)


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Store]:
    """A store in which something of everything has happened; one message is being sent."""
    store = Store(tmp_path / "data")
    one, two = store.account("C1", 100_000), store.account("C2", 50_000)
    numbers = [recipient(f"+861380000{n:04d}") for n in range(30)]
    store.do(accept, admitted(one, *numbers), admitted(two, parts=2), admitted(one, send_at_ms=9_000_000))
    store.do(accept, admitted(two, recipient("nonsense", State.INVALID)))
    for limit, word in ((20, "DELIVRD"), (5, "UNDELIV")):
        ((letters,),) = store.do(claim, [Claim("sim", Crowd(Lane.URGENT, one, ""), limit, 5_000)])
        answers = [Answer(one.message_id, 1, 1, Outcome.TAKEN, f"{one.message_id}", "", 6_000) for one in letters]
        store.do(settle_answers, Answered("sim", answers, Manner(RULE)))
        receipts = [Receipt((f"{one.message_id}",), word, 7_000, one.number, "") for one in letters[1:]]
        store.do(settle_receipts, Reported("sim", receipts, RULE))
    store.do(claim, [Claim("sim", Crowd(Lane.URGENT, one, ""), 1, 5_000)])
    store.act(lambda c: set_webhook(c, two, "https://example.com/", "whsec_x", 1))
    store.do(store_replies, [Arrived("sim", Reply("+8613800000001", "1069", "a\0b 退订", 5), one, "", (one,))])
    store.do(store_replies, [Arrived("sim", Reply("+8613800000002", "1069", "收到", 6), two, "7", ())])
    store.act(lambda c: add_keywords(c, ["违禁", "b", "A"], 1))
    store.act(lambda c: block_address(c, "192.0.2.0/24", "why", None, 1))
    store.act(lambda c: block_number(c, 0, "+8613811111111", "why", 1))
    store.act(lambda c: note_action(c, Action(1, "op", "account add", "C1", "{}", "{}")))
    card = {"number": "1", "secret_hash": "x", "credit_milli": 5, "created_at_ms": 1}
    store.act(lambda c: insert_cards(c, [card]))
    store.act(fill)
    yield store
    store.database.close()
    store.runner.close()


def fill(connection: Connection) -> None:
    """A row for each table in which nothing has happened."""

    def some(column: Column[Any]) -> object:
        if isinstance(column.type, LargeBinary):
            return b"\0\xff\\"
        return "x" if isinstance(column.type, String) else isinstance(column.type, Boolean)

    for table in TABLES:
        if connection.execute(select(table)).first() is None:
            connection.execute(table.insert().values({column.name: some(column) for column in table.columns}))


def contents(store: Store) -> dict[str, list[Any]]:
    """Every row of every table that is moved."""
    return {
        table.name: store.ask(
            lambda c, table=table: [tuple(row) for row in c.execute(select(table).order_by(*table.primary_key))]  # type: ignore[misc]
        )
        for table in TABLES
    }


def moved(old: Store, tmp_path: Path, url: str, stop_after: int | None = None) -> MoveView:
    """Close the old store and move it; perhaps something ends that after so many steps."""
    steps = 0

    def tell(progress: Progress) -> None:
        nonlocal steps
        assert progress.rows <= progress.of
        steps += 1
        if steps == stop_after:
            raise KeyboardInterrupt

    return move(tmp_path / "data", tmp_path / "data" / "yizhan.db", url, tell)


def release(store: Store) -> None:
    """Give its directory back, and open it no more."""
    store.database.close()


def test_nothing_is_different(old: Store, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROWS_A_STEP", 7)
    before = contents(old)
    assert all(before.values()), "something of everything"
    release(old)
    for stop_after in (1, 9, 25):
        with pytest.raises(KeyboardInterrupt):
            moved(old, tmp_path, url, stop_after)
    view = moved(old, tmp_path, url)
    assert view.faults == [] and view.rows["messages"] == 33
    new = Store(tmp_path / "new", StoreSettings(url=url))
    try:
        after = contents(new)
        for name, rows in before.items():
            expected = [tuple(v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in row) for row in rows]
            assert after[name] == expected, name
        assert new.faults() == []
        goes_on(new)
    finally:
        new.close()


def goes_on(new: Store) -> None:
    """Ids continue, what waits is fetched, and what was being sent is uncertain."""
    one = new.value("SELECT id FROM accounts WHERE corp_id = 'C1'")
    assert new.do(accept, admitted(one)) == [100_000_004]
    assert new.value("SELECT max(id) FROM messages") == 10_000_000_034
    assert len(new.do(lease, Wish(Queue.REPORTS, one, 100, 9_000, 90_000))[0].rows) == 23
    assert new.account("C3") > new.value("SELECT max(id) FROM accounts WHERE corp_id <> 'C3'")
    node = new.act(lambda c: sign_on(c, "n", "1", ""))
    (tide,) = new.do(beat, Beat(node, "", ("channel:sim",), (), 1_000, lambda _: True, Told(1, ())))
    assert tide.lost == {"sim": 1}


def test_a_store_in_use_is_not_moved_into(old: Store, tmp_path: Path, url: str) -> None:
    release(old)
    new = Store(tmp_path / "new", StoreSettings(url=url))
    new.account("mine")
    new.close()
    with pytest.raises(MoveFailed, match="in use: its table accounts"):
        moved(old, tmp_path, url)


def test_not_while_a_gateway_runs(old: Store, tmp_path: Path, url: str) -> None:
    assert old.balance(1) > 0
    with pytest.raises(MoveFailed, match="stop the gateway first"):
        moved(old, tmp_path, url)


def test_a_difference_is_told_and_the_move_stays_open(old: Store, tmp_path: Path, url: str) -> None:
    """Somebody has touched the new store while the move was interrupted."""
    release(old)
    last = [table.name for table in TABLES][-1]

    def stop(progress: Progress) -> None:
        if progress.table == last:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(tmp_path / "data", tmp_path / "data" / "yizhan.db", url, stop)
    new = Store(tmp_path / "new", StoreSettings(url=url))
    new.sql("DELETE FROM messages WHERE id = 10000000001")
    new.close()
    for _ in range(2):
        faults = moved(old, tmp_path, url).faults
        assert "messages: 33 rows there, 32 here" in faults
        assert any(fault.startswith("the ledger does not hold") for fault in faults)


def test_there_must_be_something_to_move(tmp_path: Path, url: str) -> None:
    with pytest.raises(MoveFailed, match="there is no store"):
        move(tmp_path, tmp_path / "none.db", url, lambda _: None)

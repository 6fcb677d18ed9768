"""Retention: what is old goes, what may still matter stays, and the books hold before, between and after."""

import random
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yizhan.model.handout import Queue
from yizhan.model.message import State
from yizhan.model.settings import RefundRule
from yizhan.store.accept import accept
from yizhan.store.retention import BATCH_ROWS, Kind, old_rows, old_submissions, prune_rows, prune_submissions
from yizhan.store.settle import give_up

from .rows import Store, admitted, recipient

OLD_MS, CUTOFF_MS, NEW_MS = 1_500, 2_000, 3_000
ENDED = int(State.DELIVERED)


def take(store: Store, account: int, *numbers: str) -> list[int]:
    """A call that was accepted long ago: its messages."""
    store.do(accept, admitted(account, *(recipient(number) for number in numbers)))
    return [row[0] for row in store.rows("SELECT id FROM messages ORDER BY id DESC LIMIT :n", n=len(numbers))][::-1]


def end(store: Store, message: int, at_ms: int, state: int = ENDED) -> None:
    """It was reported at a moment."""
    store.sql(
        "UPDATE messages SET state = :state, finished_at_ms = :at, due_at_ms = NULL WHERE id = :id",
        state=state,
        at=at_ms,
        id=message,
    )


def fail(store: Store, message: int, at_ms: int) -> None:
    """It could not be sent, and was paid back."""
    store.act(lambda connection: give_up(connection, [message], at_ms, RefundRule.FAILED))


def prune(store: Store) -> None:
    """Passes until nothing is left to go; the books hold after every batch."""
    after: int | None = 0
    while after is not None:
        ids, after = store.ask(partial(old_submissions, after=after, before_ms=CUTOFF_MS))
        while ids and any(store.do(prune_submissions, (ids, CUTOFF_MS))):
            assert store.faults() == []
    assert store.faults() == []


@pytest.mark.parametrize(
    ("ends", "stay"),
    [
        pytest.param([(ENDED, OLD_MS)], False, id="old"),
        pytest.param([(ENDED, OLD_MS), (int(State.FAILED), OLD_MS)], False, id="several, all old"),
        pytest.param([(ENDED, CUTOFF_MS)], True, id="as old as is kept"),
        pytest.param([(ENDED, NEW_MS)], True, id="accepted long ago, reported lately"),
        pytest.param([(ENDED, OLD_MS), (ENDED, NEW_MS)], True, id="one of several is new"),
        pytest.param([(int(State.SENT), 0)], True, id="never reported"),
        pytest.param([(int(State.SCHEDULED), 0)], True, id="scheduled"),
        pytest.param([(int(State.QUEUED), 0)], True, id="queued"),
        pytest.param([(int(State.UNCERTAIN), 0)], True, id="held"),
    ],
)
def test_what_goes_and_what_stays(store: Store, ends: list[tuple[int, int]], stay: bool) -> None:
    account = store.account(credit_milli=10_000)
    messages = take(store, account, *(f"+86138{n:08d}" for n in range(len(ends))))
    for message, (state, at_ms) in zip(messages, ends, strict=True):
        end(store, message, at_ms or OLD_MS, state)
    store.sql(
        "INSERT INTO parts (message_id, attempt, part, channel, state, word, answered_at_ms)"
        " VALUES (:id, 1, 1, 'c', 5, '', 1)",
        id=messages[0],
    )
    before = store.balance(account)
    prune(store)
    left = [store.value(f"SELECT count(*) FROM {table}") for table in ("messages", "submissions", "parts")]
    assert left == ([len(ends), 1, 1] if stay else [0, 0, 0])
    assert store.value("SELECT count(*) FROM ledger WHERE kind = 'send'") == stay
    assert store.balance(account) == before


def test_ids_are_never_given_out_again(store: Store) -> None:
    account = store.account(credit_milli=10_000)
    (first,) = take(store, account, "+8613800000000")
    end(store, first, OLD_MS)
    prune(store)
    (second,) = take(store, account, "+8613800000000")
    assert second > first
    assert store.rows("SELECT submissions, messages, sent_milli, refunded_milli FROM carried") == [(1, 1, 1_000, 0)]


def test_a_large_call_goes_in_slices(store: Store) -> None:
    account = store.account(credit_milli=10_000_000)
    count = 2 * BATCH_ROWS + 7
    for message in take(store, account, *(f"+86138{n:08d}" for n in range(count))):
        end(store, message, OLD_MS)
    ids, _ = store.ask(partial(old_submissions, after=0, before_ms=CUTOFF_MS))
    left = []
    while any(store.do(prune_submissions, (ids, CUTOFF_MS))):
        left.append(store.value("SELECT count(*) FROM messages"))
        assert store.faults() == [], "also with half of its messages gone"
    assert left == [count - BATCH_ROWS, count - 2 * BATCH_ROWS] and store.value("SELECT count(*) FROM submissions") == 0


def test_hand_outs_and_replies(store: Store) -> None:
    account = store.account(credit_milli=10_000)
    for at_ms in (OLD_MS, NEW_MS):
        for queue in Queue:
            store.sql(
                "INSERT INTO handouts VALUES (:queue, :account, :at, 7, 0)", queue=int(queue), account=account, at=at_ms
            )
        store.sql(
            "INSERT INTO pushes (account_id, queue, item_id, number, at_ms, attempts, next_at_ms, parked, said)"
            " VALUES (:account, 1, 7, '', :at, 0, 0, true, '')",
            account=account,
            at=at_ms,
        )
        store.sql(
            "INSERT INTO audit (at_ms, actor, action, subject, \"before\", \"after\") VALUES (:at, '', '', '', '', '')",
            at=at_ms,
        )
    for at_ms in (OLD_MS, OLD_MS, OLD_MS):
        store.sql(
            "INSERT INTO replies (account_id, channel, number, sent_to, cell, text, opted_out, at_ms)"
            " VALUES (:account, '', '', '', '', '', false, :at)",
            account=account,
            at=at_ms,
        )
    found = {kind: store.ask(partial(old_rows, kind=kind, before_ms=CUTOFF_MS)) for kind in Kind}
    counts = {Kind.HANDOUTS: len(Queue), Kind.PUSHES: 1, Kind.REPLIES: 2, Kind.AUDIT: 1}
    assert {kind: len(keys) for kind, keys in found.items()} == counts
    for kind, keys in found.items():
        assert store.do(prune_rows, (kind, keys)) == [counts[kind]] and store.do(prune_rows, (kind, keys)) == [0]
        assert not store.ask(partial(old_rows, kind=kind, before_ms=CUTOFF_MS))
    for table in ("handouts", "pushes", "audit"):
        assert {row[0] for row in store.rows(f"SELECT at_ms FROM {table}")} == {NEW_MS}, table
    assert store.rows("SELECT id FROM replies") == [(3,)], "the newest stays, or its id would be given out again"


def test_a_wrong_figure_is_seen_after_pruning(store: Store) -> None:
    account = store.account(credit_milli=10_000)
    (first,), (second,) = take(store, account, "+8613800000000"), take(store, account, "+8613800000001")
    end(store, first, OLD_MS)
    fail(store, second, OLD_MS)
    prune(store)
    for column in ("sent_milli", "refunded_milli"):
        store.sql(f"UPDATE carried SET {column} = {column} + 1")
        assert len(store.faults()) == 1, column
        store.sql(f"UPDATE carried SET {column} = {column} - 1")
    assert store.faults() == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_the_books_hold_whatever_goes(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    chance = random.Random(seed)
    folder: Path = tmp_path_factory.mktemp("books")
    store = Store(folder / "data")
    accounts = [store.account(f"C{number}", credit_milli=100_000) for number in range(2)]
    kept = set()
    for _ in range(chance.randint(1, 12)):
        account = chance.choice(accounts)
        messages = take(store, account, *(f"+86138{n:08d}" for n in range(chance.randint(1, 5))))
        old = chance.random() < 0.6
        for message in messages:
            at_ms = OLD_MS if old else NEW_MS
            if chance.random() < 0.3:
                fail(store, message, at_ms)
            else:
                end(store, message, at_ms)
        if not old:
            kept.update(messages)
    balances = [store.balance(account) for account in accounts]
    prune(store)
    assert {row[0] for row in store.rows("SELECT id FROM messages")} == kept
    assert [store.balance(account) for account in accounts] == balances
    store.close()

"""Accept: the debit, the ids and the rows of a call (contract, section 8)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.model.message import Lane, State
from yizhan.model.reject import Refusal, Reject
from yizhan.store.accept import CLIENT_IDS, FIRST_CLIENT_ID, accept, client_id_of, keys_of
from yizhan.store.committer import Turn
from yizhan.store.schema import FIRST_MESSAGE_KEY
from yizhan.store.search import submission_keys

from .rows import Store, admitted, recipient

INT32 = 2_147_483_647


def counts(store: Store) -> tuple[int, int, int]:
    """Rows of submissions, messages and ledger."""
    (row,) = store.rows(
        "SELECT (SELECT count(*) FROM submissions), (SELECT count(*) FROM messages), (SELECT count(*) FROM ledger)"
    )
    return row


def test_a_call_and_its_rows(store: Store) -> None:
    account = store.account(credit_milli=10_000)
    call = admitted(
        account,
        recipient("+8613800000000", price_milli=2_000),
        recipient("+85291234567", price_milli=3_500),
        recipient("+8613900000000", State.BLOCKED),
        recipient("12x", State.INVALID),
        parts=2,
        cell="77",
        lane=Lane.BULK,
    )
    assert store.do(accept, call) == [FIRST_CLIENT_ID]
    assert store.balance(account) == 4_500
    assert store.rows("SELECT kind, debit_book, credit_book, amount_milli, submission_id FROM ledger")[1:] == [
        ("send", account, -1, 5_500, 1)
    ]
    query = "SELECT id, state, number, price_milli, due_at_ms, finished_at_ms, lane, account_id FROM messages"
    assert store.rows(query) == [
        (FIRST_MESSAGE_KEY, State.QUEUED, "+8613800000000", 2_000, 1_000, None, Lane.BULK, account),
        (FIRST_MESSAGE_KEY + 1, State.QUEUED, "+85291234567", 3_500, 1_000, None, Lane.BULK, account),
        (FIRST_MESSAGE_KEY + 2, State.BLOCKED, "+8613900000000", 0, None, 1_000, Lane.BULK, account),
        (FIRST_MESSAGE_KEY + 3, State.INVALID, "12x", 0, None, 1_000, Lane.BULK, account),
    ]
    assert store.faults() == []


def test_a_scheduled_call_is_due_later(store: Store) -> None:
    account = store.account(credit_milli=1_000)
    store.do(accept, admitted(account, recipient(state=State.SCHEDULED), send_at_ms=9_000))
    assert store.rows("SELECT state, due_at_ms FROM messages") == [(State.SCHEDULED, 9_000)]


@pytest.mark.parametrize(
    ("credit", "price", "balance"),
    [
        pytest.param(1_000, 1_000, 0, id="to the last 1/1000"),
        pytest.param(999, 1_000, None, id="1/1000 is missing"),
        pytest.param(0, 0, 0, id="free of charge, with nothing"),
        pytest.param(-1, 1_000, None, id="no credit at all"),
    ],
)
def test_the_debit_is_exact(store: Store, credit: int, price: int, balance: int | None) -> None:
    account = store.account(credit_milli=max(0, credit))
    before = counts(store)
    (answer,) = store.do(accept, admitted(account, recipient(price_milli=price)))
    if balance is None:
        assert isinstance(answer, Refusal) and answer.reject is Reject.BALANCE_TOO_LOW
        assert counts(store) == before and store.balance(account) == max(0, credit)
    else:
        assert isinstance(answer, int) and store.balance(account) == balance
        entries = 1 if price else 0
        assert counts(store) == (before[0] + 1, before[1] + 1, before[2] + entries)
    assert store.faults() == []


def test_in_one_batch_the_refused_call_writes_nothing(store: Store) -> None:
    account, poor = store.account(credit_milli=3_000), store.account("C2", credit_milli=500)
    calls = [admitted(account), admitted(poor), admitted(account), admitted(account), admitted(account)]
    answers = store.do(accept, *calls, turn=Turn.ACCEPT)
    assert [isinstance(answer, int) for answer in answers] == [True, False, True, True, False]
    assert [answer for answer in answers if isinstance(answer, int)] == [100_000_000, 100_000_001, 100_000_002]
    assert counts(store)[:2] == (3, 3) and store.balance(poor) == 500 and store.faults() == []


def test_an_account_that_does_not_exist_pays_nothing(store: Store) -> None:
    (answer,) = store.do(accept, admitted(99, recipient(price_milli=0)))
    assert isinstance(answer, Refusal) and counts(store) == (0, 0, 0)


def test_ids_cycle_and_skip_those_still_kept(store: Store) -> None:
    """The last ids of int32 and then the first again, without those that the same account still has."""
    mine, other = store.account(credit_milli=100_000), store.account("C2", credit_milli=100_000)
    assert store.do(accept, admitted(mine)) == [FIRST_CLIENT_ID]
    assert store.do(accept, admitted(mine)) == [FIRST_CLIENT_ID + 1]
    store.set_counter("submission", CLIENT_IDS - 2)
    assert store.do(accept, admitted(mine)) == [INT32 - 1]
    assert store.do(accept, admitted(mine)) == [INT32]
    assert store.do(accept, admitted(mine)) == [FIRST_CLIENT_ID + 2], "the first two are still there"
    store.set_counter("submission", CLIENT_IDS)
    assert store.do(accept, admitted(other)) == [FIRST_CLIENT_ID], "another account never had it"
    store.sql("DELETE FROM submissions WHERE id = 2")
    assert store.do(accept, admitted(mine)) == [FIRST_CLIENT_ID + 1], "its rows are gone"
    assert store.ask(lambda session: submission_keys(session, FIRST_CLIENT_ID, None)) == [CLIENT_IDS + 1, 1]
    assert store.ask(lambda session: submission_keys(session, FIRST_CLIENT_ID, "C1")) == [1]


def test_ids_go_on_after_rows_were_removed(store: Store) -> None:
    account = store.account(credit_milli=10_000)
    store.do(accept, admitted(account))
    store.sql("DELETE FROM submissions")
    store.sql("DELETE FROM messages")
    assert store.do(accept, admitted(account)) == [FIRST_CLIENT_ID + 1]
    assert store.value("SELECT id FROM messages") == FIRST_MESSAGE_KEY + 1


@settings(max_examples=200)
@given(st.integers(1, 5 * CLIENT_IDS), st.integers(0, 5 * CLIENT_IDS))
def test_keys_and_client_ids(key: int, more: int) -> None:
    client_id = client_id_of(key)
    assert FIRST_CLIENT_ID <= client_id <= INT32
    keys = list(keys_of(client_id, key + more))
    assert key in keys and keys == sorted(keys, reverse=True)
    assert all(client_id_of(one) == client_id and 1 <= one <= key + more for one in keys)
    first = client_id - FIRST_CLIENT_ID + 1
    assert len(keys) == (key + more - first) // CLIENT_IDS + 1, "none is missing"


@pytest.mark.parametrize("client_id", [-1, 0, 1, FIRST_CLIENT_ID - 1, INT32 + 1])
def test_no_such_client_id(client_id: int) -> None:
    assert list(keys_of(client_id, 10**12)) == []

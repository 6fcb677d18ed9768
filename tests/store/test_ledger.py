"""The ledger: topping up, listing, and a verification that finds each kind of damage."""

import pytest

from yizhan.model.message import State
from yizhan.store.accept import accept
from yizhan.store.ledger import issue, list_entries, verify_ledger
from yizhan.store.messages import cancel_submission

from .rows import Store, admitted, recipient


def test_topup_and_takeback(store: Store) -> None:
    account = store.account(credit_milli=1_000)
    assert store.act(lambda connection: issue(connection, account, 2_500, 1, "paid"))
    assert store.act(lambda connection: issue(connection, account, -3_500, 2, "back"))
    assert store.balance(account) == 0
    assert not store.act(lambda connection: issue(connection, account, -1, 3, "too much"))
    assert store.act(lambda connection: issue(connection, account, 0, 4, "nothing"))
    assert store.rows("SELECT kind, debit_book, credit_book, amount_milli, note FROM ledger") == [
        ("topup", 0, account, 1_000, "first credit"),
        ("topup", 0, account, 2_500, "paid"),
        ("takeback", account, 0, 3_500, "back"),
    ]
    assert store.faults() == []


def test_every_entry_has_two_sides(store: Store) -> None:
    """All books together are zero at any time."""
    account = store.account(credit_milli=5_000)
    store.do(accept, admitted(account), admitted(account))
    store.act(lambda connection: cancel_submission(connection, 1, 9_000))
    books = dict(
        store.rows(
            "SELECT book, sum(amount) FROM (SELECT credit_book AS book, amount_milli AS amount FROM ledger"
            " UNION ALL SELECT debit_book, -amount_milli FROM ledger) AS sides GROUP BY book"
        )
    )
    assert books == {0: -5_000, -1: 1_000, account: 4_000} and sum(books.values()) == 0


def test_list(store: Store) -> None:
    one, two = store.account("C1", 2_000), store.account("C2", 500)
    store.do(accept, admitted(one, recipient(price_milli=1_500)))
    store.act(lambda connection: cancel_submission(connection, 1, 9_000))
    everything = store.ask(lambda session: list_entries(session, None, 10))
    assert [(view.account, view.kind, view.amount, view.other, view.submission) for view in everything] == [
        ("C1", "refund", 1.5, "traffic", None),
        ("C1", "send", -1.5, "traffic", 100_000_000),
        ("C2", "topup", 0.5, "issued", None),
        ("C1", "topup", 2, "issued", None),
    ]
    assert [view.id for view in store.ask(lambda session: list_entries(session, two, 10))] == [2]
    assert [view.id for view in store.ask(lambda session: list_entries(session, one, 2))] == [4, 3]


# Each rule broken once, and the first words of what must be said about it.
DAMAGE = [
    pytest.param(
        "UPDATE accounts SET balance_milli = balance_milli + 1 WHERE id = 1", "account C1: balance", id="balance"
    ),
    pytest.param(
        "DELETE FROM ledger WHERE kind = 'topup' AND credit_book = 1", "account C1: balance", id="a lost entry"
    ),
    pytest.param("UPDATE ledger SET amount_milli = -5 WHERE id = 2", "entry 2: amount", id="a negative entry"),
    pytest.param("UPDATE ledger SET debit_book = credit_book WHERE id = 1", "entry 1: amount", id="two equal sides"),
    pytest.param(
        "INSERT INTO ledger (at_ms, kind, debit_book, credit_book, amount_milli, submission_id, note)"
        " SELECT at_ms, kind, debit_book, credit_book, amount_milli, submission_id, note FROM ledger"
        " WHERE kind = 'send'",
        "submission 100000000: price 3, charged 6",
        id="charged twice",
    ),
    pytest.param(
        "DELETE FROM ledger WHERE kind = 'send'", "submission 100000000: price 3, charged 0", id="not charged"
    ),
    pytest.param("UPDATE submissions SET price_milli = 1", "submission 100000000: price 0.001", id="another price"),
    pytest.param(
        "DELETE FROM messages WHERE id = (SELECT min(id) FROM messages)",
        "submission 100000000: price 3, its messages",
        id="a lost message",
    ),
    pytest.param("UPDATE messages SET refunded_milli = 5000 WHERE state = 15", "message 1", id="refunded beyond price"),
    pytest.param("UPDATE messages SET refunded_milli = -1 WHERE state = 15", "message 1", id="a negative refund"),
    pytest.param("UPDATE messages SET refunded_milli = 1 WHERE state = 2", "account C1: refunds", id="refund not paid"),
    pytest.param("DELETE FROM ledger WHERE kind = 'refund'", "account C1: refunds", id="a lost refund"),
]


@pytest.mark.parametrize(("damage", "says"), DAMAGE)
def test_verify_finds(store: Store, damage: str, says: str) -> None:
    account, other = store.account("C1", 20_000), store.account("C2", 7_000)
    store.do(accept, admitted(account, recipient(price_milli=1_000), recipient("+85291234567", price_milli=2_000)))
    store.do(accept, admitted(account, recipient(price_milli=3_000)))
    store.act(lambda connection: cancel_submission(connection, 2, 9_000))
    store.do(accept, admitted(other, recipient(state=State.BLOCKED), recipient("+85291234567")))
    check = store.ask(verify_ledger)
    assert (check.holds, check.accounts, check.entries) == (True, 2, 6)
    store.sql(damage)
    check = store.ask(verify_ledger)
    assert not check.holds
    assert any(fault.startswith(says) for fault in check.faults), check.faults


def test_faults_are_bounded(store: Store) -> None:
    for number in range(20):
        store.account(f"C{number}", 1_000)
    store.sql("UPDATE accounts SET balance_milli = 5")
    assert len(store.ask(lambda session: verify_ledger(session, most_faults=7)).faults) == 7

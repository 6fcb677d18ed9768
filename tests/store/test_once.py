"""A call that comes again under its key is accepted once, whatever happens at the same time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from postgres import Cluster
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import StoreSettings
from yizhan.store.once import Before, Once, accept_once, forget_once

from .rows import Store, admitted


def test_the_same_again(store: Store) -> None:
    mine, other = store.account(credit_milli=10_000), store.account("C2", credit_milli=10_000)
    wish = (admitted(mine), Once("a", "x"))
    first, *again = store.do(accept_once, wish, wish, wish)
    assert isinstance(first, int) and again == [Before(first), Before(first)]
    assert store.do(accept_once, (admitted(mine), Once("a", "y"))) == [Before(None)], "something else"
    (of_other,) = store.do(accept_once, (admitted(other), Once("a", "x")))
    assert isinstance(of_other, int) and of_other != first, "each account has keys of its own"
    assert store.balance(mine) == store.balance(other) == 9_000
    assert store.faults() == []


def test_a_refused_call_leaves_its_key_free(store: Store) -> None:
    account = store.account(credit_milli=500)
    wish = (admitted(account), Once("a", "x"))
    (refused,) = store.do(accept_once, wish)
    assert isinstance(refused, Refusal) and refused.reject is Reject.BALANCE_TOO_LOW
    store.sql("UPDATE accounts SET balance_milli = 1000")
    assert [type(answer) for answer in store.do(accept_once, wish)] == [int]


def test_keys_are_forgotten(store: Store) -> None:
    account = store.account(credit_milli=10_000)
    (first,) = store.do(accept_once, (admitted(account, accepted_at_ms=1_000), Once("a", "x")))
    assert store.act(lambda session: forget_once(session, 1_000)) == 0
    assert store.act(lambda session: forget_once(session, 1_001)) == 1
    (second,) = store.do(accept_once, (admitted(account), Once("a", "x")))
    assert isinstance(second, int) and second != first


@pytest.mark.parametrize("round", range(3))
def test_two_nodes_at_once(cluster: Cluster, tmp_path: Path, round: int) -> None:
    url = cluster.new_store()
    stores = [Store(tmp_path / name, StoreSettings(url=url)) for name in ("one", "two")]
    account = stores[0].account(credit_milli=1_000_000)
    wishes = [(admitted(account), Once(f"{round} {n}", "x")) for n in range(50)]
    with ThreadPoolExecutor(2) as threads:
        one, two = threads.map(lambda store: store.do(accept_once, *wishes), stores)
    for mine, theirs in zip(one, two, strict=True):
        (first,) = [answer for answer in (mine, theirs) if isinstance(answer, int)]
        assert Before(first) in (mine, theirs)
    assert stores[0].balance(account) == 950_000 and stores[0].faults() == []
    for store in stores:
        store.close()
    cluster.drop(url)

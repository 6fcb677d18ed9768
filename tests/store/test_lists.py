"""Keywords, blocked addresses, blocked numbers."""

from functools import partial
from ipaddress import ip_network

from yizhan.store import lists

from .rows import Store


def test_keywords(store: Store) -> None:
    assert store.act(partial(lists.add_keywords, words=["视频", "abc", "视频"], at_ms=1)) == 2
    assert store.act(partial(lists.add_keywords, words=["abc", "xyz"], at_ms=2)) == 1
    assert store.act(partial(lists.add_keywords, words=[], at_ms=2)) == 0
    assert store.ask(lists.load_keywords) == ["abc", "xyz", "视频"]
    for part, after, found in (
        ("x", "", ["xyz"]),
        ("", "abc", ["xyz", "视频"]),
        ("_", "", []),
        ("频", "xyz", ["视频"]),
    ):
        assert store.ask(partial(lists.load_keywords, part=part, after=after, limit=2)) == found
    assert store.act(partial(lists.remove_keywords, words=["abc", "never"])) == 1
    assert store.ask(lists.load_keywords) == ["xyz", "视频"]


def test_addresses(store: Store) -> None:
    block = lists.block_address
    store.act(lambda connection: block(connection, "192.0.2.0/24", "spam", None, 1))
    store.act(lambda connection: block(connection, "2001:db8::1/128", "logins", 5_000, 1))
    assert store.ask(lists.load_addresses) == [
        (ip_network("192.0.2.0/24"), None),
        (ip_network("2001:db8::1/128"), 5_000),
    ]
    views = store.ask(partial(lists.view_addresses, now_ms=5_000))
    assert [(view.network, view.reason, view.until) for view in views] == [("192.0.2.0/24", "spam", None)]
    store.act(lambda connection: block(connection, "192.0.2.0/24", "worse", 9_000, 2))
    (view, _) = store.ask(partial(lists.view_addresses, now_ms=0))
    assert (view.reason, view.until) == ("worse", "1970-01-01T00:00:09.000Z")
    assert store.act(partial(lists.forget_ended_blocks, now_ms=5_000)) == 1
    assert store.act(partial(lists.unblock_address, network="192.0.2.0/24")) is True
    assert store.act(partial(lists.unblock_address, network="192.0.2.0/24")) is False
    assert store.ask(lists.load_addresses) == []


def test_numbers(store: Store) -> None:
    account = store.account("C1")
    one, two = "+8613800000000", "+85291234567"
    block = lists.block_number
    store.act(lambda connection: block(connection, lists.EVERYBODY, one, "law", 1))
    store.act(lambda connection: block(connection, account, one, "asked", 2))
    store.act(lambda connection: block(connection, account, two, "asked", 3))
    store.act(lambda connection: block(connection, account, two, "again", 4))
    assert store.ask(lists.load_numbers) == {lists.EVERYBODY: frozenset({one}), account: frozenset({one, two})}
    views = store.ask(partial(lists.view_numbers, account_id=None))
    assert [(view.number, view.account, view.reason) for view in views] == [
        (one, None, "law"),
        (two, "C1", "asked"),
        (one, "C1", "asked"),
    ]
    assert len(store.ask(partial(lists.view_numbers, account_id=account))) == 2
    for last, behind in zip(views, (views[1:], views[2:], []), strict=True):
        of = account if last.account else lists.EVERYBODY
        assert store.ask(partial(lists.view_numbers, account_id=None, after=(of, last.number))) == behind
    assert store.ask(partial(lists.view_numbers, account_id=None, part="852")) == [views[1]]
    assert store.act(partial(lists.unblock_number, account_id=account, number=one)) is True
    assert store.act(partial(lists.unblock_number, account_id=account, number=one)) is False
    assert store.ask(lists.load_numbers)[lists.EVERYBODY] == frozenset({one}), "everybody's entry stays"

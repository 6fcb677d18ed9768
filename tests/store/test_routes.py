"""Routes as rows, and the keys of what waits."""

import pytest

from yizhan.model.message import Lane, State
from yizhan.model.route import Network, Route, TextClass
from yizhan.policy.route_key import KeyMaker
from yizhan.policy.text_class import text_class
from yizhan.policy.turns import Crowd
from yizhan.store.accept import accept
from yizhan.store.queue import waiting
from yizhan.store.routes import delete_route, insert_route, last_message, load_routes, move_route, rekey
from yizhan.store.schema import FIRST_MESSAGE_KEY

from .rows import Store, admitted, recipient
from .test_settle import Sending


def route(channel: str = "a", position: int = 0, **matches: object) -> Route:
    """A rule."""
    free = {"account_id": None, "prefix": "", "country": "", "network": None, "text_class": None, "note": "why"}
    return Route(id=0, position=position, tiers=({channel: 2}, {"b": 1}), **{**free, **matches})  # type: ignore[arg-type]


def order(store: Store) -> list[str]:
    """The first channel of each rule, in order; positions have no gaps."""
    known = store.ask(load_routes)
    assert [one.position for one in known] == list(range(1, len(known) + 1))
    return [next(iter(one.tiers[0])) for one in known]


def test_a_rule_comes_back_as_it_was(store: Store) -> None:
    rule = route(account_id=3, prefix="86139", country="86", network=Network.MOBILE, text_class=TextClass.CODE)
    new_id = store.act(lambda connection: insert_route(connection, rule))
    (found,) = store.ask(load_routes)
    assert found == Route(new_id, 1, 3, "86139", "86", Network.MOBILE, TextClass.CODE, ({"a": 2}, {"b": 1}), "why")


def test_positions(store: Store) -> None:
    ids = {
        name: store.act(lambda connection, name=name, at=at: insert_route(connection, route(name, at)))  # type: ignore[misc]
        for name, at in (("a", 0), ("b", 0), ("c", 1), ("d", 2), ("e", 99))
    }
    assert order(store) == ["c", "d", "a", "b", "e"]
    assert store.act(lambda connection: move_route(connection, ids["e"], 1))
    assert order(store) == ["e", "c", "d", "a", "b"]
    assert store.act(lambda connection: move_route(connection, ids["c"], 50))
    assert order(store) == ["e", "d", "a", "b", "c"]
    assert store.act(lambda connection: delete_route(connection, ids["a"]))
    assert order(store) == ["e", "d", "b", "c"]
    assert not store.act(lambda connection: delete_route(connection, ids["a"]))
    assert not store.act(lambda connection: move_route(connection, ids["a"], 1))


def rekey_all(store: Store, *rules: Route, count: int = 2) -> int:
    """As the office does it: a few messages at a time."""
    keys = KeyMaker(rules)
    changed = 0
    last = store.ask(last_message)
    for after in range(FIRST_MESSAGE_KEY - 1, last, count):
        changed += store.act(
            lambda connection, after=after: rekey(  # type: ignore[misc]
                connection, after, count, lambda number, text: keys.key(number, text_class(text))
            )
        )
    return changed


def test_what_waits_gets_its_keys_anew(store: Store) -> None:
    account = store.account(credit_milli=100_000)
    to = [recipient("+8613900000000"), recipient("+8613000000000"), recipient("+85291234567")]
    later = recipient("+8613900000001", State.SCHEDULED)
    store.do(accept, admitted(account, *to))
    store.do(accept, admitted(account, later, send_at_ms=9_000))
    assert store.ask(waiting) == {Crowd(Lane.URGENT, account, "")}
    by_network = route(network=Network.MOBILE)
    assert rekey_all(store, by_network) == 4
    keys = {Crowd(Lane.URGENT, account, key) for key in ("86.cm", "86.cu", "852")}
    assert store.ask(waiting) == keys
    assert store.rows("SELECT route_key FROM messages WHERE state = 1") == [("86.cm",)]
    assert rekey_all(store, by_network) == 0, "nothing is left to change"
    assert rekey_all(store) == 4
    assert store.ask(waiting) == {Crowd(Lane.URGENT, account, "")}


def test_who_has_refused_is_not_forgotten(store: Store) -> None:
    sending = Sending(store)
    sending.answer("%no")
    assert rekey_all(store, route(country="86")) == 1
    assert store.value("SELECT route_key FROM messages") == "86!sim"


def test_no_message_at_all(store: Store) -> None:
    assert store.ask(last_message) == 0


@pytest.mark.parametrize("count", [1, 3, 1_000])
def test_history_keeps_its_keys(store: Store, count: int) -> None:
    sending = Sending(store)
    sending.answer("a")
    sending.report("a:DELIVRD")
    assert rekey_all(store, route(country="86"), count=count) == 0

"""People and their sessions: the first is one, and what changes somebody ends his sessions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from yizhan.model.access import Role
from yizhan.store.people import (
    change_person,
    delete_person,
    has_people,
    insert_first_person,
    insert_person,
    view_people,
)
from yizhan.store.sessions import delete_session, find_session, forget_sessions, insert_session, see_session

from .rows import Store

PERSON = {"credential": "right", "role": "admin", "account_id": None, "created_at_ms": 1}


def session_of(name: str, hash: str = "h") -> dict[str, Any]:
    """A row."""
    times = {"created_at_ms": 1, "seen_at_ms": 1, "ends_at_ms": 100}
    return {"hash": hash, "person": name, "csrf": "c", **times}


def test_sessions(store: Store) -> None:
    account = store.account()
    customer = {**PERSON, "name": "li", "role": "customer", "account_id": account}
    assert store.act(lambda session: insert_person(session, customer))
    assert not store.act(lambda session: insert_person(session, customer)), "the name is taken"
    begin = session_of("li")
    assert not store.act(lambda session: insert_session(session, begin, "another", None)), "the password has changed"
    assert not store.act(lambda session: insert_session(session, session_of("wu"), "right", None)), "there is nobody"
    assert store.act(lambda session: insert_session(session, begin, "right", None))
    assert store.act(lambda session: insert_session(session, session_of("li", "h2"), "right", "h"))
    assert store.ask(lambda session: find_session(session, "h")) is None, "another has taken its place"
    store.act(lambda session: see_session(session, "h2", 50))
    found = store.ask(lambda session: find_session(session, "h2"))
    assert found is not None
    assert (found.person, found.role, found.account, found.seen_at_ms) == ("li", Role.CUSTOMER, "C1", 50)
    (view,) = store.ask(view_people)
    assert (view.account, view.disabled, view.seen_at) == ("C1", False, "1970-01-01T00:00:00.050Z")
    assert store.act(lambda session: forget_sessions(session, 99)) == 0
    assert store.act(lambda session: forget_sessions(session, 100)) == 1
    assert not store.act(lambda session: delete_session(session, "h2"))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda session: change_person(session, "li", {"credential": "new"}), id="another password"),
        pytest.param(lambda session: change_person(session, "li", {"disabled": True}), id="disabled"),
        pytest.param(lambda session: delete_person(session, "li"), id="removed"),
    ],
)
def test_who_is_changed_has_no_session(store: Store, change: Callable[[Connection], bool]) -> None:
    for name in ("li", "wu"):
        store.act(partial(insert_person, row={**PERSON, "name": name}))
        store.act(partial(insert_session, row=session_of(name, name), credential="right", former=None))
    assert store.act(change)
    assert store.ask(lambda session: find_session(session, "li")) is None
    assert store.ask(lambda session: find_session(session, "wu")) is not None
    store.act(lambda session: change_person(session, "li", {"disabled": False}))
    assert store.ask(lambda session: find_session(session, "li")) is None, "it does not come back"


def test_of_two_who_are_first_at_once_one_is(stores: list[Store]) -> None:
    def be_first(store: Store, name: str) -> bool:
        return store.act(lambda session: insert_first_person(session, {**PERSON, "name": name}))

    for turn in range(5):
        with ThreadPoolExecutor() as threads:
            made = list(threads.map(be_first, stores, (f"a{turn}", f"b{turn}")))
        assert sorted(made) == [False, True]
        (only,) = stores[0].ask(view_people)
        assert stores[1].act(partial(delete_person, name=only.name))
    assert not stores[0].ask(has_people)

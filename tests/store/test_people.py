"""People and their sessions: the first is one, and what changes somebody ends his sessions."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from yizhan.model.access import Role
from yizhan.policy.totp import code_at
from yizhan.store.people import (
    Person,
    change_person,
    delete_person,
    find_person,
    has_people,
    insert_first_person,
    insert_person,
    view_people,
)
from yizhan.store.second_factors import (
    SecondFactor,
    Shown,
    delete_second_factor,
    find_second_factor,
    insert_second_factor,
    use_code,
    use_recovery_code,
)
from yizhan.store.sessions import (
    delete_session,
    find_half_session,
    find_session,
    forget_sessions,
    insert_half_session,
    insert_session,
    see_session,
)

from .rows import Store

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
FACTOR = SecondFactor(SECRET, 100, ("one", "two"), 1)
PERSON = {"credential": "right", "role": "admin", "account_id": None, "created_at_ms": 1}


def session_of(name: str, hash: str = "h") -> dict[str, Any]:
    """A row."""
    times = {"created_at_ms": 1, "seen_at_ms": 1, "ends_at_ms": 100}
    return {"hash": hash, "person": name, "csrf": "c", **times}


def proved(name: str, credential: str = "right", **more: Any) -> Person:
    """Who has shown that he is it."""
    values: dict[str, Any] = {"role": Role.ADMIN, "account": None, "disabled": False, "second_factor": False, **more}
    return Person(name=name, credential=credential, **values)


def test_sessions(store: Store) -> None:
    account = store.account()
    customer = {**PERSON, "name": "li", "role": "customer", "account_id": account}
    assert store.act(lambda session: insert_person(session, customer))
    assert not store.act(lambda session: insert_person(session, customer)), "the name is taken"
    begin = session_of("li")
    li = store.ask(lambda session: find_person(session, "li"))
    assert li == proved("li", role=Role.CUSTOMER, account="C1")
    for name, somebody in {
        "the password has changed": replace(li, credential="another"),
        "a code is needed by now": replace(li, second_factor=True),
        "there is nobody": replace(li, name="wu"),
    }.items():
        assert not store.act(partial(insert_session, row=begin, proved=somebody, former=None)), name
    assert store.act(partial(insert_session, row=begin, proved=li, former=None))
    assert store.act(partial(insert_session, row=session_of("li", "h2"), proved=li, former="h"))
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
        pytest.param(lambda session: insert_second_factor(session, "li", FACTOR, "none"), id="a second factor"),
    ],
)
def test_who_is_changed_has_no_session(store: Store, change: Callable[[Connection], bool]) -> None:
    for name in ("li", "wu"):
        store.act(partial(insert_person, row={**PERSON, "name": name}))
        store.act(partial(insert_session, row=session_of(name, name), proved=proved(name), former=None))
        half = {"hash": name, "person": name, "ends_at_ms": 100}
        store.act(partial(insert_half_session, row=half, proved=proved(name)))
    assert store.act(change)
    assert store.ask(lambda session: find_session(session, "li")) is None
    assert store.ask(lambda session: find_session(session, "wu")) is not None
    assert store.ask(lambda session: find_half_session(session, "li", 1)) is None
    assert store.ask(lambda session: find_half_session(session, "wu", 1)) is not None
    store.act(lambda session: change_person(session, "li", {"disabled": False}))
    assert store.ask(lambda session: find_session(session, "li")) is None, "it does not come back"


def test_a_second_factor(store: Store) -> None:
    store.act(partial(insert_person, row={**PERSON, "name": "li"}))
    for hash in ("here", "there"):
        store.act(partial(insert_session, row=session_of("li", hash), proved=proved("li"), former=None))
    turn_on = partial(insert_second_factor, person="li", factor=FACTOR, session="here")
    assert store.act(turn_on)
    assert not store.act(turn_on), "he has one"
    assert not store.act(partial(insert_second_factor, person="wu", factor=FACTOR, session="x")), "there is nobody"
    assert store.ask(lambda session: find_session(session, "there")) is None
    here = store.ask(lambda session: find_session(session, "here"))
    assert here is not None and here.second_factor
    (view,) = store.ask(view_people)
    assert view.second_factor is True

    half = {"hash": "half", "person": "li", "ends_at_ms": 100}
    assert not store.act(partial(insert_half_session, row=half, proved=proved("li"))), "he was somebody without one"
    assert store.act(partial(insert_half_session, row=half, proved=proved("li", second_factor=True)))
    assert store.ask(lambda session: find_half_session(session, "half", 99)) == proved("li", second_factor=True)
    assert store.ask(lambda session: find_half_session(session, "half", 100)) is None, "it has taken too long"
    store.act(lambda session: forget_sessions(session, 100))
    assert store.ask(lambda session: find_half_session(session, "half", 1)) is None

    assert store.act(partial(delete_second_factor, person="li"))
    assert not store.act(partial(delete_second_factor, person="li"))
    assert store.ask(lambda session: find_second_factor(session, "li")) is None


def test_each_code_is_good_once(store: Store) -> None:
    store.act(partial(insert_person, row={**PERSON, "name": "li"}))
    store.act(partial(insert_second_factor, person="li", factor=FACTOR, session="x"))
    now_ms = 110 * 30_000
    shown = Shown("li", code_at(SECRET, 110), "none", now_ms)
    assert not store.act(partial(use_code, shown=replace(shown, code="000000")))
    assert not store.act(partial(use_code, shown=replace(shown, person="wu")))
    assert store.act(partial(use_code, shown=shown))
    assert not store.act(partial(use_code, shown=shown)), "it was used"
    assert not store.act(partial(use_code, shown=replace(shown, code=code_at(SECRET, 109)))), "it is older"
    assert store.act(partial(use_code, shown=replace(shown, code=code_at(SECRET, 111))))

    recovery = Shown("li", "", "one", now_ms)
    assert not store.act(partial(use_recovery_code, shown=replace(recovery, hash="three")))
    assert store.act(partial(use_recovery_code, shown=recovery))
    assert not store.act(partial(use_recovery_code, shown=recovery)), "it was used"
    assert store.act(partial(use_recovery_code, shown=replace(recovery, hash="two")))


def test_of_two_who_show_a_code_at_once_one_gets_in(stores: list[Store]) -> None:
    stores[0].act(partial(insert_person, row={**PERSON, "name": "li"}))
    stores[0].act(partial(insert_second_factor, person="li", factor=FACTOR, session="x"))
    for step in range(110, 115):
        use = partial(use_code, shown=Shown("li", code_at(SECRET, step), "", step * 30_000))
        with ThreadPoolExecutor() as threads:
            assert sorted(threads.map(lambda store, use=use: store.act(use), stores)) == [False, True]


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

"""Refused calls (bounded) and the audit log."""

from dataclasses import replace

import pytest

from yizhan.store.records import Action, RefusedCall, Wanted, list_actions, list_refusals, note_action, note_refusals

from .rows import Store


def refused(at_ms: int) -> RefusedCall:
    """A refused call."""
    return RefusedCall(at_ms, "IntlSend", "C1", "192.0.2.1", "keyword", "视频", "看****")


def test_refusals_are_bounded(store: Store) -> None:
    store.do(note_refusals, ([refused(number) for number in range(30)], 10))
    store.do(note_refusals, ([refused(30)], 10), ([refused(31), refused(32)], 10))
    kept = store.ask(lambda session: list_refusals(session, 100))
    assert [call.at_ms for call in kept] == list(range(32, 22, -1))
    newest, next_one = store.ask(lambda session: list_refusals(session, 2))
    assert [replace(newest, id=0), replace(next_one, id=0)] == [refused(32), refused(31)]
    assert store.ask(lambda session: list_refusals(session, 8, before=next_one.id)) == kept[2:]


def test_nothing_is_dropped_below_the_bound(store: Store) -> None:
    store.do(note_refusals, ([refused(number) for number in range(10)], 10))
    assert len(store.ask(lambda session: list_refusals(session, 100))) == 10
    store.do(note_refusals, ([], 10))
    assert len(store.ask(lambda session: list_refusals(session, 100))) == 10


def test_actions(store: Store) -> None:
    for number in range(3):
        done = Action(number * 1_000, "a" * 100, "ip block", "s" * 200, "{}", '{"n": 1}')
        store.act(lambda connection, done=done: note_action(connection, done))  # type: ignore[misc]
    actions = store.ask(lambda session: list_actions(session, Wanted(limit=2)))
    assert [view.at for view in actions] == ["1970-01-01T00:00:02.000Z", "1970-01-01T00:00:01.000Z"]
    assert (actions[0].actor, actions[0].subject, actions[0].after) == ("a" * 64, "s" * 128, '{"n": 1}')


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        pytest.param(Wanted(actor="b"), ["3", "1"], id="a part of who it was"),
        pytest.param(Wanted(action="ip block"), ["2", "1", "0"], id="an action"),
        pytest.param(Wanted(actor="b", action="ip block"), ["1"], id="both"),
        pytest.param(Wanted(subject="2"), ["2"], id="a part of what it was done to"),
        pytest.param(Wanted(subject="%"), [], id="no pattern"),
        pytest.param(Wanted(limit=1, before=3), ["1"], id="the next page"),
    ],
)
def test_wanted_actions(store: Store, wanted: Wanted, subjects: list[str]) -> None:
    for number, (actor, action) in enumerate(
        (("ann", "ip block"), ("bob", "ip block"), ("ann", "ip block"), ("bob", "x"))
    ):
        done = Action(number, actor, action, str(number), "{}", "{}")
        store.act(lambda connection, done=done: note_action(connection, done))  # type: ignore[misc]
    assert [view.subject for view in store.ask(lambda session: list_actions(session, wanted))] == subjects

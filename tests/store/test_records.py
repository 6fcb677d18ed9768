"""Refused calls (bounded) and the audit log."""

from dataclasses import replace

from yizhan.store.records import Action, RefusedCall, list_actions, list_refusals, note_action, note_refusals

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
    actions = store.ask(lambda session: list_actions(session, 2))
    assert [view.at for view in actions] == ["1970-01-01T00:00:02.000Z", "1970-01-01T00:00:01.000Z"]
    assert (actions[0].actor, actions[0].subject, actions[0].after) == ("a" * 64, "s" * 128, '{"n": 1}')

"""Every way in which handing over can end, and what becomes of the message."""

import pytest

from yizhan.model.message import Lane, State
from yizhan.model.settings import RefundRule
from yizhan.policy.turns import Crowd
from yizhan.store.messages import cancel_submission
from yizhan.store.queue import lose_leases, send_again, waiting
from yizhan.store.settle import fail_held, give_up, give_up_crowd

from .rows import Store
from .test_settle import Sending

FAILED = RefundRule.FAILED

ENDS = {
    "taken": (["a"], State.SENT, 0),
    "refused": (["!RINVDSTADR"], State.FAILED, 1_000),
    "barred": (["%RINVSRCADR"], State.QUEUED, 0),
    "busy": (["~RSYSERR"], State.QUEUED, 0),
    "uncertain": (["?"], State.QUEUED, 0),
    "unwritten": (["-"], State.QUEUED, 0),
    "two taken": (["a", "b"], State.SENT, 0),
    "one taken, one refused": (["a", "!no"], State.SENT, 1_000),
    "one taken, one barred": (["a", "%no"], State.SENT, 1_000),
    "one taken, one busy": (["a", "~no"], State.SENT, 1_000),
    "one taken, one uncertain": (["a", "?"], State.QUEUED, 0),
    "one refused, one uncertain": (["!no", "?"], State.QUEUED, 0),
    "one refused, one unwritten": (["!no", "-"], State.FAILED, 2_000),
    "one barred, one busy": (["%no", "~no"], State.QUEUED, 0),
    "one refused, one barred": (["!no", "%no"], State.FAILED, 2_000),
}


@pytest.mark.parametrize(("words", "state", "back"), ENDS.values(), ids=ENDS.keys())
def test_ends(store: Store, words: list[str], state: State, back: int) -> None:
    sending = Sending(store, parts=len(words))
    sending.answer(*words)
    assert (sending.state, sending.paid_back()) == (state, back)
    assert (store.value("SELECT due_at_ms IS NULL FROM messages") == 1) == (state is not State.QUEUED)


def test_uncertain_is_counted_and_sent_again(store: Store) -> None:
    sending = Sending(store)
    sending.answer("?NOANSWER")
    assert store.rows("SELECT uncertain, attempts, word FROM messages") == [(1, 1, "NOANSWER")]
    sending.claim()
    sending.answer("?LINKLOST")
    sending.claim()
    sending.answer("a")
    assert store.rows("SELECT uncertain, attempts FROM messages") == [(2, 3)]
    assert sending.state is State.SENT


def test_uncertain_can_be_held(store: Store) -> None:
    sending = Sending(store)
    sending.answer("?", resend=False)
    assert sending.state.name == "UNCERTAIN"
    assert store.ask(waiting) == set(), "nobody takes it"
    assert store.act(lambda connection: send_again(connection, sending.message_id, 9_000))
    assert sending.state is State.QUEUED
    assert not store.act(lambda connection: send_again(connection, sending.message_id, 9_000)), "once"


def test_what_is_held_can_be_given_up(store: Store) -> None:
    sending = Sending(store, parts=2)
    sending.answer("a", "?", resend=False)
    assert store.act(lambda connection: give_up(connection, [sending.message_id], 9_000, FAILED)) == 1
    assert (sending.state, sending.word, sending.paid_back()) == (State.FAILED, "DELETED", 2_000)
    assert store.act(lambda connection: give_up(connection, [sending.message_id], 9_000, FAILED)) == 0


def test_what_is_held_fails_in_the_end(store: Store) -> None:
    sending = Sending(store)
    sending.answer("?", resend=False)
    assert store.do(fail_held, ("sim", 1_000, 9_000, 10, FAILED)) == [0], "not yet"
    assert store.do(fail_held, ("other", 9_000, 9_000, 10, FAILED)) == [0], "another channel's"
    assert store.do(fail_held, ("sim", 9_000, 9_000, 10, FAILED)) == [1]
    assert (sending.state, sending.paid_back()) == (State.FAILED, 1_000)


def test_unwritten_is_no_attempt(store: Store) -> None:
    sending = Sending(store)
    for _ in range(5):
        sending.answer("-")
        assert store.rows("SELECT attempts, uncertain FROM messages") == [(0, 0)]
        sending.claim()
    sending.answer("a")
    assert store.rows("SELECT attempts FROM messages") == [(1,)]
    assert store.rows("SELECT attempt, part FROM parts") == [(1, 1)]


def test_busy_waits_longer_each_time_and_ends(store: Store) -> None:
    """Two attempts are allowed here, with four seconds between them."""
    sending = Sending(store)
    sending.answer("~RSYSERR")
    due_ms = store.value("SELECT due_at_ms FROM messages")
    assert sending.now_ms + 2_000 <= due_ms <= sending.now_ms + 4_000
    sending.now_ms = due_ms
    sending.claim()
    sending.answer("~RX_T_APPN")
    assert (sending.state, sending.word, sending.paid_back()) == (State.FAILED, "RX_T_APPN", 1_000)
    assert store.rows("SELECT attempt, word FROM parts") == [(1, "RSYSERR"), (2, "RX_T_APPN")]


def test_a_channel_that_will_not_take_it_is_remembered(store: Store) -> None:
    sending = Sending(store)
    sending.answer("%RINVSRCADR")
    (crowd,) = store.ask(waiting)
    assert crowd == Crowd(Lane.URGENT, sending.account, "!sim")
    assert store.do(give_up_crowd, (crowd, 10, 9_000, FAILED)) == [1]
    assert (sending.state, sending.word, sending.paid_back()) == (State.FAILED, "RINVSRCADR", 1_000)
    assert store.ask(waiting) == set()


def test_given_up_messages_are_reported(store: Store) -> None:
    sending = Sending(store)
    sending.answer("%no")
    (crowd,) = store.ask(waiting)
    store.do(give_up_crowd, (crowd, 10, 9_000, FAILED))
    assert store.rows("SELECT queue FROM handouts ORDER BY queue") == [(2,), (3,)]


def test_what_was_ended_meanwhile_does_not_come_back(store: Store) -> None:
    """A crash, an operator's cancel, and then the answer of a channel that did not notice."""
    sending = Sending(store)
    store.do(lose_leases, ("sim", True))
    store.act(lambda connection: cancel_submission(connection, 1, 5_000))
    sending.answer("?")
    assert (sending.state, sending.paid_back()) == (State.CANCELLED, 1_000)


def test_a_payload_is_one_part_of_a_message_that_cost_three(store: Store) -> None:
    sending = Sending(store, parts=3)
    sending.answer("a")
    assert sending.state is State.SENT
    sending.report("a:UNDELIV")
    assert (sending.state, sending.paid_back()) == (State.FAILED, 3_000)


def test_a_message_that_left_in_more_parts_than_it_cost(store: Store) -> None:
    sending = Sending(store, parts=1)
    sending.answer("a", "b")
    sending.report("a:DELIVRD")
    assert sending.state is State.SENT
    sending.report("b:UNDELIV")
    assert (sending.state, sending.paid_back()) == (State.FAILED, 500)

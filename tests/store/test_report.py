"""Reports that survive reality: ids spelled otherwise, used again or missing; reports early, late, of held messages."""

from functools import partial
from typing import Any

import pytest

from yizhan.model.carriage import Receipt
from yizhan.model.message import State
from yizhan.model.settings import RefundRule
from yizhan.store.report import Reported, close_unreported, settle_held, settle_receipts, unreported
from yizhan.wire.smpp.receipts import IdSpelling, keys_of_report

from .rows import Store
from .test_settle import Sending

FAILED = RefundRule.FAILED
NUMBER = "+8613800000000"
EVERY = tuple(IdSpelling)


def receipt(carrier_id: str, word: str = "DELIVRD", number: str = NUMBER, at_ms: int = 8_000) -> Receipt:
    """As a channel brings it that does not know yet how its carrier spells ids."""
    keys = keys_of_report(carrier_id, EVERY) if carrier_id else ()
    return Receipt(keys, word, at_ms, number, carrier_id)


def report(store: Store, *receipts: Receipt) -> list[str]:
    """Bring them: by which key each was found."""
    (found,) = store.do(settle_receipts, Reported("sim", receipts, FAILED))
    return found.keys


SPELLINGS = {
    "same": ("1000001", "1000001"),
    "hexadecimal": ("1000001", "f4241"),
    "decimal": ("F4241", "1000001"),
    "padded": ("1000001", "00000001000001"),
    "another case": ("abc-1", "ABC-1"),
}


@pytest.mark.parametrize("early", [False, True], ids=["after the answer", "before the answer"])
@pytest.mark.parametrize(("answer", "said"), SPELLINGS.values(), ids=SPELLINGS.keys())
def test_spellings(store: Store, answer: str, said: str, early: bool) -> None:
    sending = Sending(store)
    if early:
        assert report(store, receipt(said)) == [""]
        assert sending.state.name == "SENDING"
        sending.answer(answer)
    else:
        sending.answer(answer)
        (key,) = report(store, receipt(said))
        assert key
    assert sending.state is State.DELIVERED
    assert store.rows("SELECT * FROM parked_receipts") == []


def test_another_spelling_counts_only_for_the_right_number(store: Store) -> None:
    """10 is 16 in decimal: without the number two messages would look alike."""
    sending = Sending(store)
    sending.answer("16")
    report(store, receipt("10", number="+8613911111111"))
    assert sending.state.name == "SENT"
    report(store, receipt("10"))
    assert sending.state is State.DELIVERED


def test_an_id_that_is_used_again_means_the_newest_part(store: Store) -> None:
    first = Sending(store)
    first.answer("7")
    report(store, receipt("7"))
    second = Sending.__new__(Sending)
    second.__dict__.update(first.__dict__)
    from yizhan.store.accept import accept

    from .rows import admitted

    store.do(accept, admitted(first.account))
    second.claim()
    second.answer("7")
    assert (first.state, second.state) == (State.DELIVERED, State.SENT)
    report(store, receipt("7", "UNDELIV"))
    assert (first.state, second.state) == (State.DELIVERED, State.FAILED)
    report(store, receipt("7", "UNDELIV"))
    assert store.faults() == []


def test_the_number_tells_two_parts_with_one_id_apart(store: Store) -> None:
    from yizhan.store.accept import accept

    from .rows import admitted, recipient

    one = Sending(store)
    one.answer("7")
    store.do(accept, admitted(one.account, recipient("+85291234567")))
    other = Sending.__new__(Sending)
    other.__dict__.update(one.__dict__)
    other.claim()
    other.answer("7")
    report(store, receipt("7", number=NUMBER))
    assert (one.state, other.state) == (State.DELIVERED, State.SENT)
    report(store, receipt("7", number="+85291234567"))
    assert other.state is State.DELIVERED


def test_a_carrier_that_names_no_number_is_believed_when_the_id_is_the_same(store: Store) -> None:
    sending = Sending(store)
    sending.answer("1000001")
    assert report(store, receipt("f4241", number="")) == [""]
    assert sending.state.name == "SENT", "another spelling needs the number"
    assert report(store, receipt("1000001", number="")) == [""]
    assert sending.state is State.DELIVERED


@pytest.mark.parametrize("number", [NUMBER, ""], ids=["with its number", "without"])
def test_without_an_id_the_oldest_message_to_the_number(store: Store, number: str) -> None:
    sending = Sending(store, parts=2)
    sending.answer("a", "b")
    report(store, receipt("", number=number))
    assert sending.state.name == "SENT"
    report(store, receipt("", number=number))
    assert sending.state is (State.DELIVERED if number else State.SENT)


def test_two_without_an_id_in_one_batch(store: Store) -> None:
    sending = Sending(store, parts=2)
    sending.answer("a", "b")
    report(store, receipt(""), receipt("", "UNDELIV"))
    assert (sending.state, sending.paid_back()) == (State.FAILED, 1_000)


def test_without_an_id_before_the_answer(store: Store) -> None:
    sending = Sending(store)
    report(store, receipt(""))
    assert store.value("SELECT count(*) FROM parked_receipts") == 1
    sending.answer("a")
    assert sending.state is State.DELIVERED
    assert store.value("SELECT count(*) FROM parked_receipts") == 0


def test_a_part_that_was_taken_without_an_id_is_found_by_its_number(store: Store) -> None:
    from yizhan.model.carriage import Answer
    from yizhan.model.outcome import Outcome
    from yizhan.store.settle import Answered, Manner, settle_answers

    sending = Sending(store)
    taken = Answer(sending.message_id, 1, 1, Outcome.TAKEN, "", "", 5_000)
    store.do(settle_answers, Answered("sim", [taken], Manner(FAILED)))
    assert sending.state.name == "SENT"
    report(store, receipt(""))
    assert sending.state is State.DELIVERED


# -- held messages


def held(store: Store, **more: Any) -> Sending:
    """A message whose answer was lost, on a channel that holds such."""
    sending = Sending(store, **more)
    sending.answer(*["?"] * sending.parts, resend=False)
    return sending


def test_a_report_for_its_number_frees_a_held_message(store: Store) -> None:
    sending = held(store)
    report(store, receipt("4711", "UNDELIV"))
    assert sending.state.name == "UNCERTAIN", "the answer that names it may be under way"
    assert store.do(settle_held, ("sim", 9_000, 10, FAILED)) == [1]
    assert (sending.state, sending.word, sending.paid_back()) == (State.FAILED, "UNDELIV", 1_000)
    assert store.rows("SELECT carrier_id, channel FROM parts") == [("4711", "sim")]
    report(store, receipt("4711", "UNDELIV"))
    assert sending.paid_back() == 1_000


def test_a_held_message_of_two_parts_needs_two_reports(store: Store) -> None:
    sending = held(store, parts=2)
    report(store, receipt("1"))
    store.do(settle_held, ("sim", 9_000, 10, FAILED))
    assert sending.state.name == "UNCERTAIN"
    report(store, receipt("2"))
    store.do(settle_held, ("sim", 9_000, 10, FAILED))
    assert sending.state is State.DELIVERED


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(receipt("1", number="+8613911111111"), id="for another number"),
        pytest.param(receipt("1", at_ms=100), id="from before it was sent"),
        pytest.param(receipt("1", number=""), id="for no number"),
    ],
)
def test_other_reports_free_nothing(store: Store, other: Receipt) -> None:
    sending = held(store)
    report(store, other)
    assert store.do(settle_held, ("sim", 9_000, 10, FAILED)) == [0]
    assert sending.state.name == "UNCERTAIN"


def test_nobody_can_say_which_of_two_was_meant(store: Store) -> None:
    from yizhan.store.accept import accept

    from .rows import admitted

    one = held(store)
    store.do(accept, admitted(one.account))
    one.claim()
    one.answer("?", resend=False)
    report(store, receipt("1"))
    assert store.do(settle_held, ("sim", 9_000, 10, FAILED)) == [0]
    assert set(store.states().values()) == {State.UNCERTAIN}


# -- missing reports


def test_a_report_that_never_comes(store: Store) -> None:
    sending = Sending(store, parts=2)
    sending.answer("a", "b")
    report(store, receipt("a"))
    assert store.ask(partial(unreported, channel="sim", before_ms=1_000, limit=10)) == [], "not yet"
    late = store.ask(partial(unreported, channel="sim", before_ms=50_000, limit=10))
    assert late == [sending.message_id]
    store.do(close_unreported, (late, 99_000))
    assert (sending.state, sending.paid_back()) == (State.UNKNOWN, 0)
    assert store.rows("SELECT state FROM parts ORDER BY part") == [(State.DELIVERED,), (State.UNKNOWN,)]
    report(store, receipt("b", "UNDELIV"))
    assert (sending.state, sending.paid_back()) == (State.FAILED, 1_000), "one that comes later still counts"
    assert store.faults() == []


def test_how_long_a_report_took(store: Store) -> None:
    """From the answer to the first final report; a repeated one, and one of an unknown part, tell nothing."""
    sending = Sending(store)
    sending.answer("A")
    answered_at_ms = store.value("SELECT answered_at_ms FROM parts")
    late = receipt("A", at_ms=answered_at_ms + 2_500)
    batches = [[receipt("A", "ACCEPTD"), receipt("B")], [late, late], [late], [receipt("A", "UNDELIV")]]
    told = [store.do(settle_receipts, Reported("sim", batch, FAILED))[0].delays_ms for batch in batches]
    assert told == [[], [2_500], [], []]

"""The outbox by itself: letters of several parts whose parts meet different ends, over the session machine."""

from typing import Any

import pytest

from yizhan.carrier.outbox import Outbox, Part, written_as
from yizhan.model.channel import ChannelSettings
from yizhan.model.outcome import Outcome
from yizhan.wire.session import Role, Session
from yizhan.wire.smpp.codec import Pdu, frame
from yizhan.wire.smpp.dialect import SMPP34
from yizhan.wire.smpp.statuses import Status
from yizhan.wire.smpp.table import Command

from .harness import letter

LONG = "长" * 150 + "【驿站】"  # three parts
SETTINGS = ChannelSettings(name="a", kind="smpp", host="h", system_id="s", source="1069")


class Works:
    """An outbox and a bound session with a window."""

    def __init__(self, window: int = 10, **changes: Any) -> None:
        self.outbox = Outbox(SETTINGS.model_copy(update=changes))
        self.session: Session[Pdu, Part] = Session(SMPP34, Role.CLIENT, 0.0, window=window)
        self.session.bind(Pdu(Command.BIND_TRANSCEIVER), 0.0)
        self.session.receive_data(frame(Command.BIND_TRANSCEIVER_RESP, 0, 1, b"a\0"), 0.0)
        self.out: list[Part] = []

    def submit(self, most: int = 100, now_s: float = 0.0) -> int:
        """Write what may be written."""
        waiting = list(self.outbox.waiting)
        count = self.outbox.submit(self.session, min(most, self.session.free), now_s, 1)
        self.out += waiting[:count]
        return count

    def ends(self) -> dict[int, list[Outcome]]:
        """message -> outcomes, of the letters that have ended since the last call."""
        return {hand.letter.message_id: [end.outcome for end in hand.ends if end] for hand in self.outbox.take_ended()}


def test_a_letter_is_reported_when_all_its_parts_have_ended() -> None:
    works = Works()
    works.outbox.add([letter(1, text=LONG), letter(2)], 0.0)
    assert works.submit() == 4
    one, two, three, other = works.out
    works.outbox.answered(two, 0, "b", 0, 1)
    works.outbox.answered(other, 0, "x", 0, 1)
    assert works.ends() == {2: [Outcome.TAKEN]}
    works.outbox.answered(three, Status.RINVDSTADR, "", 0, 1)
    assert works.ends() == {}
    works.outbox.answered(one, 0, "a", 0, 1)
    assert works.ends() == {1: [Outcome.TAKEN, Outcome.TAKEN, Outcome.REFUSED]}


def test_of_an_uncertain_letter_no_more_is_written() -> None:
    works = Works(window=2)
    works.outbox.add([letter(1, text=LONG), letter(2)], 0.0)
    assert works.submit() == 2
    works.outbox.lost(works.out, "LINKLOST", 1)
    assert works.ends() == {1: [Outcome.UNCERTAIN, Outcome.UNCERTAIN, Outcome.UNWRITTEN]}
    assert [part.hand.letter.message_id for part in works.outbox.waiting] == [2], "the other one waits on"


def test_what_was_throttled_is_not_begun() -> None:
    works = Works()
    works.outbox.add([letter(1), letter(2)], 0.0)
    works.submit()
    assert not works.outbox.answered(works.out[0], Status.RTHROTTLED, "", 0, 1)
    works.outbox.give_back(1)
    assert works.ends() == {1: [Outcome.UNWRITTEN]}, "it never got there; the other one is still out"
    works.outbox.lost(works.out[1:], "LINKLOST", 1)
    assert works.ends() == {2: [Outcome.UNCERTAIN]}


def test_a_throttled_part_keeps_its_place() -> None:
    works = Works()
    works.outbox.add([letter(1), letter(2)], 0.0)
    works.submit(1)
    works.outbox.answered(works.out[0], Status.RMSGQFUL, "", 0, 1)
    assert [part.hand.letter.message_id for part in works.outbox.waiting] == [1, 2]


def test_a_letter_that_is_half_there_waits_for_the_next_bind() -> None:
    works = Works(window=1)
    works.outbox.add([letter(1, text=LONG)], 0.0)
    works.submit()
    works.outbox.answered(works.out[0], 0, "a", 0, 1)
    works.outbox.give_back(1)
    assert works.ends() == {} and len(works.outbox.waiting) == 2
    works.outbox.give_back(1, everything=True)
    assert works.ends() == {1: [Outcome.TAKEN, Outcome.UNCERTAIN, Outcome.UNCERTAIN]}


def test_a_part_that_is_refused_for_the_moment_comes_again_a_few_times() -> None:
    works = Works()
    works.outbox.add([letter(1, text=LONG)], 0.0)
    works.submit()
    one, two, three = works.out
    works.outbox.answered(one, 0, "a", 0, 1)
    works.outbox.answered(three, 0, "c", 0, 1)
    now_s = 0.0
    for pause_s in (1, 2, 4):
        works.outbox.answered(two, Status.RSYSERR, "", now_s, 1)
        assert works.outbox.next_due_s() == now_s + pause_s
        now_s += pause_s
        works.outbox.due(now_s)
        assert works.submit(now_s=now_s) == 1
    works.outbox.answered(two, Status.RSYSERR, "", now_s, 1)
    assert works.ends() == {1: [Outcome.TAKEN, Outcome.BUSY, Outcome.TAKEN]}


def test_a_number_that_does_not_fit_is_barred_and_the_rest_goes_on() -> None:
    works = Works()
    works.outbox.add([letter(1, "+" + "1" * 30), letter(2)], 0.0)
    assert works.submit() == 1
    assert works.ends() == {1: [Outcome.BARRED]}


@pytest.mark.parametrize(
    ("number", "form", "written"),
    [
        ("+8613800000000", "digits", "8613800000000"),
        ("+8613800000000", "plus", "+8613800000000"),
        ("+8613800000000", "mainland", "13800000000"),
        ("+85291234567", "mainland", "85291234567"),
    ],
)
def test_how_numbers_are_written(number: str, form: str, written: str) -> None:
    assert written_as(number, form) == written

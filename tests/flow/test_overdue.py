"""What has waited too long for a carrier, with a clock that the tests move."""

import pytest

from yizhan.flow.mailroom import Mailroom
from yizhan.flow.meter import Meter
from yizhan.flow.overdue import Overdue
from yizhan.flow.settle import Settle
from yizhan.model.carriage import Answer, LongReply, Receipt
from yizhan.model.channel import ChannelSettings
from yizhan.model.message import Lane
from yizhan.model.outcome import Outcome
from yizhan.model.settings import RefundRule
from yizhan.policy.turns import Crowd
from yizhan.store.committer import Turn
from yizhan.store.queue import Claim, claim

from .house import House, call

NUMBER = "+8613800000000"


class Works:
    """A house whose only channel is played by the test."""

    def __init__(self, house: House, uncertain: str = "hold") -> None:
        self.house = house
        carrier = {"kind": "smpp", "host": "127.0.0.1", "system_id": "me"}
        channel = ChannelSettings.model_validate(
            {
                "name": "sim",
                **carrier,
                "uncertain": uncertain,
                "uncertain_hold_s": 100,
                "receipt_wait_s": 200,
                "reassembly_s": 50,
            }
        )
        mailroom = Mailroom(house.database, house.living, house.policy, lambda _: "1069", Meter())
        self.settle = Settle(
            house.database, house.policy, mailroom, lambda _: uncertain == "resend", lambda: None, meter=Meter()
        )
        self.overdue = Overdue(house.database, lambda: [channel], mailroom, house.clock, RefundRule.FAILED)
        house.add()

    def send(self, outcome: Outcome) -> int:
        """A message that the channel took and answered so: its id."""
        house = self.house
        assert not isinstance(house.run(house.reception.submit(call())), int)
        wish = [Claim("sim", Crowd(Lane.URGENT, 1), 1, house.clock.now_ms())]

        async def lease() -> int:
            ((letter,),) = await house.database.write(Turn.CARRIAGE, claim, wish)
            given = "a" if outcome is Outcome.TAKEN else ""
            answer = Answer(letter.message_id, 1, 1, outcome, given, "", house.clock.now_ms())
            await self.settle.answers("sim", [answer])
            return int(letter.message_id)

        return house.run(lease())

    def state(self) -> str:
        """Where the message stands."""
        (message,) = self.house.run(self.house.ask.messages()).messages
        return message.state

    def later(self, seconds: float) -> str:
        """Time passes, and the overdue are looked at: where the message stands."""
        self.house.clock.move(seconds)
        self.house.run(self.overdue.look())
        self.house.run(self.overdue.close_unreported())
        return self.state()


@pytest.fixture
def works(house: House) -> Works:
    """Of a channel that holds what is uncertain."""
    return Works(house)


def test_a_held_message_fails_in_the_end_and_is_paid_back(works: Works) -> None:
    works.send(Outcome.UNCERTAIN)
    assert works.state() == "uncertain"
    assert works.later(99) == "uncertain"
    assert works.later(2) == "failed"
    assert works.house.run(works.house.ask.account("C1")).balance == 100


def test_a_report_for_its_number_comes_first(works: Works) -> None:
    works.send(Outcome.UNCERTAIN)
    receipt = Receipt(("4711",), "DELIVRD", works.house.clock.now_ms() + 1, NUMBER, "4711")
    works.house.run(works.settle.receipts("sim", [receipt]))
    assert works.later(10) == "uncertain", "its answer may still be under way"
    assert works.later(30) == "delivered"


def test_a_report_that_never_comes(works: Works) -> None:
    works.send(Outcome.TAKEN)
    assert works.later(199) == "sent"
    assert works.later(2) == "unknown"
    works.house.run(works.settle.receipts("sim", [Receipt(("A",), "DELIVRD", 1, NUMBER, "a")]))
    assert works.state() == "delivered"


def test_a_long_reply_with_a_part_missing(works: Works) -> None:
    now_ms = works.house.clock.now_ms()
    parts = [LongReply(NUMBER, "1069", 7, 3, part, f"{part}", now_ms) for part in (1, 3)]
    works.house.run(works.settle.long_replies("sim", parts))
    works.house.clock.move(40)
    works.house.run(works.overdue.look())
    assert works.house.run(works.house.ask.replies(None, False, 10)) == []
    works.house.clock.move(20)
    works.house.run(works.overdue.look())
    (reply,) = works.house.run(works.house.ask.replies(None, False, 10))
    assert (reply.text, reply.account) == ("1…3", "C1")
    works.house.run(works.overdue.look())
    assert len(works.house.run(works.house.ask.replies(None, False, 10))) == 1


def test_an_operators_word(works: Works) -> None:
    message_id = works.send(Outcome.UNCERTAIN)
    works.house.run(works.house.operate.send_again("op", message_id))
    assert works.state() == "queued"
    works.house.run(works.house.operate.give_up("op", message_id))
    assert works.state() == "failed"
    actions = [view.action for view in works.house.run(works.house.ask.audit(10))]
    assert actions[:2] == ["message give-up", "message resend"]

"""Journeys: to which submission a message and a carrier's part belong."""

from functools import partial

from yizhan.model.carriage import Answer
from yizhan.model.message import Lane
from yizhan.model.outcome import Outcome
from yizhan.model.settings import RefundRule
from yizhan.policy.turns import Crowd
from yizhan.store.accept import accept
from yizhan.store.journeys import journeys_of, part_journeys
from yizhan.store.queue import Claim, claim
from yizhan.store.settle import Answered, Manner, settle_answers

from .rows import Store, admitted, recipient


def test_the_way_back_to_the_submission(store: Store) -> None:
    account = store.account(credit_milli=10_000)
    (submission,) = store.do(
        accept, admitted(account, recipient("+8613800000001"), recipient("+8613800000002"), parts=2)
    )
    ((letters,),) = store.do(claim, [Claim("sim", Crowd(Lane.URGENT, account), 9, 2_000)])
    first, second = (letter.message_id for letter in letters)
    found = store.ask(partial(journeys_of, message_ids=[first, 1]))
    assert list(found) == [first]
    journey = found[first]
    assert (journey.account, journey.submission, journey.operation) == ("C1", submission, "IntlSend")
    assert (journey.accepted_at_ms, journey.send_at_ms, journey.claimed_at_ms) == (1_000, None, 2_000)
    assert (journey.lane, journey.parts, journey.attempts) == (Lane.URGENT, 2, 1)

    answers = [
        Answer(id, part, 2, Outcome.TAKEN, f"{id}-{part}", "", 3_000) for id in (first, second) for part in (1, 2)
    ]
    store.do(settle_answers, Answered("sim", answers, Manner(RefundRule.FAILED)))
    keys = [key for (key,) in store.rows("SELECT carrier_key FROM parts ORDER BY message_id, part")]
    assert len(keys) == 4
    parts = store.ask(partial(part_journeys, channel="sim", keys=keys[1:3]))
    assert [(one.journey.message_id, one.number[-1], one.part, one.answered_at_ms) for one in parts] == [
        (first, "1", 2, 3_000),
        (second, "2", 1, 3_000),
    ]
    assert store.ask(partial(part_journeys, channel="another", keys=keys)) == []

"""A release: a copy that costs nothing, and that no program of the account is told of."""

import pytest

from yizhan.model.carriage import Answer
from yizhan.model.channel import ChannelSettings
from yizhan.model.handout import Queue
from yizhan.model.message import Lane, State
from yizhan.model.outcome import Outcome
from yizhan.model.settings import RefundRule
from yizhan.policy.route_key import bound_to
from yizhan.policy.turns import Crowd
from yizhan.store.channels import know_channels
from yizhan.store.handouts import Wish, lease
from yizhan.store.queue import Claim, claim
from yizhan.store.release import Original, find_original, send_copy
from yizhan.store.settle import Answered, Manner, settle_answers

from .rows import Store
from .test_settle import Sending


def original_of(store: Store, message_id: int) -> Original:
    """There is one."""
    found = store.ask(lambda connection: find_original(connection, message_id))
    assert found is not None
    return found


@pytest.mark.parametrize("webhook", [False, True], ids=["fetched", "pushed"])
def test_a_copy(store: Store, webhook: bool) -> None:
    sending = Sending(store)
    sending.answer("a")
    sending.report("a:DELIVRD")
    assert not original_of(store, sending.message_id).simulated, "nobody knows what channel it was"
    store.act(lambda connection: know_channels(connection, [ChannelSettings(name="sim")], 1_000))
    original = original_of(store, sending.message_id)
    assert (original.simulated, original.state, original.released) == (True, State.DELIVERED, {})
    if webhook:
        store.sql(
            "INSERT INTO webhooks (account_id, url, secret, created_at_ms) VALUES (:id, 'https://x', 's', 0)",
            id=sending.account,
        )

    copy = store.act(lambda connection: send_copy(connection, original, "real", 5_000))
    assert (copy.price, copy.number, copy.state) == (0, "+8613800000000", "queued")
    wish = Claim("real", Crowd(Lane.URGENT, sending.account, bound_to("real")), 9, 5_000)
    (((letter,),),) = store.do(claim, [wish])
    assert letter.message_id == copy.id
    refusal = Answer(copy.id, 1, 1, Outcome.REFUSED, "", "RINVDSTADR", 6_000)
    store.do(settle_answers, Answered("real", [refusal], Manner(RefundRule.FAILED)))
    assert store.states()[copy.id] is State.FAILED
    assert store.balance(sending.account) == sending.credit_milli - 1_000
    assert store.faults() == []

    told = [store.do(lease, Wish(queue, sending.account, 9, 7_000, 9_000))[0] for queue in Queue]
    items = [item for leased in told for _, item in leased.lease.keys]
    assert items == [sending.message_id]
    assert store.value("SELECT count(*) FROM pushes") == 0

"""Urgent before bulk, bulk never last for ever, accounts in turns."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.model.message import Lane
from yizhan.policy.turns import Turns

URGENT, BULK = Lane.URGENT, Lane.BULK


def drain(turns: Turns, waiting: Counter[tuple[Lane, int]], slots: int) -> Counter[tuple[Lane, int]]:
    """One round: take, send at most what waits, add again who got its whole share. What was sent."""
    sent: Counter[tuple[Lane, int]] = Counter()
    shares = turns.take(slots)
    assert sum(share for _, _, share in shares) <= slots
    assert all(share >= 1 for _, _, share in shares)
    for lane, account, share in shares:
        sent[lane, account] += min(share, waiting[lane, account])
        if waiting[lane, account] >= share:
            turns.add([(lane, account)])
    waiting.subtract(sent)
    return sent


def test_one_lane_takes_everything() -> None:
    turns = Turns()
    assert turns.take(10) == [] and not turns
    turns.add([(BULK, 1)])
    assert turns and turns.take(10) == [(BULK, 1, 10)] and not turns


def test_accounts_share_a_lane() -> None:
    turns = Turns()
    turns.add([(BULK, 1), (BULK, 2), (BULK, 3), (BULK, 2)])
    assert turns.take(10) == [(BULK, 1, 3), (BULK, 2, 3), (BULK, 3, 4)]


def test_urgent_first_and_a_quarter_for_bulk() -> None:
    turns = Turns()
    turns.add([(BULK, 1), (URGENT, 2)])
    assert turns.take(100) == [(URGENT, 2, 75), (BULK, 1, 25)]


def test_no_slots_end_no_turn() -> None:
    turns = Turns()
    turns.add([(BULK, 1), (URGENT, 2)])
    assert turns.take(0) == [] and turns.take(4) == [(URGENT, 2, 3), (BULK, 1, 1)]


def test_a_quarter_with_single_slots_too() -> None:
    turns = Turns()
    sent: Counter[Lane] = Counter()
    for _ in range(400):
        turns.add([(BULK, 1), (URGENT, 2)])
        sent.update(lane for lane, _, _ in turns.take(1))
    assert sent == {URGENT: 300, BULK: 100}


def test_single_slots_go_round() -> None:
    turns = Turns()
    turns.add([(BULK, account) for account in range(5)])
    order = []
    for _ in range(10):
        ((lane, account, _),) = turns.take(1)
        turns.add([(lane, account)])
        order.append(account)
    assert order == [0, 1, 2, 3, 4] * 2


lanes_and_accounts = st.dictionaries(
    st.tuples(st.sampled_from(Lane), st.integers(1, 5)), st.integers(1, 40), min_size=1, max_size=8
)


@settings(max_examples=200, deadline=None)
@given(lanes_and_accounts, st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_everything_is_sent_and_nobody_starves(waiting: dict[tuple[Lane, int], int], slots: list[int]) -> None:
    """Whoever waits is served within a bounded number of slots, and no round with somebody waiting sends nothing."""
    left = Counter(waiting)
    turns = Turns()
    turns.add(left)
    offered = 0
    first_served: dict[tuple[Lane, int], int] = {}
    while any(left.values()):
        for count in slots:
            offered += count
            for who, sent in drain(turns, left, count).items():
                if sent:
                    first_served.setdefault(who, offered)
    assert set(first_served) == set(waiting)
    # At worst bulk gets one slot of four, and one slot each time round its accounts.
    assert max(first_served.values()) <= 4 * (len(waiting) + 1) * max(slots)
    # A round may find a queue empty that was just emptied, nothing more.
    assert offered <= 4 * (sum(waiting.values()) + len(waiting) + 1) * max(slots)

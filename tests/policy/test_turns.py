"""Urgent before bulk, bulk never last for ever, accounts in turns."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from yizhan.model.message import Lane
from yizhan.policy.turns import Crowd, Turns

URGENT, BULK = Lane.URGENT, Lane.BULK


def drain(turns: Turns, waiting: Counter[Crowd], slots: int) -> Counter[Crowd]:
    """One round: take, send at most what waits, add again who got its whole share. What was sent."""
    sent: Counter[Crowd] = Counter()
    shares = turns.take(slots)
    assert sum(share for _, share in shares) <= slots
    assert all(share >= 1 for _, share in shares)
    for crowd, share in shares:
        sent[crowd] += min(share, waiting[crowd])
        if waiting[crowd] >= share:
            turns.add([crowd])
    waiting.subtract(sent)
    return sent


def test_one_lane_takes_everything() -> None:
    turns = Turns()
    assert turns.take(10) == [] and not turns
    turns.add([Crowd(BULK, 1)])
    assert turns and turns.take(10) == [(Crowd(BULK, 1), 10)] and not turns


def test_accounts_share_a_lane() -> None:
    turns = Turns()
    turns.add([Crowd(BULK, 1), Crowd(BULK, 2), Crowd(BULK, 3), Crowd(BULK, 2)])
    assert turns.take(10) == [(Crowd(BULK, 1), 3), (Crowd(BULK, 2), 3), (Crowd(BULK, 3), 4)]


def test_urgent_first_and_a_quarter_for_bulk() -> None:
    turns = Turns()
    turns.add([Crowd(BULK, 1), Crowd(URGENT, 2)])
    assert turns.take(100) == [(Crowd(URGENT, 2), 75), (Crowd(BULK, 1), 25)]


def test_no_slots_end_no_turn() -> None:
    turns = Turns()
    turns.add([Crowd(BULK, 1), Crowd(URGENT, 2)])
    assert turns.take(0) == [] and turns.take(4) == [(Crowd(URGENT, 2), 3), (Crowd(BULK, 1), 1)]


def test_a_quarter_with_single_slots_too() -> None:
    turns = Turns()
    sent: Counter[Lane] = Counter()
    for _ in range(400):
        turns.add([Crowd(BULK, 1), Crowd(URGENT, 2)])
        sent.update(crowd.lane for crowd, _ in turns.take(1))
    assert sent == {URGENT: 300, BULK: 100}


def test_single_slots_go_round() -> None:
    turns = Turns()
    turns.add([Crowd(BULK, account) for account in range(5)])
    order = []
    for _ in range(10):
        ((crowd, _),) = turns.take(1)
        turns.add([crowd])
        order.append(crowd.account_id)
    assert order == [0, 1, 2, 3, 4] * 2


crowds = st.dictionaries(
    st.builds(Crowd, st.sampled_from(Lane), st.integers(1, 5), st.sampled_from(["", "86.cm", "852"])),
    st.integers(1, 40),
    min_size=1,
    max_size=8,
)


@settings(max_examples=200, deadline=None)
@given(crowds, st.lists(st.integers(1, 20), min_size=1, max_size=5))
def test_everything_is_sent_and_nobody_starves(waiting: dict[Crowd, int], slots: list[int]) -> None:
    """Whoever waits is served within a bounded number of slots, and no round with somebody waiting sends nothing."""
    left = Counter(waiting)
    turns = Turns()
    turns.add(left)
    offered = 0
    first_served: dict[Crowd, int] = {}
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


def test_an_account_gets_one_turn_however_many_crowds_it_has() -> None:
    turns = Turns()
    turns.add([Crowd(BULK, 1, "86.cm"), Crowd(BULK, 1, "86.cu"), Crowd(BULK, 1, "852"), Crowd(BULK, 2)])
    shares = turns.take(12)
    assert sum(share for crowd, share in shares if crowd.account_id == 1) == 6
    assert [share for crowd, share in shares if crowd.account_id == 2] == [6]


def test_only_those_that_are_asked_for() -> None:
    turns = Turns()
    one, two = Crowd(BULK, 1), Crowd(URGENT, 2)
    turns.add([one, two])
    assert turns.take(8, frozenset({one})) == [(one, 8)]
    assert list(turns) == [two]

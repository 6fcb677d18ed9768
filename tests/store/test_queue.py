"""The queue: who waits, claims and their leases, promotion, and what a crash leaves."""

from yizhan.model.carriage import Letter
from yizhan.model.message import Lane, State
from yizhan.model.submission import Encoding
from yizhan.policy.turns import Crowd
from yizhan.store.accept import accept
from yizhan.store.queue import Claim, Promotion, claim, forget_parked, lose_leases, promote, waiting
from yizhan.store.schema import FIRST_MESSAGE_KEY

from .rows import Store, admitted, recipient

URGENT, BULK = Lane.URGENT, Lane.BULK


def claimed(
    store: Store, lane: Lane, account: int, limit: int, now_ms: int = 10_000, channel: str = "sim"
) -> list[int]:
    """The ids of one claim, counted from the first message's."""
    ((letters,),) = store.do(claim, [Claim(channel, Crowd(lane, account), limit, now_ms)])
    return [letter.message_id - FIRST_MESSAGE_KEY for letter in letters]


def test_claims_are_of_one_lane_and_one_account(store: Store) -> None:
    one, two = store.account(credit_milli=100_000), store.account("C2", credit_milli=100_000)
    store.do(accept, admitted(one, lane=BULK))
    store.do(accept, admitted(two))
    store.do(accept, admitted(one))
    assert store.ask(waiting) == {Crowd(URGENT, one), Crowd(URGENT, two), Crowd(BULK, one)}
    assert claimed(store, URGENT, one, 10) == [2]
    assert store.ask(waiting) == {Crowd(URGENT, two), Crowd(BULK, one)}
    assert claimed(store, BULK, two, 10) == []
    assert claimed(store, BULK, one, 10) == [0]
    assert claimed(store, URGENT, two, 10) == [1]
    assert store.ask(waiting) == set()


def test_oldest_first_and_at_most_so_many(store: Store) -> None:
    account = store.account(credit_milli=100_000)
    for accepted_at_ms in (3_000, 1_000, 2_000, 1_000, 11_000):
        store.do(accept, admitted(account, accepted_at_ms=accepted_at_ms))
    assert claimed(store, URGENT, account, 3) == [1, 2, 3]
    assert claimed(store, URGENT, account, 3) == [0], "what is due later than now stays"


def test_a_lease_is_what_the_channel_needs_to_know(store: Store) -> None:
    account = store.account(credit_milli=100_000)
    store.do(accept, admitted(account, recipient("+85291234567"), parts=3, cell="77", text="t", encoding=Encoding.GSM7))
    ((letters,),) = store.do(claim, [Claim("sim", Crowd(URGENT, account), 1, 5_000)])
    assert letters == [Letter(FIRST_MESSAGE_KEY, "+85291234567", "77", "t", Encoding.GSM7, 3)]
    assert store.rows("SELECT state, channel, claimed_at_ms, attempts FROM messages") == [
        (State.SENDING, "sim", 5_000, 1)
    ]


def test_claims_in_one_batch_do_not_share_a_message(store: Store) -> None:
    account = store.account(credit_milli=100_000)
    store.do(accept, admitted(account, *[recipient(f"+861380000000{n}") for n in range(5)]))
    wish = Claim("sim", Crowd(URGENT, account), 2, 5_000)
    rounds = store.do(claim, [wish, wish], [wish, wish])
    ids = [letter.message_id for letters in rounds for claimed in letters for letter in claimed]
    assert len(ids) == len(set(ids)) == 5


def test_a_claim_larger_than_a_statement_has_parameters(store: Store) -> None:
    account = store.account(credit_milli=100_000_000)
    store.do(accept, *[admitted(account, recipient(price_milli=0))] * 33_000)
    assert len(claimed(store, URGENT, account, 33_000)) == 33_000


def test_promotion(store: Store) -> None:
    account = store.account(credit_milli=100_000)
    for send_at_ms in (5_000, 3_000, 4_000, 9_000):
        later = recipient(state=State.SCHEDULED)
        store.do(accept, admitted(account, later, send_at_ms=send_at_ms, lane=BULK))
    assert store.do(promote, (2_999, 10)) == [Promotion(set(), 3_000)]
    assert store.do(promote, (5_000, 2)) == [Promotion({Crowd(BULK, account)}, 5_000)], "the earliest two"
    assert store.do(promote, (5_000, 2)) == [Promotion({Crowd(BULK, account)}, 9_000)]
    assert store.do(promote, (9_000, 2)) == [Promotion({Crowd(BULK, account)}, None)]
    assert store.do(promote, (99_000, 2)) == [Promotion(set(), None)]
    assert claimed(store, BULK, account, 9, now_ms=9_000) == [0, 1, 2, 3]


def test_lost_leases(store: Store) -> None:
    account = store.account(credit_milli=100_000)
    store.do(accept, admitted(account, *[recipient(f"+861380000000{n}") for n in range(5)]))
    claimed(store, URGENT, account, 2, channel="again")
    claimed(store, URGENT, account, 2, channel="held")
    assert store.do(lose_leases, ("again", True), ("held", False), ("other", True)) == [2, 2, 0]
    assert store.rows("SELECT state, uncertain, channel FROM messages ORDER BY id") == [
        (State.QUEUED, 1, "again"),
        (State.QUEUED, 1, "again"),
        (State.UNCERTAIN, 1, "held"),
        (State.UNCERTAIN, 1, "held"),
        (State.QUEUED, 0, None),
    ]
    assert store.do(lose_leases, ("again", True), ("held", False)) == [0, 0], "once only"
    assert claimed(store, URGENT, account, 9) == [0, 1, 4], "what is held is not sent"
    assert store.rows("SELECT attempts FROM messages ORDER BY id") == [(2,), (2,), (1,), (1,), (1,)]


def test_parked_receipts_are_forgotten(store: Store) -> None:
    for number, at_ms in enumerate((1_000, 2_000)):
        store.sql("INSERT INTO parked_receipts VALUES ('sim', :id, '', :id, 'DELIVRD', :at)", id=str(number), at=at_ms)
    assert store.act(lambda connection: forget_parked(connection, 2_000)) == 1
    assert store.rows("SELECT carrier_id FROM parked_receipts") == [("1",)]

"""Berths: who has what, what becomes of what a silent node was doing, and that several nodes never do a thing twice."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from postgres import Cluster
from yizhan.model.carriage import Answer, Receipt
from yizhan.model.handout import Queue
from yizhan.model.message import Lane, State
from yizhan.model.outcome import Outcome
from yizhan.model.reject import Refusal
from yizhan.model.settings import RefundRule
from yizhan.policy.turns import Crowd
from yizhan.store.accept import accept
from yizhan.store.berths import Beat, Tide, beat, lost_nodes, sign_off, sign_on
from yizhan.store.committer import Turn
from yizhan.store.handouts import Wish, lease
from yizhan.store.paces import Start, restore_intervals, start_intervals
from yizhan.store.queue import Claim, claim
from yizhan.store.report import Reported, settle_receipts
from yizhan.store.revisions import read_revisions, touch
from yizhan.store.settle import Answered, Manner, give_up, settle_answers
from yizhan.store.tellings import Told

from .rows import Store, admitted, recipient

EAST, WEST = "channel:east", "channel:west"
LEASE_MS = 1_000  # a busy machine may be that late with a beat, and hardly more
LONG_MS = 60_000  # a lease that does not end by itself
MANNER = Manner(RefundRule.FAILED)


class Node:
    """A node that says what the test wants it to."""

    def __init__(self, store: Store, name: str, *wanted: str, lease_ms: int = LEASE_MS) -> None:
        self.store = store
        sessions = store.database.sessions
        node_id = store.act(lambda connection: sign_on(connection, name, "1", sessions))
        self.said = Beat(node_id, sessions, wanted, (), lease_ms, lambda channel: channel == "east", Told(1, ()))

    def beat(self, **changes: Any) -> Tide:
        """A sign of life."""
        (tide,) = self.store.do(beat, replace(self.said, **changes))
        return tide

    def sign_off(self) -> None:
        """In good order."""
        self.store.act(lambda connection: sign_off(connection, self.said.node_id))


def let_lease_end() -> None:
    """Longer than any lease here lasts."""
    time.sleep(LEASE_MS / 1000 + 0.1)


def test_a_node_takes_what_is_free_and_no_more_than_its_share(stores: list[Store]) -> None:
    one = Node(stores[0], "one", EAST, WEST)
    assert set(one.beat().held) == {EAST, WEST}
    two = Node(stores[1], "two", EAST, WEST)
    tide = two.beat()
    assert (tide.held, tide.nodes, tide.at) == ({}, 2, {EAST: "one", WEST: "one"})
    tide = one.beat()
    assert len(tide.too_many) == 1, "it should give one back"
    name = tide.too_many[0]
    assert name not in one.beat(left=((name, tide.held[name]),)).held
    assert list(two.beat().held) == [name]
    assert one.beat().too_many == [] and one.beat().at == {name: "two"}


def test_epochs_only_grow_and_stay_while_a_berth_is_held(stores: list[Store]) -> None:
    one, two = Node(stores[0], "one", EAST), Node(stores[1], "two", EAST)
    epochs = [one.beat().held[EAST]]
    assert one.beat().held == {EAST: epochs[0]}
    let_lease_end()
    epochs.append(two.beat().held[EAST])
    assert one.beat().held == {}
    two.sign_off()
    epochs.append(one.beat().held[EAST])
    assert epochs == sorted(set(epochs))


def test_a_node_that_signs_off_leaves_its_berths_at_once(stores: list[Store]) -> None:
    one, two = Node(stores[0], "one", EAST), Node(stores[1], "two", EAST)
    one.beat()
    assert two.beat().held == {}
    one.sign_off()
    assert set(two.beat().held) == {EAST}


def test_a_node_is_lost_that_has_not_signed_off(stores: list[Store]) -> None:
    def lost() -> list[str]:
        return stores[0].ask(lambda connection: lost_nodes(connection, LEASE_MS))

    Node(stores[0], "one", EAST)
    gone = Node(stores[1], "gone", EAST)
    again = Node(stores[1], "again", EAST)
    assert lost() == []
    let_lease_end()
    one = Node(stores[0], "one", EAST)
    one.beat()
    assert lost() == ["again", "gone"], "one is there again"
    again.beat()
    assert lost() == ["gone"]
    gone.sign_off()
    assert lost() == []


HALVES = ("channel:east/1of2", "channel:east/2of2")
THIRDS = tuple(f"channel:east/{place}of3" for place in (1, 2, 3))


def give_back(node: Node, *names: str) -> Tide:
    """In good order, as a node does whose channels have finished."""
    held = node.beat().held
    return node.beat(left=tuple((name, held[name]) for name in names))


def test_one_node_has_all_shares_and_two_have_one_each(stores: list[Store]) -> None:
    names = [*HALVES, "channel:west/1of2", "channel:west/2of2"]
    one = Node(stores[0], "one", *names, lease_ms=LONG_MS)
    assert set(one.beat().held) == set(names)
    two = Node(stores[1], "two", *names, lease_ms=LONG_MS)
    two.beat()
    tide = one.beat()
    assert set(tide.too_many) == {"channel:east/2of2", "channel:west/2of2"}, "of each channel one stays"
    give_back(one, *tide.too_many)
    assert set(two.beat().held) == set(tide.too_many)
    assert one.beat().at == dict.fromkeys(tide.too_many, "two")


def test_a_share_that_is_lost_takes_only_its_own_messages_with_it(stores: list[Store]) -> None:
    one, two = Node(stores[0], "one", *HALVES), Node(stores[1], "two", *HALVES)
    ((mine, epoch),), ((_, other),) = one.beat().held.items(), two.beat().held.items()
    account = stores[0].account(credit_milli=10_000)
    stores[0].do(accept, admitted(account, recipient(), recipient("+8613900000000")))
    wish = Claim("east", Crowd(Lane.URGENT, account), 1, 5_000, epoch)
    (((lost,),),) = stores[0].do(claim, [wish])
    (((kept,),),) = stores[1].do(claim, [replace(wish, epoch=other)])
    let_lease_end()
    two.beat()
    tide = two.beat()
    assert set(tide.held) == set(HALVES) and tide.held[mine] > other and other in tide.held.values()
    assert stores[1].states() == {lost.message_id: State.QUEUED, kept.message_id: State.SENDING}
    for store, letter, under in ((stores[0], lost, epoch), (stores[1], kept, other)):
        answer = Answer(letter.message_id, 1, 1, Outcome.TAKEN, "id", "", 6_000)
        store.do(settle_answers, Answered("east", [answer], MANNER, under))
    assert stores[1].states() == {lost.message_id: State.QUEUED, kept.message_id: State.SENT}


def test_a_channel_is_divided_anew_only_when_the_former_shares_have_ended(stores: list[Store]) -> None:
    one = Node(stores[0], "one", *HALVES, lease_ms=LONG_MS)
    two = Node(stores[1], "two", *HALVES, lease_ms=LONG_MS)
    (mine,), (theirs,) = one.beat().held, two.beat().held
    one.said = replace(one.said, wanted=THIRDS)
    tide = one.beat()
    assert (set(tide.held), tide.too_many) == ({mine}, [mine])
    assert give_back(one, mine).held == {}, "the other one still has a half"
    assert set(two.beat().held) == {theirs}, "and takes no further one"
    two.said = replace(two.said, wanted=THIRDS)
    give_back(two, theirs)
    held = [*one.beat().held, *two.beat().held]
    assert sorted(held) == sorted(THIRDS)
    assert stores[0].rows("SELECT count(*) FROM berths") == [(3,)], "what nobody wants is forgotten"


def test_the_shares_of_a_node_that_died_do_not_hold_up_a_new_division(stores: list[Store]) -> None:
    one, two = Node(stores[0], "one", *HALVES), Node(stores[1], "two", *HALVES)
    one.beat()
    ((_, epoch),) = two.beat().held.items()
    account = stores[0].account(credit_milli=10_000)
    stores[0].do(accept, admitted(account))
    stores[1].do(claim, [Claim("east", Crowd(Lane.URGENT, account), 1, 5_000, epoch)])
    one.said = replace(one.said, wanted=(EAST,))
    for name in one.beat().held:
        give_back(one, name)
    let_lease_end()
    tide = one.beat()
    assert (set(tide.held), tide.lost) == ({EAST}, {"east": 1})
    assert two.beat().held == {}, "it comes back too late"


def test_two_divisions_are_never_at_work_together(stores: list[Store]) -> None:
    """Each node has another idea of the channel, and both take what they can at the same moment."""
    ideas = (("one", HALVES), ("two", THIRDS))
    for _ in range(15):
        known = [
            Node(store, name, *wanted, lease_ms=LONG_MS) for store, (name, wanted) in zip(stores, ideas, strict=True)
        ]
        with ThreadPoolExecutor(2) as pool:
            held = [tide.held for tide in pool.map(Node.beat, known)]
        assert sum(map(bool, held)) == 1, held
        for node in known:
            node.sign_off()


def test_one_that_is_going_takes_nothing(stores: list[Store]) -> None:
    assert Node(stores[0], "one", EAST).beat(going=True).held == {}


def test_a_silent_node_that_nobody_replaces_keeps_what_it_has(stores: list[Store]) -> None:
    one = Node(stores[0], "one", EAST)
    held = one.beat().held
    let_lease_end()
    assert one.beat().held == held


@pytest.mark.parametrize(
    ("channel", "state"),
    [
        pytest.param("east", State.QUEUED, id="sent again"),
        pytest.param("west", State.UNCERTAIN, id="held"),
    ],
)
def test_what_a_silent_node_was_sending_is_uncertain(stores: list[Store], channel: str, state: State) -> None:
    name = f"channel:{channel}"
    one, two = Node(stores[0], "one", name), Node(stores[1], "two", name)
    epoch = one.beat().held[name]
    account = stores[0].account(credit_milli=10_000)
    stores[0].do(accept, admitted(account))
    wish = Claim(channel, Crowd(Lane.URGENT, account, ""), 10, 5_000, epoch)
    ((letters,),) = stores[0].do(claim, [wish])
    assert len(letters) == 1
    let_lease_end()
    tide = two.beat()
    assert tide.lost == {channel: 1}
    assert stores[1].rows("SELECT state, uncertain FROM messages") == [(state, 1)]
    # What the former node says from now on is of no consequence, nor can it take any more.
    answer = Answer(letters[0].message_id, 1, 1, Outcome.TAKEN, "id", "", 6_000)
    stores[0].do(settle_answers, Answered(channel, [answer], MANNER, epoch))
    assert stores[0].rows("SELECT state FROM messages") == [(state,)]
    assert stores[0].rows("SELECT count(*) FROM parts") == [(0,)]
    assert stores[0].do(claim, [wish]) == [[[]]]
    if state is State.QUEUED:
        ((again,),) = stores[1].do(claim, [replace(wish, epoch=tide.held[name])])
        assert [letter.message_id for letter in again] == [letters[0].message_id]


def test_answers_of_the_epoch_count(stores: list[Store]) -> None:
    epoch = Node(stores[0], "one", EAST).beat().held[EAST]
    account = stores[0].account(credit_milli=10_000)
    stores[0].do(accept, admitted(account))
    ((letters,),) = stores[0].do(claim, [Claim("east", Crowd(Lane.URGENT, account, ""), 10, 5_000, epoch)])
    answer = Answer(letters[0].message_id, 1, 1, Outcome.TAKEN, "id", "", 6_000)
    stores[0].do(settle_answers, Answered("east", [answer], MANNER, epoch))
    assert stores[0].rows("SELECT state FROM messages") == [(State.SENT,)]


def test_what_a_channel_that_is_gone_was_sending_is_found(stores: list[Store]) -> None:
    """No node has it in its file any more."""
    epoch = Node(stores[0], "one", EAST).beat().held[EAST]
    account = stores[0].account(credit_milli=10_000)
    stores[0].do(accept, admitted(account))
    stores[0].do(claim, [Claim("east", Crowd(Lane.URGENT, account, ""), 10, 5_000, epoch)])
    two = Node(stores[1], "two", WEST)
    two.beat()
    for _ in range(4):
        let_lease_end()
    tide = two.beat()
    assert tide.lost == {"east": 1} and set(tide.held) == {WEST}
    assert stores[1].rows("SELECT state FROM messages") == [(State.QUEUED,)]


def test_the_locks_of_a_frozen_node_end_with_its_lease(stores: list[Store]) -> None:
    one, two = Node(stores[0], "one", EAST), Node(stores[1], "two", EAST)
    account = stores[0].account()
    one.beat()
    frozen, thaw = threading.Event(), threading.Event()

    def freeze(connection: Connection, arguments: Sequence[int]) -> Sequence[int]:
        connection.exec_driver_sql("UPDATE accounts SET balance_milli = balance_milli + 1").close()
        frozen.set()
        thaw.wait(20)
        return arguments

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(stores[0].do, freeze, 1)
        assert frozen.wait(10)
        let_lease_end()
        assert set(two.beat().held) == {EAST}
        begun_s = time.monotonic()
        stores[1].sql("UPDATE accounts SET balance_milli = balance_milli + 10")
        assert time.monotonic() - begun_s < 5, "nothing is locked any more"
        thaw.set()
        assert work.result(30) == [1]
    assert stores[0].balance(account) == 11, "and what it was doing is done once, when it is awake"


def test_a_beat_tells_the_others_once_and_not_the_node_itself(stores: list[Store]) -> None:
    one, two = Node(stores[0], "one"), Node(stores[1], "two")
    before = two.beat()
    told = Told(7, [("it", "2001:db8::/64", 2), ("it", 1, -1)])
    assert one.beat(told=told).heard == one.beat(told=told).heard == before.heard == []
    (heard,) = two.beat(told=Told(1, (), before.now_ms)).heard
    assert (heard.node_id, heard.number, heard.takings) == (one.said.node_id, 7, told.takings)
    assert before.now_ms <= heard.at_ms <= two.beat().now_ms


def test_revisions_count_up(stores: list[Store]) -> None:
    one = Node(stores[0], "one")
    before = one.beat().revisions
    stores[1].act(lambda connection: touch(connection, "account"))
    assert one.beat().revisions == {**before, "account": before.get("account", 0) + 1}
    assert stores[0].ask(read_revisions) == one.beat().revisions


def both(stores: list[Store], act: Callable[[Store], Any]) -> list[Any]:
    """The same at both nodes at the same time."""
    gate = threading.Barrier(len(stores))

    def run(store: Store) -> Any:
        gate.wait(10)
        return act(store)

    with ThreadPoolExecutor(len(stores)) as pool:
        return list(pool.map(run, stores))


def test_two_nodes_never_spend_a_balance_twice(stores: list[Store]) -> None:
    account = stores[0].account(credit_milli=60_000)
    answers = both(stores, lambda store: store.do(accept, *[admitted(account)] * 50, turn=Turn.ACCEPT))
    taken = [one for given in answers for one in given if not isinstance(one, Refusal)]
    assert len(taken) == len(set(taken)) == 60
    assert stores[0].balance(account) == 0 and stores[0].faults() == []


def test_two_nodes_never_claim_a_message_twice(stores: list[Store]) -> None:
    account = stores[0].account(credit_milli=400_000)
    stores[0].do(accept, admitted(account, *[recipient(f"+8613800{n:06d}") for n in range(400)]))
    wish = Claim("east", Crowd(Lane.URGENT, account, ""), 10, 5_000)

    def take_all(store: Store) -> list[int]:
        found: list[int] = []
        while letters := store.do(claim, [wish], turn=Turn.CARRIAGE)[0][0]:
            found += [letter.message_id for letter in letters]
        return found

    one, two = both(stores, take_all)
    assert len(one) + len(two) == len({*one, *two}) == 400


def test_two_nodes_never_hand_out_a_report_twice(stores: list[Store]) -> None:
    account = stores[0].account(credit_milli=0)
    stores[0].do(accept, admitted(account, *[recipient(f"x{n}", State.INVALID) for n in range(300)]))

    def fetch_all(store: Store) -> list[int]:
        found: list[int] = []
        while rows := store.do(lease, Wish(Queue.REPORTS, account, 7, 2_000, 90_000))[0].lease.keys:
            found += [item for _, item in rows]
        return found

    one, two = both(stores, fetch_all)
    assert len(one) + len(two) == len({*one, *two}) == 300


def test_two_nodes_never_pay_back_twice(stores: list[Store]) -> None:
    account = stores[0].account(credit_milli=50_000)
    stores[0].do(accept, admitted(account, *[recipient(f"+8613800{n:06d}") for n in range(50)]))
    ids = list(stores[0].states())
    counts = both(
        stores, lambda store: store.act(lambda connection: give_up(connection, ids, 9_000, RefundRule.FAILED))
    )
    assert sum(counts) == 50
    assert stores[0].balance(account) == 50_000 and stores[0].faults() == []


def test_reports_of_two_parts_at_two_nodes_end_the_message(stores: list[Store]) -> None:
    """Each sees the part of the other, whoever comes first."""
    count = 30
    account = stores[0].account(credit_milli=2_000 * count)
    numbers = [recipient(f"+8613800{n:06d}", price_milli=2_000) for n in range(count)]
    stores[0].do(accept, admitted(account, *numbers, parts=2))
    ((letters,),) = stores[0].do(claim, [Claim("east", Crowd(Lane.URGENT, account, ""), count, 5_000)])
    answers = [
        Answer(letter.message_id, part, 2, Outcome.TAKEN, f"{letter.message_id}{part}", "", 6_000)
        for letter in letters
        for part in (1, 2)
    ]
    stores[0].do(settle_answers, Answered("east", answers, MANNER))

    def report(store: Store) -> None:
        part = stores.index(store) + 1

        async def one_by_one() -> None:
            for letter in letters:
                receipt = Receipt((f"{letter.message_id}{part}",), "DELIVRD", 7_000, letter.number, "")
                await store.database.write(
                    Turn.CARRIAGE, settle_receipts, Reported("east", [receipt], RefundRule.FAILED)
                )

        store.runner.run(asyncio.wait_for(one_by_one(), 60))

    both(stores, report)
    assert set(stores[0].states().values()) == {State.DELIVERED}
    assert stores[0].rows("SELECT count(*) FROM handouts") == [(count,)]


def test_of_two_calls_at_once_only_one_starts_an_interval(stores: list[Store]) -> None:
    start = Start(1, "GetBalance", 60_000)
    started = both(stores, lambda store: store.do(start_intervals, start)[0])
    assert sorted(one.too_soon_ms is None for one in started) == [False, True]
    (first,) = [one for one in started if one.too_soon_ms is None]
    stores[1].do(restore_intervals, (start, first))
    again = stores[0].do(start_intervals, start)[0]
    assert again.too_soon_ms is None, "what was not answered does not count"
    stores[1].do(restore_intervals, (start, first))
    assert stores[1].do(start_intervals, start)[0].too_soon_ms is not None, "and takes nothing from a later one"
    assert stores[1].do(start_intervals, Start(2, "GetBalance", 60_000))[0].too_soon_ms is None


def test_keys_are_never_given_twice(stores: list[Store]) -> None:
    account = stores[0].account(credit_milli=1_000_000)
    answers = both(stores, lambda store: store.do(accept, *[admitted(account)] * 100, turn=Turn.ACCEPT))
    ids = [one for given in answers for one in given]
    assert sorted(ids) == list(range(100_000_000, 100_000_200))
    assert len(stores[0].states()) == 200


def test_a_frozen_copy_ends_too(stores: list[Store], cluster: Cluster) -> None:
    """The server waits for rows that never come, holding what was locked before: no time-out of its own ends that."""
    one, two = Node(stores[0], "one", EAST), Node(stores[1], "two", EAST)
    stores[0].account()
    one.beat()
    url = cluster.url(stores[0].value("SELECT current_database()"))
    name = f"{one.said.sessions} frozen"
    with psycopg.connect(url, application_name=name) as frozen:
        frozen.execute("UPDATE accounts SET balance_milli = balance_milli + 1")
        frozen.pgconn.exec_(b"COPY keywords FROM STDIN")
        let_lease_end()
        two.beat()
        begun_s = time.monotonic()
        stores[1].sql("UPDATE accounts SET balance_milli = balance_milli + 10")
        assert time.monotonic() - begun_s < 5
        frozen.close()

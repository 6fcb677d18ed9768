"""Two transactions at two nodes at once: one is not committed when the other begins, and each hears of the other."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest
from sqlalchemy import Connection

from yizhan.model.carriage import Answer, Letter, LongReply, Receipt
from yizhan.model.message import Lane, State
from yizhan.model.outcome import Outcome
from yizhan.model.settings import RefundRule
from yizhan.policy.turns import Crowd
from yizhan.store.accept import accept
from yizhan.store.committer import Turn
from yizhan.store.line import Verb
from yizhan.store.long_replies import add_parts
from yizhan.store.queue import Claim, claim
from yizhan.store.report import Reported, settle_receipts
from yizhan.store.settle import Answered, Manner, settle_answers
from yizhan.wire.smpp.receipts import IdSpelling, keys_of_report

from .rows import Store, admitted, recipient

# Long enough for a statement that does not wait for anybody.
SOON_S = 0.3
EAST = "east"
NUMBER, OTHER = "+8613800000000", "+8613900000000"


def overlapping(
    stores: list[Store], first: tuple[Verb[Any, Any], Any], second: tuple[Verb[Any, Any], Any]
) -> list[Any]:
    """Both results. The first has said everything but COMMIT when the second begins."""
    said, go = threading.Event(), threading.Event()
    verb, argument = first

    def hesitate(connection: Connection, arguments: Sequence[Any]) -> Sequence[Any]:
        results = verb(connection, arguments)
        said.set()
        go.wait(20)
        return results

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(stores[0].do, hesitate, argument, turn=Turn.CARRIAGE)
        assert said.wait(10)
        two = pool.submit(lambda: stores[1].do(*second, turn=Turn.CARRIAGE))
        wait([two], SOON_S)
        go.set()
        return [one.result(20)[0], two.result(20)[0]]


def claimed(store: Store, *numbers: str) -> list[Letter]:
    """Messages to these numbers, being sent."""
    account = store.account(credit_milli=1_000 * len(numbers))
    store.do(accept, admitted(account, *map(recipient, numbers)))
    ((letters,),) = store.do(claim, [Claim(EAST, Crowd(Lane.URGENT, account), len(numbers), 2_000)])
    return sorted(letters, key=lambda letter: numbers.index(letter.number))


def answered(letter: Letter, carrier_id: str) -> tuple[Verb[Any, Any], Answered]:
    """The carrier has taken it."""
    answer = Answer(letter.message_id, 1, 1, Outcome.TAKEN, carrier_id, "", 3_000)
    return settle_answers, Answered(EAST, [answer], Manner(RefundRule.FAILED))


def reported(carrier_id: str, number: str = NUMBER) -> tuple[Verb[Any, Any], Reported]:
    """It is delivered."""
    keys = keys_of_report(carrier_id, tuple(IdSpelling)) if carrier_id else ()
    return settle_receipts, Reported(EAST, [Receipt(keys, "DELIVRD", 4_000, number, carrier_id)], RefundRule.FAILED)


@pytest.mark.parametrize("answer_first", [True, False], ids=["answer first", "report first"])
@pytest.mark.parametrize(
    ("carrier_id", "said"),
    [
        pytest.param("1000001", "1000001", id="the same id"),
        pytest.param("1000001", "f4241", id="spelled otherwise"),
        pytest.param("1000001", "", id="no id in the report"),
        pytest.param("", "", id="no id at all"),
    ],
)
def test_an_answer_and_its_report_find_each_other(
    stores: list[Store], carrier_id: str, said: str, answer_first: bool
) -> None:
    (letter,) = claimed(stores[0], NUMBER)
    both = [answered(letter, carrier_id), reported(said)]
    overlapping(stores, *(both if answer_first else reversed(both)))
    assert stores[0].states() == {letter.message_id: State.DELIVERED}
    assert stores[0].rows("SELECT * FROM parked_receipts") == []


def test_a_parked_report_is_not_out_of_sight_while_an_answer_that_is_not_its_own_looks_at_it(
    stores: list[Store],
) -> None:
    """16 is 10 in hexadecimal, so the answer 16 takes a look at the report 10, which is about another number."""
    (mine, theirs) = claimed(stores[0], NUMBER, OTHER)
    stores[0].do(*reported("10", OTHER))
    overlapping(stores, answered(mine, "16"), answered(theirs, "10"))
    assert stores[0].states() == {mine.message_id: State.SENT, theirs.message_id: State.DELIVERED}


def test_two_reports_without_an_id_are_about_two_messages(stores: list[Store]) -> None:
    letters = claimed(stores[0], NUMBER, NUMBER)
    for letter in letters:
        stores[0].do(*answered(letter, ""))
    overlapping(stores, reported(""), reported(""))
    assert set(stores[0].states().values()) == {State.DELIVERED}


def test_the_same_report_twice_is_one(stores: list[Store]) -> None:
    (letter,) = claimed(stores[0], NUMBER)
    stores[0].do(*answered(letter, "7"))
    overlapping(stores, reported("7"), reported("7"))
    assert stores[0].states() == {letter.message_id: State.DELIVERED}
    assert stores[0].rows("SELECT count(*) FROM handouts") == [(1,)]


def test_the_last_two_parts_of_a_long_reply_make_it_complete_once(stores: list[Store]) -> None:
    parts = [LongReply(NUMBER, "1069", 7, 2, part, text, 1_000) for part, text in ((1, "一"), (2, "二"))]
    found = overlapping(stores, *((add_parts, (EAST, [part])) for part in parts))
    assert [[joined.reply.text for joined in complete] for complete in found] == [[], ["一二"]]

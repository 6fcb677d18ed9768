"""Looking for messages, counting what waits, cancelling."""

from functools import partial

import pytest

from yizhan.model.message import Lane, State
from yizhan.policy.turns import Crowd
from yizhan.store.accept import accept
from yizhan.store.messages import cancel_submission, count_waiting, find_records, list_messages
from yizhan.store.queue import Claim, claim
from yizhan.store.schema import FIRST_MESSAGE_KEY
from yizhan.store.search import Filter

from .rows import Store, admitted, recipient

FIRST = FIRST_MESSAGE_KEY


@pytest.fixture
def filled(store: Store) -> Store:
    """Two accounts; messages 0 to 2 of one call, 3 scheduled, 4 of the other account."""
    one, two = store.account("C1", 100_000), store.account("C2", 100_000)
    numbers = [recipient("+8613800000000"), recipient("+85291234567"), recipient("12x", State.INVALID)]
    store.do(accept, admitted(one, *numbers))
    store.do(accept, admitted(one, recipient(state=State.SCHEDULED), send_at_ms=9_000))
    store.do(accept, admitted(two))
    return store


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(Filter(), [4, 3, 2, 1, 0], id="newest first"),
        pytest.param(Filter(limit=2), [4, 3], id="limit"),
        pytest.param(Filter(before=FIRST + 3, limit=2), [2, 1], id="next page"),
        pytest.param(Filter(account="C2"), [4], id="account"),
        pytest.param(Filter(account="nobody"), [], id="no such account"),
        pytest.param(Filter(state=State.QUEUED), [4, 1, 0], id="state"),
        pytest.param(Filter(number="+85291234567"), [1], id="number"),
        pytest.param(Filter(number="12x"), [2], id="as the client wrote it"),
        pytest.param(Filter(submission=100_000_000), [2, 1, 0], id="submission"),
        pytest.param(Filter(submission=100_000_002, account="C1"), [], id="another account's submission"),
        pytest.param(Filter(submission=5), [], id="no such submission"),
        pytest.param(Filter(message=FIRST + 3), [3], id="message"),
        pytest.param(Filter(account="C1", state=State.QUEUED, before=FIRST + 1), [0], id="all together"),
    ],
)
def test_filter(filled: Store, wanted: Filter, found: list[int]) -> None:
    page = filled.ask(partial(list_messages, wanted=wanted))
    assert [view.id - FIRST for view in page.messages] == found


def test_view(filled: Store) -> None:
    (view,) = filled.ask(partial(list_messages, wanted=Filter(message=FIRST + 3))).messages
    assert (view.submission, view.account, view.number, view.state) == (
        100_000_001,
        "C1",
        "+8613800000000",
        "scheduled",
    )
    assert (view.price, view.refunded, view.parts, view.channel, view.word) == (1, 0, 1, None, "")
    assert (view.accepted_at, view.send_at) == ("1970-01-01T00:00:01.000Z", "1970-01-01T00:00:09.000Z")


def test_count_waiting(filled: Store) -> None:
    assert filled.ask(count_waiting) == {"scheduled": 1, "queued": 3, "sending": 0, "uncertain": 0}
    filled.do(claim, [Claim("sim", Crowd(Lane.URGENT, 1), 1, 5_000)])
    assert filled.ask(count_waiting) == {"scheduled": 1, "queued": 2, "sending": 1, "uncertain": 0}


def test_cancel(filled: Store) -> None:
    filled.do(claim, [Claim("sim", Crowd(Lane.URGENT, 1), 1, 5_000)])
    assert filled.balance(1) == 97_000
    assert filled.act(partial(cancel_submission, submission_key=1, at_ms=7_000)) == 1, "one is being sent already"
    assert filled.act(partial(cancel_submission, submission_key=2, at_ms=7_000)) == 1
    assert filled.act(partial(cancel_submission, submission_key=2, at_ms=7_000)) == 0
    assert filled.balance(1) == 99_000 and filled.faults() == []
    records = filled.ask(partial(find_records, wanted=Filter(account="C1")))
    assert [(r.view.state, r.view.word, r.view.refunded, r.view.finished_at) for r in records] == [
        ("cancelled", "DELETED", 1, "1970-01-01T00:00:07.000Z"),
        ("invalid", "", 0, "1970-01-01T00:00:01.000Z"),
        ("cancelled", "DELETED", 1, "1970-01-01T00:00:07.000Z"),
        ("sending", "", 0, None),
    ]

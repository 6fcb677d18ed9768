"""A piece of a mailing is sent once, with its fates, whatever happens at the same time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from yizhan.model.mailing import Forecast, MailingView, Order, Phase, Row, Template
from yizhan.model.message import State
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Admitted
from yizhan.store.mailings import (
    NewMailing,
    Posting,
    confirm_mailing,
    delete_draft,
    find_mailing,
    forget_mailings,
    insert_mailing,
    mailing_results,
    next_pieces,
    post_pieces,
    stop_mailing,
    view_mailings,
)

from .rows import Store, admitted, recipient

_ORDER = Order("C1", Template("您好【驿站】", ()), "", "")


def draft(store: Store, account: int, rows: int, id: str = "m1") -> None:
    """A file of so many rows, and one that is none."""
    good = [Row(line, f"138{line:08}", ()) for line in range(1, rows + 1)]
    new = NewMailing(
        id, account, "person cui", "a.csv", _ORDER, Forecast(), [*good, Row(rows + 1, "x", (), "not_a_number")]
    )
    store.act(lambda session: insert_mailing(session, new, 1_000))


def view(store: Store, id: str = "m1") -> MailingView:
    """How it stands."""
    found = store.ask(lambda session: find_mailing(session, id, None))
    assert found is not None
    return found


def postings(store: Store, account: int) -> list[Posting]:
    """What waits, each number as a text of its own."""
    return [
        Posting(
            piece,
            [
                ([place], admitted(account, recipient(row.number, price_milli=1_000)))
                for place, row in enumerate(piece.rows)
                if not row.mistake
            ],
            2_000,
        )
        for piece in store.ask(next_pieces)
    ]


def test_from_a_draft_to_its_end(store: Store) -> None:
    account = store.account(credit_milli=1_000_000)
    draft(store, account, 600)
    assert view(store).phase is Phase.DRAFT and store.ask(next_pieces) == []
    assert store.act(lambda session: confirm_mailing(session, "m1", 1_500))
    assert not store.act(lambda session: confirm_mailing(session, "m1", 1_600)), "once"
    (first,) = postings(store, account)
    accepted, again = store.do(post_pieces, first, first)
    assert (len(accepted), len(again)) == (500, 0)
    half = view(store)
    assert (half.phase, half.passed, half.waiting, half.accepted) == (Phase.SENDING, 500, 100, 500)
    store.do(post_pieces, *postings(store, account))
    whole = view(store)
    assert (whole.phase, whole.accepted, whole.price) == (Phase.DONE, 600, 600)
    assert store.balance(account) == 400_000 and store.faults() == []
    results = store.ask(lambda session: mailing_results(session, "m1"))
    assert [result.row.line for result in results] == list(range(1, 602))
    assert [result.fate.why for result in results if result.fate and result.fate.why] == ["not_a_number"]


def test_what_is_refused_or_blocked_is_told_by_row(store: Store) -> None:
    account = store.account(credit_milli=1_000)
    draft(store, account, 4)
    store.act(lambda session: confirm_mailing(session, "m1", 1_500))
    (posting,) = postings(store, account)
    blocked = recipient("13800000002", price_milli=0, state=State.BLOCKED)
    letters: list[tuple[list[int], Admitted | Refusal]] = [
        (
            [0, 1],
            admitted(account, recipient("13800000001", price_milli=1_000), blocked),
        ),
        ([2], Refusal(Reject.KEYWORD, "x")),
        ([3], admitted(account, recipient("13800000004", price_milli=1_000))),
    ]
    store.do(post_pieces, replace(posting, letters=letters))
    whys = [result.fate and result.fate.why for result in store.ask(lambda session: mailing_results(session, "m1"))]
    assert whys == ["", "blocked", "keyword", "balance_too_low", "not_a_number"]
    assert view(store).whys == {"blocked": 1, "keyword": 1, "balance_too_low": 1}
    assert view(store).phase is Phase.DONE and store.faults() == []


def test_what_was_stopped_stays(store: Store) -> None:
    account = store.account(credit_milli=1_000_000)
    draft(store, account, 600)
    assert not store.act(lambda session: stop_mailing(session, "m1", 1_400)), "a draft"
    store.act(lambda session: confirm_mailing(session, "m1", 1_500))
    (late,) = postings(store, account)
    assert store.act(lambda session: stop_mailing(session, "m1", 1_600))
    assert store.do(post_pieces, late) == [[]] and store.balance(account) == 1_000_000
    assert (view(store).phase, view(store).accepted) == (Phase.STOPPED, 0)
    assert not store.act(lambda session: delete_draft(session, "m1"))


def test_what_is_old_is_forgotten(store: Store) -> None:
    account = store.account(credit_milli=1_000_000)
    for id in ("draft", "done", "going"):
        draft(store, account, 1, id)
    for id in ("done", "going"):
        store.act(partial(confirm_mailing, id=id, at_ms=1_500))
    store.act(lambda session: stop_mailing(session, "done", 1_600))
    assert store.act(lambda session: forget_mailings(session, 1_000, None)) == 0
    assert store.act(lambda session: forget_mailings(session, 1_001, None)) == 1
    assert store.act(lambda session: forget_mailings(session, 1_001, 1_601)) == 1
    assert [one.id for one in store.ask(lambda session: view_mailings(session, None, 10))] == ["going"]
    assert store.ask(lambda session: mailing_results(session, "done")) == []


@pytest.mark.parametrize("round", range(2))
def test_two_nodes_at_once(stores: list[Store], round: int) -> None:
    account = stores[0].account(credit_milli=1_000_000)
    draft(stores[0], account, 900)
    stores[0].act(lambda session: confirm_mailing(session, "m1", 1_500))
    while waiting := postings(stores[0], account):
        with ThreadPoolExecutor(2) as threads:
            one, two = threads.map(lambda store: store.do(post_pieces, *waiting)[0], stores)
        assert (len(one), len(two)) in ((len(one), 0), (0, len(two)))
    assert view(stores[1]).accepted == 900
    assert stores[0].balance(account) == 100_000 and stores[0].faults() == []

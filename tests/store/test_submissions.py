"""Submissions as people look at them: what has become of one, which wait for their time, where a report is."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event

from yizhan.model.handout import Queue
from yizhan.model.message import State
from yizhan.store.accept import accept
from yizhan.store.handouts import waiting_reports
from yizhan.store.messages import cancel_submission
from yizhan.store.pushes import set_webhook
from yizhan.store.schema import FIRST_MESSAGE_KEY
from yizhan.store.submissions import list_scheduled, view_submission

from .rows import Store, admitted, on_sqlite, recipient

FIRST = FIRST_MESSAGE_KEY


@pytest.fixture
def filled(store: Store) -> Store:
    """Two accounts: a call for now, three scheduled ones (two for the same moment), one of the other account."""
    one, two = store.account("C1", 100_000), store.account("C2", 100_000)
    store.do(accept, admitted(one, recipient(), recipient("12x", State.INVALID, 0)))
    for account, at_ms in ((one, 9_000), (one, 8_000), (two, 8_000)):
        later = [recipient(state=State.SCHEDULED), recipient("+85291234567", State.SCHEDULED)]
        store.do(accept, admitted(account, *later, send_at_ms=at_ms))
    return store


def test_a_submission(filled: Store) -> None:
    view = filled.ask(partial(view_submission, client_id=100_000_000, account=None))
    assert view is not None and view.states == {"queued": 1, "invalid": 1}
    assert (view.account, view.price, view.refunded, view.send_at) == ("C1", 1, 0, None)
    filled.act(lambda session: cancel_submission(session, 1, 5_000))
    view = filled.ask(partial(view_submission, client_id=100_000_000, account="C1"))
    assert view is not None and view.states == {"cancelled": 1, "invalid": 1} and view.refunded == 1


@pytest.mark.parametrize(
    ("id", "account"), [pytest.param(100_000_000, "C2", id="another's"), pytest.param(5, None, id="nobody's")]
)
def test_no_submission(filled: Store, id: int, account: str | None) -> None:
    assert filled.ask(partial(view_submission, client_id=id, account=account)) is None


def test_what_is_scheduled_page_by_page(filled: Store) -> None:
    found = []
    behind: tuple[int, int] | None = None
    while page := filled.ask(partial(list_scheduled, account_id=None, limit=1, behind=behind)):
        found += [(one.submission, one.account, one.send_at[:20], one.waiting) for one in page]
        due_ms, key = page[-1].cursor.split("-")
        behind = int(due_ms), int(key)
    assert found == [
        (100_000_002, "C1", "1970-01-01T00:00:08.", 2),
        (100_000_003, "C2", "1970-01-01T00:00:08.", 2),
        (100_000_001, "C1", "1970-01-01T00:00:09.", 2),
    ]
    own = filled.ask(partial(list_scheduled, account_id=2, limit=9))
    assert [one.submission for one in own] == [100_000_003]


def test_where_a_report_is(filled: Store) -> None:
    def waiting(message: int) -> list[tuple[Queue, bool]]:
        found = filled.ask(partial(waiting_reports, account_id=1, message_id=message))
        return [(one.queue, one.by_webhook) for one in found]

    assert waiting(FIRST) == [], "it has no end yet"
    assert waiting(FIRST + 1) == [(Queue.REPORTS, False), (Queue.FAILURES, False)]
    filled.act(lambda session: set_webhook(session, 1, "https://example.com", "whsec_", 10_000))
    assert waiting(FIRST + 1) == [(Queue.FAILURES, False), (Queue.REPORTS, True)]


@on_sqlite  # PostgreSQL goes by the server's statistics
def test_the_list_of_what_is_scheduled_walks_over_nothing_else(filled: Store) -> None:
    asked: list[tuple[str, Any]] = []

    def note(connection: Connection) -> None:
        event.listen(connection, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        list_scheduled(connection, None, 50)
        ((statement, parameters),) = asked
        plan.extend(row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))

    plan: list[str] = []
    filled.ask(note)
    assert [step for step in plan if " messages USING INDEX" in step and step.startswith("SEARCH")], plan
    assert not [step for step in plan if step.startswith("SCAN messages")], plan

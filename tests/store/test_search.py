"""Searches find what a look at every message finds, page by page, and none of them reads a whole table."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event

from yizhan.model.message import State
from yizhan.store import search as search_module
from yizhan.store.accept import accept
from yizhan.store.schema import FIRST_MESSAGE_KEY
from yizhan.store.search import Filter, Found, search

from .rows import Store, admitted, recipient

NUMBERS = [f"+861380000000{digit}" for digit in range(6)]
TEXTS = ["您的验证码是1", "Your CODE is 2", "100%_off/sale", "明天开会"]
STATES = [State.SCHEDULED, State.QUEUED, State.SENT, State.DELIVERED, State.FAILED, State.EXPIRED]
START_MS, STEP_MS = 1_000_000_000, 10_000
CALLS = 60


@pytest.fixture
def filled(store: Store) -> Store:
    """Calls of three accounts, a little out of the order of time, with gaps between their keys."""
    draw = random.Random(7)
    accounts = [store.account(name, 10_000_000) for name in ("C1", "C2", "C3")]
    for place in range(CALLS):
        if place % 20 == 10:
            store.set_counter("submission", 5_000 * place)
            store.set_counter("message", FIRST_MESSAGE_KEY + 50_000 * place)
        call = admitted(
            draw.choice(accounts),
            *(recipient(number) for number in draw.sample(NUMBERS, draw.choice([1, 1, 4]))),
            text=draw.choice(TEXTS),
            accepted_at_ms=START_MS + place * STEP_MS + draw.randrange(-40_000, 40_000) // 2,
        )
        store.do(accept, call)
    for (message,) in store.rows("SELECT id FROM messages"):
        state = draw.choice(STATES)
        store.sql(
            "UPDATE messages SET state = :state, channel = :channel, due_at_ms = :due WHERE id = :id",
            id=message,
            state=int(state),
            channel=draw.choice([None, "a", "b"]),
            due=1 if state < State.SENT else None,
        )
    return store


def everything(store: Store, wanted: Filter, **more: Any) -> Iterator[Found]:
    """All pages of a search."""
    while True:
        page = store.ask(partial(search, wanted=wanted, **more))
        yield page
        if page.before is None:
            return
        assert wanted.before is None or page.before < wanted.before
        wanted = Filter(
            **{name: getattr(wanted, name) for name in Filter.__slots__ if name != "before"}, before=page.before
        )


def naive(store: Store, wanted: Filter) -> list[int]:
    """A look at every message."""
    query = """SELECT m.id, corp_id, state, number, channel, text, accepted_at_ms, client_id FROM messages m
        JOIN submissions s ON s.id = submission_id JOIN accounts a ON a.id = m.account_id ORDER BY m.id DESC"""
    return [
        row[0]
        for row in store.rows(query)
        if wanted.account in (None, row[1])
        and wanted.state in (None, row[2])
        and wanted.number in (None, row[3])
        and wanted.channel in (None, row[4])
        and (wanted.text is None or wanted.text.lower() in row[5].lower())
        and (wanted.since_ms is None or row[6] >= wanted.since_ms)
        and (wanted.until_ms is None or row[6] < wanted.until_ms)
        and wanted.submission in (None, row[7])
    ]


def some_filter(draw: random.Random) -> Filter:
    """Any of the conditions, together."""

    def perhaps(value: Any) -> Any:
        return value if draw.random() < 0.35 else None

    return Filter(
        account=perhaps(draw.choice(["C1", "C2", "C3"])),
        state=perhaps(draw.choice(STATES)),
        number=perhaps(draw.choice(NUMBERS)),
        channel=perhaps(draw.choice(["a", "b"])),
        text=perhaps(draw.choice(["code", "验证码", "%", "_off/S", "开会"])),
        since_ms=perhaps(START_MS + draw.randrange(CALLS) * STEP_MS),
        until_ms=perhaps(START_MS + draw.randrange(CALLS) * STEP_MS),
        limit=draw.choice([1, 5, 50]),
    )


@pytest.mark.parametrize("small", [False, True], ids=["as it is", "where everything is soon too much"])
def test_searches_find_what_is_there(filled: Store, small: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    more: dict[str, Any] = {}
    if small:
        monkeypatch.setattr(search_module, "_MOST_LISTED", 3)
        monkeypatch.setattr(search_module, "_FEW", 12)
        more = {"most_walked": 7}
    draw = random.Random(11)
    for _ in range(120):
        wanted = some_filter(draw)
        pages = list(everything(filled, wanted, **more))
        assert [row.messages_id for page in pages for row in page.rows] == naive(filled, wanted), wanted
        for page in pages:
            assert page.stopped_at_ms is None or len(page.rows) < wanted.limit


def test_a_walk_says_where_it_has_stopped(filled: Store) -> None:
    page = filled.ask(partial(search, wanted=Filter(text="not there"), most_walked=10))
    assert not page.rows and page.before is not None
    oldest = filled.value("SELECT accepted_at_ms FROM submissions ORDER BY id DESC LIMIT 1 OFFSET 10")
    assert page.stopped_at_ms == oldest
    assert filled.ask(partial(search, wanted=Filter(text="not there"))) == Found([])


def test_calls_that_were_accepted_at_once_by_two_nodes(store: Store) -> None:
    """Keys of their messages cross those of their submissions; each page goes on where the one above has ended."""
    account = store.account(credit_milli=1_000_000)
    for _ in range(6):
        store.do(accept, admitted(account, recipient(NUMBERS[0]), recipient(NUMBERS[1])))
    first = FIRST_MESSAGE_KEY
    for one, other in ((first + 2, first + 5), (first + 7, first + 8)):
        store.sql("UPDATE messages SET id = -1 WHERE id = :one", one=one)
        store.sql("UPDATE messages SET id = :one WHERE id = :other", one=one, other=other)
        store.sql("UPDATE messages SET id = :other WHERE id = -1", other=other)
    for wanted in (Filter(account="C1", limit=1), Filter(account="C1", limit=5), Filter(text="驿", limit=3)):
        found = [row.messages_id - first for page in _pages(store, wanted) for row in page.rows]
        assert sorted(found) == list(range(12)), wanted


def _pages(store: Store, wanted: Filter) -> Iterator[Found]:
    while True:
        page = store.ask(partial(search, wanted=wanted))
        yield page
        if page.before is None:
            return
        wanted = Filter(account=wanted.account, text=wanted.text, limit=wanted.limit, before=page.before)


WINDOW: dict[str, Any] = {"since_ms": START_MS + 100_000, "until_ms": START_MS + 300_000}
KINDS = [
    pytest.param(Filter(), id="the newest"),
    pytest.param(Filter(before=FIRST_MESSAGE_KEY + 50), id="a later page"),
    pytest.param(Filter(number=NUMBERS[0]), id="a number"),
    pytest.param(Filter(number=NUMBERS[0], account="C1", **WINDOW), id="a number of an account in a window"),
    pytest.param(Filter(submission=100_000_003), id="a client's id"),
    pytest.param(Filter(message=FIRST_MESSAGE_KEY + 3), id="a message's id"),
    pytest.param(Filter(**WINDOW), id="a window of time"),
    pytest.param(Filter(account="C1"), id="an account"),
    pytest.param(Filter(account="C1", before=FIRST_MESSAGE_KEY + 50, **WINDOW), id="an account in a window"),
    pytest.param(Filter(account="C1", state=State.FAILED), id="failed ones of an account"),
    pytest.param(Filter(state=State.EXPIRED), id="expired ones"),
    pytest.param(Filter(state=State.QUEUED), id="queued ones"),
    pytest.param(Filter(state=State.SENT), id="sent ones"),
    pytest.param(Filter(state=State.DELIVERED), id="delivered ones"),
    pytest.param(Filter(channel="a"), id="a channel"),
    pytest.param(Filter(text="code", **WINDOW), id="a text in a window"),
    pytest.param(Filter(text="code", account="C1"), id="a text of an account"),
]


@pytest.mark.parametrize("wanted", KINDS)
def test_no_question_reads_a_whole_table(filled: Store, engine: str, wanted: Filter) -> None:
    explained = filled.ask(partial(_explain, act=partial(search, wanted=wanted, most_walked=20)))
    assert explained
    for plan in explained:
        if engine == "sqlite":
            assert not any(line.startswith("SCAN messages") and "INDEX" not in line for line in plan), plan
            assert not any(line.startswith("SCAN submissions") for line in plan), plan
        else:
            assert not any("Seq Scan on messages" in line or "Seq Scan on submissions" in line for line in plan), plan


def _explain(connection: Connection, act: Callable[[Connection], object]) -> list[list[str]]:
    """The plans of all statements that ``act`` says."""
    said: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        said.append((statement, values))

    is_sqlite = connection.dialect.name == "sqlite"
    if not is_sqlite:  # whatever is so small would be read whole
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off").close()
    event.listen(connection, "before_cursor_execute", note)
    act(connection)
    event.remove(connection, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
    return [
        [str(row[-1]) for row in connection.exec_driver_sql(f"{explain} {statement}", values)]
        for statement, values in said
    ]

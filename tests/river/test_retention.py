"""Retention in the real program: old messages go while it runs, and a kill in between leaves books that hold."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .program import Customer, Program, eventually, form, md5, run_cli, running

DAY_MS = 86_400_000
TIMES = {
    "submissions": ("accepted_at_ms",),
    "messages": ("sent_at_ms", "finished_at_ms"),
    "handouts": ("at_ms",),
    "ledger": ("at_ms",),
}
QUICK = {"YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.01, "window": 1000}]'}


def age(data: Path, days: int) -> None:
    """Everything in a store whose program does not run happened so many days earlier."""
    with closing(sqlite3.connect(data / "yizhan.db")) as store, store:
        for table, columns in TIMES.items():
            changes = ", ".join(f"{column} = {column} - {days * DAY_MS}" for column in columns)
            store.execute(f"UPDATE {table} SET {changes}")


def send(us: Program, customer: Customer, count: int) -> int:
    """One call to so many numbers, delivered but for the last, which fails and is paid back."""
    numbers = [*(f"13{n:08d}9" for n in range(count - 1)), "13800000001"]
    id_ = us.send(customer, Mobile=",".join(numbers))
    assert id_ > 0
    eventually(lambda: us.query("SELECT count(*) FROM messages WHERE state >= 10") == [(count,)])
    return id_


def fetch_all(us: Program, customer: Customer) -> int:
    """How many reports there were."""
    body = form(CorpID=customer.corp_id, Pwd=md5(customer.password))
    count = 0
    while found := us.post("GetReportSMS", body).text.count("|||"):
        count += found
    return count


def books(us: Program, customer: Customer) -> tuple[Any, ...]:
    """What must not change."""
    assert us.api("GET", "/ledger/check")["faults"] == []
    return (us.balance(customer),)


@pytest.mark.parametrize(
    ("days", "settings", "left", "reports"),
    [
        pytest.param(100, {}, 0, 0, id="older than is kept by default"),
        pytest.param(80, {}, 1, 20, id="younger"),
        pytest.param(100, {"YIZHAN_RETENTION__MESSAGES_DAYS": "0"}, 1, 0, id="messages kept for ever, reports not"),
        pytest.param(
            20,
            {"YIZHAN_RETENTION__MESSAGES_DAYS": "10", "YIZHAN_RETENTION__UNFETCHED_DAYS": "10"},
            0,
            0,
            id="kept for ten days",
        ),
    ],
)
def test_what_is_old_goes(tmp_path: Path, days: int, settings: dict[str, str], left: int, reports: int) -> None:
    data = tmp_path / "data"
    with running(data, **QUICK) as us:
        customer = us.account("C1", credit=100)
        id_ = send(us, customer, 20)
        before = books(us, customer)
    age(data, days)
    with running(data, **QUICK, **settings) as us:
        eventually(lambda: us.said().count("what is old has gone") == 2)  # once a start
        assert us.query("SELECT count(*) FROM submissions") == [(left,)]
        assert us.query("SELECT count(*) FROM messages") == [(20 * left,)]
        assert books(us, customer) == before
        shown = run_cli(data, "message", "show", str(id_))
        assert (shown.returncode == 0) == bool(left), shown.stderr
        assert fetch_all(us, customer) == reports, "what nobody fetched in time is not handed out any more"
        assert us.send(customer) == id_ + 1, "ids go on"


def test_a_kill_in_the_middle(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data, **QUICK) as us:
        customer = us.account("C1", credit=10_000)
        send(us, customer, 4_000)
        before = books(us, customer)
    age(data, 100)
    counts: list[int] = []
    while not counts or counts[-1]:
        with running(data, **QUICK) as us:
            known = counts[-1] if counts else 4_000
            eventually(lambda known=known: us.query("SELECT count(*) FROM messages")[0][0] < known or known == 0)  # type: ignore[misc]
            us.stop(9)
            counts.append(us.query("SELECT count(*) FROM messages")[0][0])
        if len(counts) > 6:
            break
    assert len([count for count in counts if count]) >= 2, f"it was never in the middle: {counts}"
    with running(data, **QUICK) as us:
        eventually(lambda: us.query("SELECT count(*) FROM submissions") == [(0,)])
        assert books(us, customer) == before
        assert us.query("SELECT count(*) FROM parts") == [(0,)]

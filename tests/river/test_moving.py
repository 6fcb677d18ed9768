"""A large store moves from SQLite to PostgreSQL, is killed on the way, and clients see no difference.

``YIZHAN_TEST_MOVE_MESSAGES`` says how many messages it holds.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from bench.stored import fill

from figures import tell
from postgres import Cluster
from yizhan.store.move import TABLES
from yizhan.wire.hand_out import NO_FAILURES

from .program import Customer, Program, eventually, form, md5, run_cli, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3_600)]

MESSAGES = int(os.environ.get("YIZHAN_TEST_MOVE_MESSAGES", "100000"))
# Nothing ends by its age, and a program may ask as often as it likes.
KEPT = {
    "YIZHAN_RETENTION__MESSAGES_DAYS": "0",
    "YIZHAN_RETENTION__REPLIES_DAYS": "0",
    "YIZHAN_RETENTION__UNFETCHED_DAYS": "0",
    "YIZHAN_POLICY__QUERY_INTERVAL_S": "0",
    "YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]',
}
BENCH = Customer("bench", "secret of bench")
# By ``stored.fill``: messages that wait, that have failed, with replies, with reports, and with nothing left to fetch.
FILLED = [Customer(f"other{number}", BENCH.password) for number in (1, 2, 3, 12, 4)]


@pytest.fixture
def server() -> Iterator[Cluster]:
    """A server that syncs what it says it has."""
    with Cluster(synced=True) as running_server:
        yield running_server


def test_a_large_store_moves(server: Cluster, tmp_path: Path) -> None:
    old, new, url = tmp_path / "old", tmp_path / "new", server.new_database()
    shown = fill_store(old)
    killed_at, rows = kill_in_the_middle(old, url), rows_of(old)
    begun_s = time.monotonic()
    command = [*yizhan("migrate-store"), "--to", url, "--data", str(old), "--json"]
    with (tmp_path / "said").open("w+") as said, subprocess.Popen(command, stdout=said) as process:
        peak_kb = 0
        while process.poll() is None:
            peak_kb = max(peak_kb, peak_kb_of(process.pid))
            time.sleep(0.05)
        took_s = time.monotonic() - begun_s
        said.seek(0)
        view = json.load(said)
    assert process.returncode == 0
    assert view["faults"] == [] and view["rows"]["messages"] == MESSAGES + 3
    moved = sum(view["rows"].values())
    assert moved == rows and 0 < killed_at < moved
    tell(
        f"moved {MESSAGES:,} messages, {moved:,} rows in all: killed after {killed_at:,}, the others and the check in"
        f" {took_s:.1f} s ({(moved - killed_at) / took_s:,.0f} rows/s), {peak_kb / 1_000:.0f} MB at most"
    )
    with running(old, **KEPT) as before, running(new, **KEPT, YIZHAN_STORE__URL=url) as after:
        for customer in (BENCH, *FILLED):
            compare(before, after, customer)
        for id in shown:
            stories = [run_cli(data, "message", "show", str(id), "--json") for data in (old, new)]
            assert stories[0].stdout == stories[1].stdout and stories[0].returncode == 0, stories
        assert before.send(BENCH) == after.send(BENCH), "the next id is the same"
        assert after.api("GET", "/ledger/check")["faults"] == []


def fill_store(data: Path) -> list[int]:
    """The store of a node that has stopped, with reports and a reply of the program's own: ids to look at."""
    with running(data, **KEPT) as program:
        program.account(BENCH.corp_id, credit=1_000, extension="77")
    fill(data / "yizhan.db", MESSAGES)
    with running(data, **KEPT) as program:
        sent = [program.send(BENCH, Mobile=f"1380000{tail}") for tail in ("0000", "0001", "0002")]
        eventually(lambda: not program.query("SELECT 1 FROM messages WHERE account_id = 1 AND state < 10"))
        program.api("POST", "/simulator/replies", json={"number": "13800000000", "to": "1069000077", "text": "收到"})
    return [*sent, 100_000_000, 100_000_000 + MESSAGES - 1, 10_000_000_001 + MESSAGES // 2]


def yizhan(*words: str) -> list[str]:
    """A command line."""
    return [sys.executable, "-m", "yizhan", *words]


def peak_kb_of(pid: int) -> int:
    """The most memory that a process has had; 0 once it has ended."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0


def kill_in_the_middle(data: Path, url: str) -> int:
    """Begin to move and die by SIGKILL half-way: how many rows were moved by then."""
    with psycopg.connect(url, autocommit=True) as watcher:

        def rows() -> int:
            try:
                row = watcher.execute("SELECT coalesce(sum(rows), 0) FROM moving").fetchone()
            except psycopg.errors.UndefinedTable:
                return 0
            assert row is not None
            return int(row[0])

        with subprocess.Popen([*yizhan("migrate-store"), "--to", url, "--data", str(data), "--json"]) as process:
            eventually(lambda: rows() > MESSAGES, 600)
            process.send_signal(signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
        return rows()


def rows_of(data: Path) -> int:
    """All rows that are to be moved."""
    program = Program(data)
    return sum(program.query(f'SELECT count(*) FROM "{table.name}"')[0][0] for table in TABLES)


def compare(before: Program, after: Program, customer: Customer) -> None:
    """Both answer the same: to the client until nothing is left to fetch, and to the operator."""
    body = form(CorpID=customer.corp_id, Pwd=md5(customer.password))
    fetched = 0
    for operation in ("GetBalance", "SelSum", "Get", "GetReportSMS", "GetReportFail"):
        while True:
            texts = [program.post(operation, body).text for program in (before, after)]
            assert texts[0] == texts[1] and not texts[0].startswith("-"), (customer, operation, texts)
            if operation in ("GetBalance", "SelSum") or texts[0] in ("", NO_FAILURES):
                break
            fetched += 1
    assert fetched or customer in (FILLED[0], FILLED[4])
    for path in (f"/accounts/{customer.corp_id}", f"/ledger?account={customer.corp_id}&limit=1000"):
        assert before.api("GET", path) == after.api("GET", path), path
    listed = [program.messages(account=customer.corp_id) for program in (before, after)]
    assert listed[0] == listed[1] and listed[0]

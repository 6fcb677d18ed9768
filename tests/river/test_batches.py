"""Group commit: many calls, few commits, and memory that does not grow with them."""

import os
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from figures import tell

from .program import TEXT, Customer, Program, form, md5, running

CLIENTS = 16
# No batch is cut short by its time, so that how many calls share a commit does not hang on the machine's speed.
PATIENT = {"YIZHAN_STORE__BATCH_MS": "1000"}
# Kept for later, so that every commit is one of accepting.
FAR = "20991231235959"
_ANSWER = re.compile(rb"\r\n\r\n(-?[0-9]+)\Z")


def blast(program: Program, customer: Customer, calls: range, numbers: int) -> list[int]:
    """Calls of ``numbers`` numbers each, all distinct, over CLIENTS connections that do little else: their answers."""
    head = form(CorpID=customer.corp_id, Pwd=md5(customer.password), Content=TEXT, SendTime=FAR)
    requests: list[list[bytes]] = [[] for _ in range(CLIENTS)]
    for call in calls:
        body = head + b"&Mobile=" + ",".join(f"139{call * numbers + n:08d}" for n in range(numbers)).encode()
        request = b"POST /sdk2/IntlSend.aspx HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        requests[call % CLIENTS].append(request)
    answers: list[int] = []

    def work(mine: list[bytes]) -> None:
        with socket.create_connection(program.address, timeout=60) as client:
            for request in mine:
                client.sendall(request)
                answer = b""
                while not (match := _ANSWER.search(answer)):
                    piece = client.recv(4096)
                    assert piece, answer
                    answer += piece
                answers.append(int(match[1]))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1_048_576


def commits_of(program: Program) -> int:
    """How many transactions the program has committed."""
    return int(program.api("GET", "/health")["commits"])


def test_calls_share_their_commits(tmp_path: Path) -> None:
    with running(tmp_path / "data", **PATIENT) as program:
        customer = program.account("batch", credit=200_000)
        before = commits_of(program)
        answers = blast(program, customer, range(2_000), 1) + blast(program, customer, range(2_000, 2_200), 500)
        commits = commits_of(program) - before
        assert len(set(answers)) == 2_200
        assert min(answers) >= 100_000_000
        assert program.query("SELECT count(*), count(DISTINCT number) FROM messages") == [(102_000, 102_000)]
        assert program.api("GET", "/ledger/check")["faults"] == []
        assert program.balance(customer) == 98_000
    tell(f"2,000 calls of 1 number and 200 of 500: {commits} commits")
    assert commits < 1_100


@pytest.mark.slow
def test_a_thousand_calls_of_500_numbers(tmp_path: Path) -> None:
    with running(tmp_path / "data", **PATIENT) as program:
        assert program.process is not None
        customer = program.account("batch", credit=1_000_000)
        before = commits_of(program)
        begun = time.monotonic()
        answers = blast(program, customer, range(400), 500)
        after_400_mb = resident_mb(program.process.pid)
        answers += blast(program, customer, range(400, 1_000), 500)
        elapsed_s = time.monotonic() - begun
        after_1000_mb = resident_mb(program.process.pid)
        commits = commits_of(program) - before
        assert len(set(answers)) == 1_000
        assert min(answers) >= 100_000_000
        assert program.query("SELECT count(*), count(DISTINCT number) FROM messages") == [(500_000, 500_000)]
        assert program.api("GET", "/ledger/check")["faults"] == []
    tell(
        f"1,000 calls of 500 numbers: {commits} commits, {elapsed_s:.1f} s with their making;"
        f" resident {after_400_mb:.0f} MB after 400 calls, {after_1000_mb:.0f} MB after 1,000"
    )
    assert commits < 500
    assert after_1000_mb < after_400_mb + 20

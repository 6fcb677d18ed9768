"""A disk that fails or is full: nobody is told what is not so, and nothing that was answered is lost (ADR 0014)."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .machine import Machine, machine
from .program import PATIENCE_S, Customer, Program, eventually, running

CLIENTS = 8


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Machine]:
    disk = machine(tmp_path)
    yield disk
    disk.close()


class Clients:
    """Programs that send one call after another, and note what they were answered, until the gateway is gone."""

    def __init__(self, program: Program, customer: Customer) -> None:
        self.answers: list[int] = []
        self.unanswered = 0
        self._program, self._customer = program, customer
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        while not self._enough.is_set():
            try:
                self.answers.append(self._program.send(self._customer))
            except httpx.HTTPError:
                self.unanswered += 1
                return

    def stop(self) -> None:
        """After the calls under way."""
        self._enough.set()
        for thread in self._threads:
            thread.join()


def told(program: Program) -> set[int]:
    """The ids of all submissions that are stored."""
    return {row[0] for row in program.query("SELECT client_id FROM submissions")}


def test_a_sync_that_fails_ends_the_gateway_before_anybody_is_answered(tmp_path: Path, disk: Machine) -> None:
    data = tmp_path / "data"
    with running(data, **disk.environ) as program:
        customer = program.account("C1", credit=100_000)
        clients = Clients(program, customer)
        eventually(lambda: len(clients.answers) > 50)
        disk.now(fails_to_sync=True)
        assert program.process is not None
        assert program.process.wait(PATIENCE_S) == os.EX_IOERR
        clients.stop()
        assert "the store is broken, the program ends at once" in program.said()
        assert min(clients.answers) > 0, "nobody was told that a call failed which may stand on the disk"
        assert clients.unanswered == CLIENTS
    disk.now()
    with running(data, **disk.environ) as program:
        stored = told(program)
        assert set(clients.answers) <= stored, "what was answered is there"
        assert len(stored - set(clients.answers)) <= CLIENTS, "beside at most what was under way"
        assert program.api("GET", "/ledger/check")["faults"] == []
        assert program.send(customer) > 0


def test_on_a_full_disk_calls_are_refused_until_there_is_room(tmp_path: Path, disk: Machine) -> None:
    with running(tmp_path / "data", **disk.environ) as program:
        customer = program.account("C1", credit=100_000)
        clients = Clients(program, customer)
        eventually(lambda: len(clients.answers) > 50)
        disk.now(full=True)
        eventually(lambda: -2 in clients.answers)
        refused = clients.answers.count(-2)
        eventually(lambda: clients.answers.count(-2) > refused + 20)
        disk.now()
        answered = len(clients.answers)
        eventually(lambda: sum(answer > 0 for answer in clients.answers[answered:]) > 50)
        clients.stop()
        assert clients.unanswered == 0 and set(clients.answers) - told(program) == {-2}
        assert len(told(program)) == sum(answer > 0 for answer in clients.answers), "what was refused is not there"
        assert program.api("GET", "/ledger/check")["faults"] == []
        eventually(lambda: not program.query("SELECT 1 FROM messages WHERE state <> 10"))

"""kill -9 with the built-in simulator under all the load that there can be; ``tests/lab`` does it to a real carrier.

What was answered is there, charged once and sent; what was sent twice is marked uncertain.
"""

import os
import random
import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from figures import tell

from .program import TEXT, Customer, Program, eventually, form, md5, running

CLIENTS = 16
KILLS = int(os.environ.get("YIZHAN_TEST_KILLS", "20"))
SEED = int(os.environ.get("YIZHAN_TEST_SEED", "20261122"))
QUICK = {"YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.2, "window": 200}]'}


class Load:
    """CLIENTS programs that send singles and small batches until their connection dies; ``answered`` is their log."""

    def __init__(self, customer: Customer) -> None:
        self._head = form(CorpID=customer.corp_id, Pwd=md5(customer.password), Content=TEXT)
        self._lock = threading.Lock()
        self._next = 0
        self.answered: dict[int, list[str]] = {}
        self.refused: Counter[str] = Counter()
        self.unanswered = 0

    def run(self, program: Program, chance: random.Random, seconds: float) -> None:
        """Load ``program``, kill it after ``seconds``, and wait until every client has noticed."""
        clients = [
            threading.Thread(target=self._client, args=(program.address, chance.random())) for _ in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        time.sleep(seconds)
        assert program.process is not None
        program.process.kill()
        program.process.wait()
        for client in clients:
            client.join()

    def _client(self, address: tuple[str, int], seed: float) -> None:
        chance = random.Random(seed)
        with socket.create_connection(address, timeout=20) as connection:
            while self._call(connection, chance.choice((1, 1, 1, 20))):
                pass

    def _call(self, connection: socket.socket, count: int) -> bool:
        numbers = self._numbers(count)
        body = self._head + b"&Mobile=" + ",".join(numbers).encode()
        request = b"POST /sdk2/IntlSend.aspx HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        answer = b""
        try:
            connection.sendall(request)
            while not answer.rpartition(b"\r\n\r\n")[2]:
                piece = connection.recv(4096)
                if not piece:
                    break
                answer += piece
        except OSError:
            pass
        value = answer.rpartition(b"\r\n\r\n")[2].decode()
        with self._lock:
            if not value:
                self.unanswered += 1
            elif int(value) > 0:
                assert int(value) not in self.answered
                self.answered[int(value)] = numbers
            else:
                self.refused[value] += 1
        return bool(value)

    def _numbers(self, count: int) -> list[str]:
        """Numbers nobody else has, none of which has a special fate."""
        with self._lock:
            first, self._next = self._next, self._next + count
        return [f"13{n:08d}9" for n in range(first, first + count)]


def stored_submissions(program: Program) -> dict[int, tuple[list[str], int, str]]:
    """What the store holds, by the client's id: the numbers, the price, and what was charged for it."""
    return {
        client_id: (numbers.split(","), price, entries)
        for client_id, numbers, price, entries in program.query(
            "SELECT client_id, group_concat(written), s.price_milli, entries FROM submissions s"
            " JOIN messages m ON m.submission_id = s.id"
            " LEFT JOIN (SELECT submission_id, group_concat(amount_milli) AS entries FROM ledger"
            " WHERE kind = 'send' GROUP BY submission_id) l ON l.submission_id = s.id GROUP BY s.id"
        )
    }


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kill_9_under_load(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    data = tmp_path / "data"
    with running(data, **QUICK) as program:
        customer = program.account("crash", credit=10_000_000)
    load = Load(customer)
    for _ in range(KILLS):
        with running(data, **QUICK) as program:
            load.run(program, chance, chance.uniform(0.2, 1.2))
    with running(data, **QUICK) as program:
        unfinished = "SELECT count(*) FROM messages WHERE state < 10"
        eventually(lambda: program.query(unfinished) == [(0,)], patience_s=120)
        stored = stored_submissions(program)
        uncertain = {number for (number,) in program.query("SELECT written FROM messages WHERE uncertain > 0")}
        accepted = {number for numbers, _, _ in stored.values() for number in numbers}
        submits = [line for line in program.journal() if line["event"] == "submit"]
        carried = Counter(line["number"].removeprefix("+86") for line in submits)
        check = program.api("GET", "/ledger/check")
        balance = program.balance(customer)

    missing = [client_id for client_id, numbers in load.answered.items() if set(stored[client_id][0]) != set(numbers)]
    charged_wrongly = [client_id for client_id, (_, price, entries) in stored.items() if entries != str(price)]
    undelivered = [number for numbers in load.answered.values() for number in numbers if not carried[number]]
    twice = {number for number, count in carried.items() if count > 1}
    tell(
        f"seed {SEED}, {KILLS} kills: {len(load.answered)} calls answered, {load.unanswered} unanswered,"
        f" {len(stored)} stored, {len(accepted)} messages; missing {len(missing)}, charged wrongly"
        f" {len(charged_wrongly)}, not delivered {len(undelivered)}, sent twice {len(twice)},"
        f" of them not marked uncertain {len(twice - uncertain)}, marked uncertain {len(uncertain)}"
    )
    assert len(load.answered) > KILLS * 10, load.refused
    assert not load.refused
    assert not missing
    assert not charged_wrongly
    assert not undelivered
    assert twice <= uncertain
    assert set(carried) == accepted, "nothing was sent that was not accepted"
    assert check["faults"] == []
    assert balance == 10_000_000 - len(accepted)

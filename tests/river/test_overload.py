"""More than a gateway can take: its memory is bounded, its answers are honest, and others are served meanwhile."""

import os
import re
import resource
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from figures import tell

from .flood import Outcome, Plan, flood, joined
from .program import Customer, Program, eventually, running

SECONDS = float(os.environ.get("YIZHAN_TEST_OVERLOAD_S", "60"))
CLIENT_PATIENCE_S = 30.0  # as many programs have it by default
PROCESSES = 3
# The bound that docs/flow.md names: a gateway that idles, each connection, and what is under way or waits.
IDLE_KB, CONNECTION_KB, WAITING_KB = 200_000, 40, 100_000
CONNECTIONS = 1_200
IDLE_CONNECTIONS = 5_000

pytestmark = [pytest.mark.slow, pytest.mark.alone, pytest.mark.timeout(900)]


def peak_kb(program: Program) -> int:
    """The most memory that the process has held."""
    assert program.process is not None
    match = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{program.process.pid}/status").read_text())
    assert match is not None
    return int(match[1])


def descriptors(program: Program) -> int:
    """How many files and sockets the process has open."""
    assert program.process is not None
    return len(list(Path(f"/proc/{program.process.pid}/fd").iterdir()))


def assert_honest(program: Program, customer: Customer, outcome: Outcome) -> None:
    """What got an id is stored under it, whole and charged once; nothing else of the customer's is stored."""
    stored = {
        client_id: (tuple(numbers), price, charged)
        for client_id, *numbers, price, charged in program.query(
            "WITH charges AS (SELECT submission_id, group_concat(amount_milli) AS charged FROM ledger"
            " WHERE kind = 'send' GROUP BY submission_id)"
            " SELECT s.client_id, min(m.written), max(m.written), count(*), s.price_milli, c.charged"
            " FROM submissions s JOIN messages m ON m.submission_id = s.id"
            " LEFT JOIN charges c ON c.submission_id = s.id"
            f" WHERE s.account_id = (SELECT id FROM accounts WHERE corp_id = '{customer.corp_id}') GROUP BY s.id"
        )
    }
    assert set(outcome.codes) <= {-2}
    assert not outcome.failed, "everybody is answered within a client's patience"
    told = {call.value: call.numbers for call in outcome.accepted}
    assert len(told) == len(outcome.accepted)
    assert {client_id: numbers for client_id, (numbers, _, _) in stored.items()} == told
    wrongly = [
        id for id, (numbers, price, charged) in stored.items() if not charged == str(price) == f"{numbers[2]}000"
    ]
    assert not wrongly
    assert program.api("GET", "/ledger/check")["faults"] == []


@pytest.mark.parametrize("numbers", [1, 500])
def test_ten_times_more_than_it_can_take(tmp_path: Path, numbers: int) -> None:
    """CONNECTIONS clients that never pause, a third of them with a new connection for each call; 64 keep it busy."""
    with running(tmp_path / "data") as program:
        customer, other = program.account("flood", credit=1_000_000_000), program.account("other")
        plan = Plan(program.address, customer, CONNECTIONS // PROCESSES, numbers, SECONDS, patience_s=CLIENT_PATIENCE_S)
        outcome = joined(flood([plan.part(n, keep_alive=n > 0) for n in range(PROCESSES)]))
        tell(f"{CONNECTIONS} clients, {numbers} a call: {outcome}; peak {peak_kb(program)} kB")
        assert program.send(other) > 0, "it answers as ever"
        assert peak_kb(program) < IDLE_KB + CONNECTIONS * CONNECTION_KB + WAITING_KB
        assert len(outcome.accepted) > CONNECTIONS / 10
        assert_honest(program, customer, outcome)


def test_calls_beyond_what_may_wait_get_minus_2_and_nothing_of_them_is_kept(tmp_path: Path) -> None:
    with running(tmp_path / "data", YIZHAN_POLICY__ROWS_WAITING="10000", YIZHAN_POLICY__TURN_WAIT_S="1") as program:
        customer = program.account("flood", credit=1_000_000_000)
        (outcome,) = flood([Plan(program.address, customer, 200, 500, min(SECONDS, 10))])
        tell(f"a short line: {outcome}")
        assert outcome.codes[-2] and outcome.accepted
        assert_honest(program, customer, outcome)
        assert "overloaded" in {call["hit"] for call in program.api("GET", "/refusals", params={"limit": 10})}


def test_a_flood_of_one_account_does_no_harm_to_another(tmp_path: Path) -> None:
    """64 connections with 500 numbers a call and no room for all of them in the line, beside single numbers."""
    with running(tmp_path / "data", YIZHAN_POLICY__ROWS_WAITING="20000") as program:
        flooding, normal = (program.account(name, credit=1_000_000_000) for name in ("flood", "normal"))
        seconds = min(SECONDS, 20)
        single = Plan(program.address, normal, 4, 1, seconds, pause_s=0.02)
        (alone,) = flood([single])
        beside, flooded = flood([single.part(1), Plan(program.address, flooding, 64, 500, seconds).part(2)])
        tell(f"alone: {alone}\nbeside a flood: {beside}\nthe flood: {flooded}")
        assert flooded.codes[-2] and flooded.accepted
        assert not beside.codes and len(beside.accepted) > 4, "never refused, however full the flood's line is"
        assert_honest(program, normal, joined([alone, beside]))
        assert_honest(program, flooding, flooded)


@contextmanager
def connections(program: Program, count: int) -> Iterator[list[socket.socket]]:
    """So many connections, closed at the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(program.address, timeout=20)) for _ in range(count)]


class Trickle:
    """A client that sends a byte a second, or none; ``answer`` is None until the gateway has ended the connection."""

    def __init__(self, connection: socket.socket, at_once: bytes, then: bytes = b"") -> None:
        self._connection = connection
        self._then = iter(then)
        self.answer: bytes | None = None
        connection.sendall(at_once)
        connection.setblocking(False)

    def tick(self) -> None:
        """Another second."""
        if self.answer is not None:
            return
        try:
            for byte in self._then:
                self._connection.send(bytes([byte]))
                break
            said = self._connection.recv(65_536, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            self.answer = b""
            return
        self.answer = said


HEAD = b"POST /sdk2/IntlSend.aspx HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n"
WSDL = b"GET /sdk2/LinkWS.asmx?wsdl HTTP/1.1\r\nHost: a\r\n\r\n"
DEADLINES = {"YIZHAN_SERVER__HEAD_TIMEOUT_S": "4", "YIZHAN_SERVER__BODY_TIMEOUT_S": "6"}
EACH = 200


def test_slow_clients_are_ended_by_the_deadlines_and_others_are_served(tmp_path: Path) -> None:
    with running(tmp_path / "data", **DEADLINES) as program:
        customer = program.account("C1")
        assert program.send(customer) > 0
        before = descriptors(program)
        with connections(program, 2 * EACH) as slow, connections(program, 50) as deaf:
            heads = [Trickle(connection, b"P", b"OST /" + b"a" * 1_000) for connection in slow[:EACH]]
            bodies = [Trickle(connection, HEAD, b"x" * 1_000) for connection in slow[EACH:]]
            for connection in deaf:
                connection.setblocking(False)
                connection.send(WSDL * 500)
            eventually(lambda: descriptors(program) >= before + 2 * EACH)
            begun_s = time.monotonic()
            for second in range(1, 30):
                assert program.send(customer) > 0, "others are served"
                for client in (*heads, *bodies):
                    client.tick()
                if all(client.answer is not None for client in (*heads, *bodies)):
                    break
                time.sleep(max(0, begun_s + second - time.monotonic()))
            assert {(client.answer or b"")[:12] for client in heads} == {b"HTTP/1.1 408"}
            assert {(client.answer or b"")[:12] for client in bodies} == {b"HTTP/1.1 408"}
            # The clients still hold their ends; the gateway has let go of all of them, also of those that do not read.
            eventually(lambda: descriptors(program) <= before, patience_s=30)
        assert program.send(customer) > 0


@contextmanager
def many_descriptors(wanted: int) -> Iterator[None]:
    """Room for so many files and sockets in this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"the hard limit of open files is {hard}, {wanted} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


GREET = b"GET /sdk2/HelloWorld.aspx HTTP/1.1\r\nHost: a\r\n\r\n"


def greeted(clients: Sequence[socket.socket]) -> list[bytes]:
    """Each client's answer to a call; the connections stay open."""
    for client in clients:
        client.sendall(GREET)
    return [client.recv(4096).rpartition(b"\r\n\r\n")[2] for client in clients]


def test_five_thousand_idle_connections(tmp_path: Path) -> None:
    limit = {"YIZHAN_SERVER__MAX_CONNECTIONS": str(IDLE_CONNECTIONS)}
    with many_descriptors(IDLE_CONNECTIONS + 500), running(tmp_path / "data", **limit) as program:
        customer = program.account("C1")
        assert program.send(customer) > 0
        before, idle_kb = descriptors(program), peak_kb(program)
        with connections(program, IDLE_CONNECTIONS - 1) as idle:
            assert set(greeted(idle)) == {b"Hello World"}
            tell(f"{len(idle)} idle connections: {(peak_kb(program) - idle_kb) / len(idle):.1f} kB each")
            assert peak_kb(program) < IDLE_KB + IDLE_CONNECTIONS * CONNECTION_KB
            assert program.send(customer) > 0, "the last place is free"
            with connections(program, 1) as last, connections(program, 3) as beyond:
                assert greeted(last) == [b"Hello World"]
                assert greeted(beyond) == [b"-2"] * 3, "one too many: -2, and let go"
                assert program.send(customer) == -2
                assert [client.recv(1) for client in beyond] == [b""] * 3
        eventually(lambda: descriptors(program) <= before)
        assert program.send(customer) > 0

"""Webhooks: a real receiver gets each event, signed and in order per number, or it is parked and can be replayed."""

import json
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from standardwebhooks import Webhook

from .program import Program, eventually, run_cli, running

QUICK = {
    "YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.02}]',
    "YIZHAN_PUSH__ALLOW_NETWORKS": "127.0.0.0/8",
    "YIZHAN_PUSH__FIRST_DELAY_S": "0.05",
    "YIZHAN_PUSH__MAX_DELAY_S": "0.1",
    "YIZHAN_PUSH__MAX_ATTEMPTS": "3",
    "YIZHAN_PUSH__TIMEOUT_S": "0.5",
    "YIZHAN_POLICY__QUERY_INTERVAL_S": "0",
}


@dataclass
class Receiver:
    """What came in, and how to answer: refuse each event ``refusals`` times; ``silent`` receivers never answer."""

    refusals: int = 0
    silent: bool = False
    url: str = ""
    attempts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """Note one attempt; the status that answers it."""
        self.attempts.append((headers, body))
        tries = sum(one["webhook-id"] == headers["webhook-id"] for one, _ in self.attempts)
        if tries <= self.refusals:
            return 503
        self.taken.append((headers, body))
        return 204

    def events(self, secret: str) -> list[dict[str, Any]]:
        """What was taken, verified by the reference implementation."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.taken]


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """The receiver on a port of its own."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if receiver.silent:
                receiver.attempts.append((dict(self.headers), body))
                over.wait(20)
                return
            self.send_response(receiver.take({name.lower(): value for name, value in self.headers.items()}, body))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        try:
            yield receiver
        finally:
            over.set()
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def pushing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway that may call this machine."""
    with running(tmp_path_factory.mktemp("webhooks") / "data", **QUICK) as program:
        yield program


def parked(program: Program, account: str) -> list[dict[str, Any]]:
    """The parked events of an account."""
    found: list[dict[str, Any]] = program.api("GET", "/webhooks/events", params={"account": account, "parked": True})
    return found


def test_a_receiver_that_fails_twice_gets_each_event_in_order(pushing: Program) -> None:
    customer = pushing.account("twice", extension="71")
    with receiving(Receiver(refusals=2)) as receiver:
        secret = pushing.api("PUT", "/webhooks", json={"account": "twice", "url": receiver.url})["secret"]
        ids = [pushing.send(customer, Mobile="13800000000,13900000000,12", Cell=str(cell)) for cell in range(3)]
        pushing.wait_for("delivered", 6, account="twice")
        for text in ("一", "二"):
            pushing.api("POST", "/simulator/replies", json={"number": "13800000000", "to": "10690000715", "text": text})
        eventually(lambda: len(receiver.taken) >= 11)
        eventually(lambda: pushing.query("SELECT count(*) FROM pushes") == [(0,)])
        events = receiver.events(secret)
        assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == len(events) == 11, "each event once"
        of_number: dict[str, list[Any]] = {}
        for event in events:
            data = event["data"]
            told = data["submission"] if event["type"] == "sms.report" else data["text"]
            of_number.setdefault(data["number"], []).append(told)
        assert of_number == {"13800000000": [*ids, "一", "二"], "13900000000": ids, "12": ids}, "in order per number"
        report = next(event["data"] for event in events if event["data"]["number"] == "13900000000")
        assert (report["flag"], report["status"], report["state"], report["cell"]) == (1, "DELIVRD", "delivered", "0")


def test_a_receiver_that_never_answers_ends_parked_and_replay_works(pushing: Program) -> None:
    customer = pushing.account("silent")
    with receiving(Receiver(silent=True)) as receiver:
        secret = pushing.api("PUT", "/webhooks", json={"account": "silent", "url": receiver.url})["secret"]
        id_ = pushing.send(customer)
        (event,) = eventually(lambda: parked(pushing, "silent"))
        assert (event["attempts"], event["event"], event["said"]) == (3, "report", "timed out")
        assert len(receiver.attempts) == 3
        receiver.silent = False
        shown = run_cli(pushing.data, "webhook", "replay", "--account", "silent")
        assert (shown.returncode, shown.stdout) == (0, "1 events are sent again\n")
        eventually(lambda: receiver.taken)
        assert receiver.events(secret)[0]["data"]["submission"] == id_
    assert run_cli(pushing.data, "webhook", "replay", "--account", "silent").returncode == 1


def test_a_silent_receiver_holds_up_nobody_else(pushing: Program) -> None:
    slow, quick = pushing.account("slow"), pushing.account("quick")
    with receiving(Receiver(silent=True)) as dead, receiving(Receiver()) as alive:
        pushing.api("PUT", "/webhooks", json={"account": "slow", "url": dead.url})
        pushing.api("PUT", "/webhooks", json={"account": "quick", "url": alive.url})
        for count in range(20):
            pushing.send(slow, Mobile=f"138000001{count:02}")
        pushing.send(quick)
        began = time.monotonic()
        eventually(lambda: alive.taken)
        assert time.monotonic() - began < 10
        pushing.api("DELETE", "/webhooks", params={"account": "slow"})


def test_what_waits_moves_to_the_webhook_and_back(pushing: Program) -> None:
    customer = pushing.account("moves", extension="72")
    pushing.send(customer, Mobile="13800000001,13900000000")
    pushing.api("POST", "/simulator/replies", json={"number": "13800000001", "to": "1069000072", "text": "hi"})
    eventually(
        lambda: (
            pushing.query(
                "SELECT count(*) FROM handouts JOIN accounts ON account_id = accounts.id WHERE corp_id = 'moves'"
            )
            == [(4,)]
        )
    )
    with receiving(Receiver(refusals=1_000)) as receiver:
        pushing.api("PUT", "/webhooks", json={"account": "moves", "url": receiver.url})
        who = f"CorpID=moves&Pwd={customer.password}".encode()
        assert pushing.post("GetReportSMS", who).text == ""
        eventually(lambda: len(parked(pushing, "moves")) == 3)
        pushing.api("DELETE", "/webhooks", params={"account": "moves"})
    assert pushing.post("GetReportSMS", who).text.count("|||") == 2
    assert pushing.post("Get", who).text.count("#hi#") == 1
    assert pushing.post("GetReportFail", who).text.count("UNDELIV") == 1
    assert parked(pushing, "moves") == []


def test_private_addresses_are_not_called(tmp_path: Path) -> None:
    environ = {name: value for name, value in QUICK.items() if name != "YIZHAN_PUSH__ALLOW_NETWORKS"}
    with receiving(Receiver()) as receiver, running(tmp_path / "data", **environ) as program:
        customer = program.account("inside")
        program.api("PUT", "/webhooks", json={"account": "inside", "url": receiver.url})
        program.send(customer)
        (event,) = eventually(lambda: parked(program, "inside"))
        assert "127.0.0.1" in event["said"]
        assert receiver.attempts == []


def test_events_survive_a_kill(tmp_path: Path) -> None:
    with receiving(Receiver(refusals=1)) as receiver:
        with running(
            tmp_path / "data", **{**QUICK, "YIZHAN_PUSH__FIRST_DELAY_S": "3", "YIZHAN_PUSH__MAX_DELAY_S": "3"}
        ) as p:
            customer = p.account("kill")
            secret = p.api("PUT", "/webhooks", json={"account": "kill", "url": receiver.url})["secret"]
            id_ = p.send(customer)
            eventually(lambda: p.query("SELECT attempts FROM pushes") == [(1,)])
            p.stop(9)
        with running(tmp_path / "data", **QUICK):
            eventually(lambda: receiver.taken)
    assert [event["data"]["submission"] for event in receiver.events(secret)] == [id_]


@pytest.mark.parametrize("secret", ["whsec_c2hvcnQ=", "nothing", "whsec_!!"])
def test_a_wrong_secret_is_refused(pushing: Program, secret: str) -> None:
    pushing.account(f"secret-{abs(hash(secret))}")
    name = f"secret-{abs(hash(secret))}"
    with pytest.raises(AssertionError, match="422"):
        pushing.api("PUT", "/webhooks", json={"account": name, "url": "http://example.com/", "secret": secret})


def test_the_secret_is_in_no_list(pushing: Program) -> None:
    pushing.account("secretive")
    made = run_cli(pushing.data, "webhook", "set", "secretive", "https://example.com/hook", "--json")
    secret = json.loads(made.stdout)["secret"]
    seen = json.dumps([pushing.api("GET", "/webhooks"), pushing.api("GET", "/audit")])
    assert "https://example.com/hook" in seen
    assert secret not in seen
    assert run_cli(pushing.data, "webhook", "remove", "secretive").returncode == 0


def test_a_new_address_holds_for_the_next_event(pushing: Program) -> None:
    customer = pushing.account("moved")
    with receiving(Receiver(refusals=1_000)) as old, receiving(Receiver()) as new:
        pushing.api("PUT", "/webhooks", json={"account": "moved", "url": old.url})
        ids = [pushing.send(customer, Mobile=f"138000002{count:02}") for count in range(6)]
        eventually(lambda: old.attempts)
        secret = pushing.api("PUT", "/webhooks", json={"account": "moved", "url": new.url})["secret"]
        pushing.wait_for("delivered", 6, account="moved")
        run_cli(pushing.data, "webhook", "replay", "--account", "moved")
        eventually(lambda: len(new.taken) == 6)
    assert sorted(event["data"]["submission"] for event in new.events(secret)) == ids
    assert len({headers["webhook-id"] for headers, _ in new.taken}) == 6, "an id is one event for ever"


def test_what_a_fetch_has_leased_goes_to_the_new_webhook(pushing: Program) -> None:
    customer = pushing.account("leased")
    id_ = pushing.send(customer)
    pushing.wait_for("delivered", account="leased")
    with receiving(Receiver()) as receiver:
        with socket.create_connection(pushing.address) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            target = f"/GetReportSMS.aspx?CorpID=leased&Pwd={quote(customer.password)}"
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        secret = pushing.api("PUT", "/webhooks", json={"account": "leased", "url": receiver.url})["secret"]
        eventually(lambda: receiver.taken)
        assert receiver.events(secret)[0]["data"]["submission"] == id_


def test_a_failure_that_was_fetched_does_not_come_again(pushing: Program) -> None:
    customer = pushing.account("once")
    who = f"CorpID=once&Pwd={quote(customer.password)}".encode()
    pushing.send(customer, Mobile="13800000001")
    pushing.wait_for("failed", account="once")
    assert "UNDELIV" in pushing.post("GetReportFail", who).text
    eventually(lambda: not pushing.query("SELECT 1 FROM handouts WHERE queue = 3"))
    pushing.api("PUT", "/webhooks", json={"account": "once", "url": "http://127.0.0.1:9/"})
    pushing.api("DELETE", "/webhooks", params={"account": "once"})
    assert "UNDELIV" in pushing.post("GetReportSMS", who).text
    assert "UNDELIV" not in pushing.post("GetReportFail", who).content.decode("gbk")

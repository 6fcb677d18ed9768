"""The clients of the lab: programs that send, programs that fetch, handsets that reply; each keeps a log of its own."""

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Any, Protocol

from river.program import TEXT, Customer, form, md5
from river.smsc import Smsc
from yizhan.client.records import BEIJING, read_failures, read_replies, read_reports

SENDERS = 16
CALLS_PER_S = 100  # of all senders together
ACCESS = "10690000"
EXTENSION = "17"
_SIZES = (1,) * 16 + (20,) * 3 + (100,)
_LATER = 0.1  # share of the calls that are for a second or two later
_POLL_S = 0.1
_QUIET = 2
_PATIENCE_S = 30.0


@dataclass
class Log:
    """What the clients know. Times are monotonic."""

    answered: dict[int, list[str]] = field(default_factory=dict)
    unanswered: list[list[str]] = field(default_factory=list)  # the numbers of calls whose fate the client cannot know
    refused: Counter[str] = field(default_factory=Counter)
    reports: dict[tuple[int, str], list[tuple[float, str]]] = field(default_factory=dict)  # (id, number) -> when, word
    failures: dict[str, list[float]] = field(default_factory=dict)
    replies: dict[str, list[float]] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)  # what no client should ever see


class Door(Protocol):
    """Where a gateway listens."""

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, of the moment."""


class Line:
    """A kept-alive connection to whatever gateway runs now."""

    def __init__(self, program: Door) -> None:
        self._program = program
        self._connection: HTTPConnection | None = None

    def call(self, operation: str, body: bytes) -> str | None:
        """The answer; None when there was none, though the call was perhaps heard. OSError: it was not even sent."""
        if self._connection is None or self._connection.sock is None:
            self._connection = HTTPConnection(*self._program.address, timeout=_PATIENCE_S)
            self._connection.connect()
        try:
            self._connection.request("POST", f"/sdk2/{operation}.aspx", body)
            return self._connection.getresponse().read().decode("gb18030")
        except (OSError, HTTPException):
            self.close()
            return None

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Clients:
    """All of them. Those that send work from ``work`` to ``rest``, those that fetch until ``stop``."""

    def __init__(self, program: Door, carrier: Smsc, customer: Customer) -> None:
        self.log = Log()
        self.clock_s = 0  # how far the gateway's clock is off
        self.later = True  # send some for a second or two later
        self._program, self._carrier, self._customer = program, carrier, customer
        self._lock = threading.Lock()
        self._next_number = self._next_reply = 0
        self._sending, self._fetching = threading.Event(), threading.Event()
        self._senders: list[threading.Thread] = []
        self._nothing: Counter[str] = Counter()  # fetches in a row that found nothing
        notes = {"GetReportSMS": self._note_reports, "GetReportFail": self._note_failures, "Get": self._note_replies}
        self._operations = tuple(notes)
        self._fetchers = [threading.Thread(target=self._fetch, args=found, daemon=True) for found in notes.items()]
        self._fetching.set()
        for thread in self._fetchers:
            thread.start()

    def work(self, chance: random.Random) -> None:
        """Send, and reply."""
        self._sending.set()
        self._senders = [
            threading.Thread(target=self._send, args=(chance.random(),), daemon=True) for _ in range(SENDERS)
        ]
        self._senders.append(threading.Thread(target=self._reply, daemon=True))
        for thread in self._senders:
            thread.start()

    def rest(self) -> None:
        """Send nothing more; what is under way is waited for."""
        self._sending.clear()
        for thread in self._senders:
            thread.join()

    def fetched_all(self) -> bool:
        """Whether each fetcher has found nothing a few times since it was asked last."""
        return all(self._nothing[operation] > _QUIET for operation in self._operations)

    def fetch_on(self) -> None:
        """What was found empty so far may have been so too early."""
        self._nothing.clear()

    def stop(self) -> None:
        """Fetch nothing more."""
        self._fetching.clear()
        for thread in self._fetchers:
            thread.join()

    # -- programs that send

    def _send(self, seed: float) -> None:
        chance, line = random.Random(seed), Line(self._program)
        while self._sending.is_set():
            numbers = self._numbers(chance.choice(_SIZES))
            later = self._later(chance) if chance.random() < _LATER and self.later else ""
            body = form(
                CorpID=self._customer.corp_id,
                Pwd=md5(self._customer.password),
                Content=TEXT,
                Mobile=",".join(numbers),
                SendTime=later,
            )
            try:
                answer = line.call("IntlSend", body)
            except OSError:
                time.sleep(0.05)
                continue
            with self._lock:
                self._note_answer(answer, numbers)
            time.sleep(SENDERS / CALLS_PER_S * 2 * chance.random())
        line.close()

    def _later(self, chance: random.Random) -> str:
        """A second or two from now, as the gateway's clock has it."""
        now = datetime.now(BEIJING) + timedelta(seconds=self.clock_s)
        return f"{now + timedelta(seconds=chance.randint(1, 2)):%Y%m%d%H%M%S}"

    def _numbers(self, count: int) -> list[str]:
        """Numbers that nobody else has."""
        with self._lock:
            first, self._next_number = self._next_number, self._next_number + count
        return [f"13{n:08d}9" for n in range(first, first + count)]

    def _note_answer(self, answer: str | None, numbers: list[str]) -> None:
        if answer is None:
            self.log.unanswered.append(numbers)
        elif answer.isdigit() and int(answer) > 0 and int(answer) not in self.log.answered:
            self.log.answered[int(answer)] = numbers
        elif answer.startswith("-"):
            self.log.refused[answer] += 1
        else:
            self.log.odd.append(f"IntlSend answered {answer[:40]!r}")

    # -- handsets

    def _reply(self) -> None:
        while self._sending.is_set():
            text = f"R{self._next_reply:07d}"
            self._next_reply += 1
            wish = {"do": "reply", "from": "8613900000000", "to": ACCESS + EXTENSION, "text": text}
            with contextlib.suppress(OSError, ValueError):  # a dead SMSC hears nothing
                self._carrier.tell(patience_s=1, **wish)
            time.sleep(0.05)

    # -- programs that fetch

    def _fetch(self, operation: str, note: Callable[[str, float], int]) -> None:
        line = Line(self._program)
        body = form(CorpID=self._customer.corp_id, Pwd=self._customer.password)
        while self._fetching.is_set():
            try:
                answer = line.call(operation, body)
            except OSError:
                answer = None
            if answer is not None and not answer.startswith("-"):
                with self._lock:
                    found = note(answer, time.monotonic())
                self._nothing[operation] = 0 if found else self._nothing[operation] + 1
            time.sleep(_POLL_S)
        line.close()

    def _note_reports(self, answer: str, at_s: float) -> int:
        records = self._readable("GetReportSMS", read_reports(answer))
        for report in records:
            self.log.reports.setdefault((report.id, report.number), []).append((at_s, report.status))
        return len(records)

    def _note_failures(self, answer: str, at_s: float) -> int:
        records = self._readable("GetReportFail", read_failures(answer))
        for failure in records:
            self.log.failures.setdefault(failure.number, []).append(at_s)
        return len(records)

    def _note_replies(self, answer: str, at_s: float) -> int:
        records = self._readable("Get", read_replies(answer))
        for reply in records:
            self.log.replies.setdefault(reply.text, []).append(at_s)
        return len(records)

    def _readable(self, operation: str, records: Iterable[Any]) -> list[Any]:
        found = list(records)
        for record in found:
            if not hasattr(record, "number"):
                self.log.odd.append(f"{operation} answered {record!r}"[:200])
        return [record for record in found if hasattr(record, "number")]

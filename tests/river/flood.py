"""More calls than a gateway can take: many connections, each with a call on its way, made by processes of their own."""

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import uvloop

from .program import TEXT, Customer, form, md5

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
_NUMBERS_EACH = 25_000_000
_SHOWN = (("p50", 0.5), ("p99", 0.99), ("longest", 1.0))


@dataclass(frozen=True)
class Plan:
    """What one process sends: ``connections`` at a time, each with one call of ``numbers`` numbers on its way."""

    address: tuple[str, int]
    customer: Customer
    connections: int
    numbers: int
    seconds: float
    first: int = 0  # its numbers begin here
    keep_alive: bool = True  # else a new connection for every call
    patience_s: float = 30.0  # of a client; then it gives the call up
    pause_s: float = 0.0  # between two calls of a connection

    def part(self, place: int, **changes: Any) -> "Plan":
        """The same with numbers that no other ``place`` has, for another process."""
        return replace(self, first=place * _NUMBERS_EACH, **changes)


@dataclass(frozen=True)
class Answered:
    """A call and its answer."""

    value: int
    numbers: tuple[str, str, int]  # the first, the last, how many
    seconds: float


@dataclass
class Outcome:
    """What the clients have seen."""

    answered: list[Answered] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)  # calls without an answer, by what happened

    @property
    def codes(self) -> Counter[int]:
        """How often each refusal was the answer."""
        return Counter(call.value for call in self.answered if call.value <= 0)

    def __str__(self) -> str:
        """The figures, for people."""
        refused, failed = dict(self.codes), dict(self.failed)
        times = ", ".join(f"{name} {self.slowest_s(share) * 1000:.0f} ms" for name, share in _SHOWN)
        return f"{len(self.accepted)} accepted, refused {refused}, without an answer {failed}; {times}"

    @property
    def accepted(self) -> list[Answered]:
        """The calls that got an id."""
        return [call for call in self.answered if call.value > 0]

    def slowest_s(self, share: float = 1.0) -> float:
        """The time within which so large a share of the calls was answered."""
        times = sorted(call.seconds for call in self.answered)
        return times[max(0, round(share * len(times)) - 1)]


def flood(plans: Sequence[Plan]) -> list[Outcome]:
    """All plans at once, each in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(len(plans)) as pool:
        return pool.map(_run, plans, chunksize=1)


def joined(outcomes: Sequence[Outcome]) -> Outcome:
    """What several processes have seen."""
    whole = Outcome()
    for outcome in outcomes:
        whole.answered += outcome.answered
        whole.failed += outcome.failed
    return whole


def _run(plan: Plan) -> Outcome:
    return uvloop.run(_send(plan))


async def _send(plan: Plan) -> Outcome:
    outcome, calls = Outcome(), _calls(plan)
    async with asyncio.TaskGroup() as group:
        for _ in range(plan.connections):
            group.create_task(_client(plan, calls, outcome))
    return outcome


def _calls(plan: Plan) -> Iterator[tuple[bytes, tuple[str, str, int]]]:
    """Requests until the time is up, with what is in them; no number comes twice, and none has a special fate."""
    head = form(CorpID=plan.customer.corp_id, Pwd=md5(plan.customer.password), Content=TEXT) + b"&Mobile="
    until_s, first = time.monotonic() + plan.seconds, plan.first
    while time.monotonic() < until_s:
        numbers = [f"13{n:08d}9" for n in range(first, first + plan.numbers)]
        first += plan.numbers
        body = head + ",".join(numbers).encode()
        close = b"" if plan.keep_alive else b"Connection: close\r\n"
        request = b"POST /sdk2/IntlSend.aspx HTTP/1.1\r\nHost: a\r\n%bContent-Length: %d\r\n\r\n" % (close, len(body))
        yield request + body, (numbers[0], numbers[-1], len(numbers))


async def _client(plan: Plan, calls: Iterator[tuple[bytes, tuple[str, str, int]]], outcome: Outcome) -> None:
    connection: Connection | None = None
    for request, numbers in calls:
        begun_s = time.monotonic()
        try:
            async with asyncio.timeout(plan.patience_s):
                connection = connection or await asyncio.open_connection(*plan.address)
                value = await _call(*connection, request)
            outcome.answered.append(Answered(value, numbers, time.monotonic() - begun_s))
        except (OSError, EOFError, TimeoutError) as error:
            outcome.failed[type(error).__name__] += 1
            connection = _close(connection)
        if not plan.keep_alive:
            connection = _close(connection)
        if plan.pause_s:
            await asyncio.sleep(plan.pause_s)
    _close(connection)


def _close(connection: Connection | None) -> Connection | None:
    """None, which is what is left of it."""
    if connection is not None:
        connection[1].close()
    return None


async def _call(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> int:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(await reader.readexactly(length))

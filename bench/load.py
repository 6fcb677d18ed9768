"""A load generator: kept-alive connections, each with one call on its way, in a process of its own.

It knows the ways to send that are compared here (``Dialect``); one asyncio protocol without streams, since what it
costs is taken from the same machine.
"""

import asyncio
import multiprocessing
import time
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import cast
from urllib.parse import quote, urlsplit

import uvloop

from yizhan.policy.credentials import md5_of

# Every call has a text of its own, as verification codes have: what is remembered of a text must not make it cheap.
_BEFORE, _BEHIND = "您的验证码是", "，请在5分钟内输入【测试】"
_FAR = "20991231235959"
_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/">'
    '<soap:Body><IntlSend xmlns="http://tempuri.org/"><CorpID>{corp}</CorpID><Pwd>{password}</Pwd>'
    "<Mobile>{numbers}</Mobile><Content>{text}</Content><Cell></Cell><SendTime>{later}</SendTime></IntlSend>"
    "</soap:Body></soap:Envelope>"
)


class Dialect(Enum):
    """How a call is written."""

    POST = "HTTP POST"
    GET = "HTTP GET"
    SOAP = "SOAP 1.1"
    KANNEL = "sendsms"
    JASMIN = "send"


@dataclass(frozen=True)
class Plan:
    """What to send and how. ``first`` is the index of the first number; every number is
    distinct, and none has a special fate.
    """

    url: str
    calls: int
    numbers: int = 1
    connections: int = 64
    dialect: Dialect = Dialect.POST
    account: str = "bench"
    later: bool = False  # with a far SendTime: accepted and stored, nothing dispatched
    reported: bool = False  # ask for delivery reports, where they are not given anyway
    first: int = 0
    last_digit: int = 9  # of every number
    calls_per_s: float = 0.0  # of all connections together; 0: as fast as they are answered


@dataclass
class Load:
    """What came back: the latency of each answered call, when the first was sent and the last was answered."""

    latencies_s: "array[float]" = field(default_factory=lambda: array("d"))
    sent_ns: "array[int]" = field(default_factory=lambda: array("q"))  # CLOCK_MONOTONIC, of each call in its order
    refused: int = 0
    example: str = ""  # one refusal
    elapsed_s: float = 0.0

    def quantile_ms(self, share: float) -> float:
        """The latency that ``share`` of the calls do not exceed."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def run_load(plan: Plan) -> Load:
    """Send everything from another process: its work is not counted to the caller. RuntimeError when refused."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        load = pool.apply(_run, (plan,))
    if load.refused:
        raise RuntimeError(f"{load.refused} calls were refused ({load.example}); the figures would mean nothing")
    return load


def numbers_of(plan: Plan, call: int) -> list[str]:
    """The numbers that a call names."""
    first = plan.first + call * plan.numbers
    return [f"13{n:08d}{plan.last_digit}" for n in range(first, first + plan.numbers)]


def _run(plan: Plan) -> Load:
    return uvloop.run(_send_all(plan))


async def _send_all(plan: Plan) -> Load:
    load = Load()
    write, good = _WRITERS[plan.dialect](plan), _GOOD.get(plan.dialect, b"")
    requests: Iterator[bytes] = (write(numbers_of(plan, call)) for call in range(plan.calls))
    address, loop = urlsplit(plan.url), asyncio.get_running_loop()
    clients = [_Client(requests, load, good, plan) for _ in range(plan.connections)]
    for client in clients:
        await loop.create_connection(partial(_itself, client), str(address.hostname), address.port or 80)
    begun = time.perf_counter()
    for client in clients:
        client.next()
    await asyncio.gather(*(client.done for client in clients))
    load.elapsed_s = time.perf_counter() - begun
    return load


def _itself(client: "_Client") -> "_Client":
    return client


class _Client(asyncio.Protocol):
    def __init__(self, requests: Iterator[bytes], load: Load, good: bytes, plan: Plan) -> None:
        self._requests, self._load, self._good = requests, load, good
        self._pause_s = plan.connections / plan.calls_per_s if plan.calls_per_s else 0.0
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self._held = b""
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("the connection was closed before the answer"))

    def next(self) -> None:
        request = next(self._requests, None)
        if request is None:
            if not self.done.done():
                self.done.set_result(None)
            self._transport.close()
            return
        self._begun = time.perf_counter()
        self._load.sent_ns.append(time.monotonic_ns())
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, end, rest = self._held.partition(b"\r\n\r\n")
        if not end:
            return
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if len(rest) < int(length) if length else not rest.endswith(b"0\r\n\r\n"):  # without a length: in chunks
            return
        self._held = b""
        took_s = time.perf_counter() - self._begun
        self._load.latencies_s.append(took_s)
        if not (self._good in rest if self._good else rest.isdigit()):
            self._load.refused += 1
            self._load.example = rest.decode("utf-8", "replace")[:200]
        if self._pause_s > took_s:
            self._loop.call_later(self._pause_s - took_s, self.next)
        else:
            self.next()


_Writer = Callable[[list[str]], bytes]


def _post(plan: Plan) -> _Writer:
    form = _form(plan)
    lines = b"POST /sdk2/IntlSend.aspx HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\n"

    def write(numbers: list[str]) -> bytes:
        body = form(numbers)
        return lines + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)

    return write


def _get(plan: Plan) -> _Writer:
    form = _form(plan)
    return lambda numbers: _got("/sdk2/IntlSend.aspx?" + form(numbers).decode())


def _form(plan: Plan) -> _Writer:
    before, behind = quote(_BEFORE.encode("gb2312")), quote(_BEHIND.encode("gb2312"))
    head = f"CorpID={plan.account}&Pwd={md5_of(plan.account)}&Content={before}"
    tail = f"{behind}&Cell=&SendTime={_FAR if plan.later else ''}&Mobile="
    return lambda numbers: f"{head}{numbers[0][-7:-1]}{tail}{','.join(numbers)}".encode()


def _soap(plan: Plan) -> _Writer:
    lines = (
        b'POST /sdk2/LinkWS.asmx HTTP/1.1\r\nHost: bench\r\nSOAPAction: "http://tempuri.org/IntlSend"\r\n'
        b"Content-Type: text/xml; charset=utf-8\r\n"
    )
    corp, password, later = plan.account, md5_of(plan.account), _FAR if plan.later else ""

    def write(numbers: list[str]) -> bytes:
        text = f"{_BEFORE}{numbers[0][-7:-1]}{_BEHIND}"
        body = _ENVELOPE.format(corp=corp, password=password, numbers=",".join(numbers), text=text, later=later)
        raw = body.encode()
        return lines + b"Content-Length: %d\r\n\r\n%b" % (len(raw), raw)

    return write


def _kannel(plan: Plan) -> _Writer:
    asked = f"username={plan.account}&password={plan.account}&charset=utf-8&coding=2"
    if plan.reported:
        asked += "&dlr-mask=3"  # delivered or failed; whither stands in the sendsms-user group
    before, behind = quote(_BEFORE), quote(_BEHIND)
    return lambda numbers: _got(
        f"/cgi-bin/sendsms?{asked}&to={'+'.join(numbers)}&text={before}{numbers[0][-7:-1]}{behind}"
    )


def _jasmin(plan: Plan) -> _Writer:
    asked = f"username={plan.account}&password={plan.account}&coding=8"
    return lambda numbers: _got(f"/send?{asked}&to={numbers[0]}&hex-content={_utf16(numbers[0][-7:-1])}")


def _utf16(code: str) -> str:
    return f"{_BEFORE}{code}{_BEHIND}".encode("utf-16-be").hex()


def _got(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


_WRITERS: dict[Dialect, Callable[[Plan], _Writer]] = {
    Dialect.POST: _post,
    Dialect.GET: _get,
    Dialect.SOAP: _soap,
    Dialect.KANNEL: _kannel,
    Dialect.JASMIN: _jasmin,
}
# What a good answer holds (Kannel's: "Accepted for delivery", "Queued for later delivery"); the others are a number
# and nothing else.
_GOOD = {Dialect.SOAP: b"<IntlSendResult>1", Dialect.KANNEL: b" delivery", Dialect.JASMIN: b"Success"}

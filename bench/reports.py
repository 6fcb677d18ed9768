"""Clients that want delivery reports, each in a process of its own: one fetches them, one has them sent."""

import asyncio
import contextlib
import http.client
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import uvloop

from yizhan.policy.credentials import md5_of

_context = multiprocessing.get_context("spawn")
_PAUSE_S = 0.05  # after a fetch that found nothing


@dataclass
class Client:
    """How many reports have come, and when the last one did (CLOCK_MONOTONIC)."""

    _count: Any
    _last_ns: Any
    url: str = ""

    @property
    def count(self) -> int:
        """Reports so far."""
        return int(self._count.value)

    @property
    def last_ns(self) -> int:
        """The moment of the last one."""
        return int(self._last_ns.value)


@contextlib.contextmanager
def _working(work: Callable[..., None], *words: Any) -> Iterator[Client]:
    count, last_ns = _context.Value("q", 0), _context.Value("q", 0)
    ready, place = _context.Pipe(duplex=False)
    process = _context.Process(target=work, args=(*words, count, last_ns, place), daemon=True)
    process.start()
    try:
        yield Client(count, last_ns, ready.recv())
    finally:
        process.kill()
        process.join()


def fetching(url: str) -> contextlib.AbstractContextManager[Client]:
    """Calls GetReportSMS of the account ``bench`` again and again."""
    return _working(_fetch, url)


def receiving() -> contextlib.AbstractContextManager[Client]:
    """Listens on ``url`` for one request a report, as Kannel sends them."""
    return _working(_receive)


def _fetch(url: str, count: Any, last_ns: Any, place: Any) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    target = f"/sdk2/GetReportSMS.aspx?CorpID=bench&Pwd={md5_of('bench')}"
    place.send("")
    while True:
        connection.request("GET", target)
        found = connection.getresponse().read().count(b"|||")
        if found:
            last_ns.value = time.monotonic_ns()
            count.value += found
        else:
            time.sleep(_PAUSE_S)


def _receive(count: Any, last_ns: Any, place: Any) -> None:
    uvloop.run(_listen(count, last_ns, place))


async def _listen(count: Any, last_ns: Any, place: Any) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Receiver(count, last_ns), "127.0.0.1", 0)
    place.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/report?state=%d")
    await server.serve_forever()


class _Receiver(asyncio.Protocol):
    def __init__(self, count: Any, last_ns: Any) -> None:
        self._count, self._last_ns = count, last_ns
        self._held = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        while b"\r\n\r\n" in self._held:
            self._held = self._held.partition(b"\r\n\r\n")[2]
            self._count.value += 1
            self._last_ns.value = time.monotonic_ns()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

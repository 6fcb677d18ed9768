"""A real listener on a free port, a river that writes down its calls, and clients that speak raw sockets."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from yizhan.front.asgi import App, answers_of
from yizhan.front.gateway import Gateway
from yizhan.front.listener import Listener
from yizhan.model.call import Call
from yizhan.model.handout import HandOut, ReplyRow, ReportRow
from yizhan.model.reject import Refusal, Reject
from yizhan.model.settings import ServerSettings
from yizhan.model.submission import Accepted

PATIENCE_S = 10.0


@dataclass
class NotebookRiver:
    """A river that takes every call, writes it down and answers as it was told."""

    submission: int | Refusal = 100_000_001
    batch_send_id: bool = False
    milli: int | Refusal = 12_345_678
    numbers: list[str] | Refusal = field(default_factory=list)
    delay_s: float = 0
    error: Exception | None = None
    calls: list[Call] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    waiting: list[ReplyRow] = field(default_factory=list)
    left: list[bool] = field(default_factory=list)

    async def submit(self, call: Call) -> Accepted | Refusal:
        """Note the call and answer ``submission``."""
        await self._note(call)
        return (
            self.submission if isinstance(self.submission, Refusal) else Accepted(self.submission, self.batch_send_id)
        )

    async def submit_each(
        self, call: Call, items: Sequence[Mapping[str, str]] | None
    ) -> list[Accepted | Refusal] | Refusal:
        """Note the call and answer each item likewise."""
        answer = await self.submit(call)
        if isinstance(answer, Refusal):
            return answer
        return Refusal(Reject.OTHER) if items is None else [answer for _ in items]

    async def balance(self, call: Call) -> int | Refusal:
        """Note the call and answer ``milli``."""
        await self._note(call)
        return self.milli

    async def blocked(self, call: Call) -> list[str] | Refusal:
        """Note the call and answer ``numbers``."""
        await self._note(call)
        return self.numbers

    async def replies(self, call: Call) -> HandOut[ReplyRow] | Refusal:
        """Note the call and hand out ``waiting``; whether the answer left is noted too."""
        await self._note(call)
        return HandOut(tuple(self.waiting), self.left.append)

    async def reports(self, call: Call) -> HandOut[ReportRow] | Refusal:
        """Note the call; nothing waits."""
        await self._note(call)
        return HandOut((), self.left.append)

    failures = reports

    async def change_password(self, call: Call) -> Refusal | None:
        """Note the call; it is done."""
        await self._note(call)
        return None

    change_profile = register = close = charge_up = give_credit = change_password

    async def make_account(self, call: Call) -> bool | Refusal:
        """Note the call; the name is free."""
        await self._note(call)
        return True

    async def _note(self, call: Call) -> None:
        self.calls.append(call)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        self.under_way -= 1
        if self.error is not None:
            raise self.error


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, taken apart."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Served:
    """A gateway that listens; ``river`` is behind it."""

    river: NotebookRiver
    listener: Listener
    loop: asyncio.AbstractEventLoop
    address: tuple[str, int]

    def connect(self) -> socket.socket:
        """A fresh connection."""
        return socket.create_connection(self.address, timeout=PATIENCE_S)

    def ask(self, *pieces: bytes, count: int = 1, head_only: bool = False) -> list[Answer]:
        """Send ``pieces`` one by one on one connection and read ``count`` answers."""
        with self.connect() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            with client.makefile("rb") as stream:
                return [read_answer(stream.readline, stream.read, head_only) for _ in range(count)]

    def last_values(self, *pieces: bytes) -> dict[str, str]:
        """The parameters that the river got from one request."""
        before = len(self.river.calls)
        (answer,) = self.ask(*pieces)
        assert answer.status == 200, answer
        assert len(self.river.calls) == before + 1, answer
        return dict(self.river.calls[-1].values)

    def drain(self, timeout_s: float) -> None:
        """Drain the listener and wait until it is done."""
        asyncio.run_coroutine_threadsafe(self.listener.drain(timeout_s), self.loop).result(PATIENCE_S)


def read_answer(readline: Callable[[], bytes], read: Callable[[int], bytes], head_only: bool = False) -> Answer:
    """Read one answer; every one must have a Content-Length and none may be chunked."""
    status_line = readline()
    assert status_line.startswith(b"HTTP/1.1 "), status_line
    headers: dict[str, str] = {}
    while (line := readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.lower()] = value.strip()
    assert "transfer-encoding" not in headers
    status = int(status_line.split(b" ")[1])
    if status == 100:
        return Answer(status, headers, b"")
    length = int(headers["content-length"])
    body = b"" if head_only else read(length)
    assert head_only or len(body) == length
    return Answer(status, headers, body)


def until_closed(client: socket.socket) -> bytes:
    """Everything the server still says before it closes."""
    received = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            received += piece
    return bytes(received)


@contextlib.contextmanager
def serving(
    settings: ServerSettings | None = None,
    new_loop: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop,
    app: App | None = None,
    at: tuple[str, int] | socket.socket = ("127.0.0.1", 0),
    tls: tuple[Path, Path] | None = None,
    max_streams: tuple[int, int] = (100, 100),
) -> Iterator[Served]:
    """Serve a gateway (or ``app``) from a thread of its own until the block ends."""
    settings = settings or ServerSettings()
    river = NotebookRiver()
    listener = Listener(answers_of(app, *max_streams) if app else Gateway(river, settings, 1_000), settings, at, tls)
    loop = new_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(listener.start(), loop).result(PATIENCE_S)
        yield Served(river, listener, loop, listener.address)
    finally:
        asyncio.run_coroutine_threadsafe(listener.drain(0.1), loop).result(PATIENCE_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()

"""Receivers of webhooks: real servers on a free port that do to a request what a test tells them."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

PATIENCE_S = 20

# What to do once a request was read: write an answer, and say whether the connection goes on.
Behaviour = Callable[[asyncio.StreamWriter], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]  # lower-case names
    body: bytes


@dataclass
class Receiver:
    """A running server."""

    port: int = 0
    connections: int = 0
    heard: list[Heard] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1", scheme: str = "http") -> str:
        """Where it listens."""
        return f"{scheme}://{host}:{self.port}{path}"


def says(answer: bytes, *, goes_on: bool = False) -> Behaviour:
    """Write ``answer``, then close unless the connection ``goes_on``."""

    async def behave(writer: asyncio.StreamWriter) -> bool:
        writer.write(answer)
        await writer.drain()
        return goes_on

    return behave


def repeats(beginning: bytes, piece: bytes) -> Behaviour:
    """Write ``beginning`` and then ``piece`` for ever."""

    async def behave(writer: asyncio.StreamWriter) -> bool:
        writer.write(beginning)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return behave


def stalls(beginning: bytes = b"") -> Behaviour:
    """Write ``beginning``, then nothing, and keep the connection."""

    async def behave(writer: asyncio.StreamWriter) -> bool:
        writer.write(beginning)
        await asyncio.Event().wait()
        return False

    return behave


async def aborts(writer: asyncio.StreamWriter) -> bool:
    """Reset the connection without an answer."""
    # With no time to linger the kernel sends RST instead of FIN.
    peer: socket.socket = writer.get_extra_info("socket")
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An ordinary answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


OK = says(answer("200 OK", b"ok"), goes_on=True)


@asynccontextmanager
async def receiving(
    behave: Behaviour = OK, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Receiver]:
    """Run a receiver while the block lasts; afterwards every connection is gone."""
    receiver, tasks = Receiver(), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        receiver.connections += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    receiver.heard.append(await _read_request(reader))
                    if not await behave(writer):
                        break
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, host, port, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        waiting = list(tasks)
        for task in waiting:
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), PATIENCE_S)


async def _read_request(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (entry.partition(":") for entry in fields)}
    return Heard(line, headers, await reader.readexactly(int(headers.get("content-length", "0"))))

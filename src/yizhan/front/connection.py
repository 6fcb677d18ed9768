"""One client's connection: its phase, its deadline, and how it ends.

Deadlines are a number on the connection, looked at by the listener's sweep: a timer per request would cost more than
the rest of the protocol (design, "hot path").
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from typing import Any, cast

from yizhan.front.fault import HttpFault, malformed
from yizhan.front.inbox import Inbox
from yizhan.front.request import Place
from yizhan.kit.sockets import Peer
from yizhan.model.settings import ServerSettings

NEVER = float("inf")
# An early answer must not be lost to a reset: what the client still sends is read and thrown away, within these bounds.
LINGER_S = 2.0
LINGER_BYTES = 32 * 1024 * 1024
# How often to ask whether an answer was acknowledged: soon at first, then as often as round trips are long.
_ACK_FIRST_S = 0.001
_ACK_MOST_S = 0.1


class Phase(Enum):
    """What the connection waits for."""

    FRESH = "fresh"  # its first head
    IDLE = "idle"  # another head, after an answer
    HEAD = "head"  # the rest of a head
    COUNTED = "counted"  # a body of known length
    CHUNKED = "chunked"  # a body in chunks
    ANSWERING = "answering"  # the application
    LINGERING = "lingering"  # the end of what the client sends in vain
    CLOSING = "closing"  # the last bytes of an answer to leave


_BETWEEN_MESSAGES = (Phase.FRESH, Phase.IDLE)


@dataclass
class Hall:
    """What the connections of one listener share."""

    connections: "set[Connection]" = field(default_factory=set)
    tasks: "set[asyncio.Task[None]]" = field(default_factory=set)
    date: bytes = b""  # the header line of every answer
    large: "set[Connection]" = field(default_factory=set)  # whose body is a large one
    most_large: float = float("inf")


class Connection(asyncio.Protocol):
    """The life of a connection around its messages; ``front.protocol`` reads and answers them."""

    transport: asyncio.Transport

    def __init__(
        self, hall: Hall, settings: ServerSettings, on_lost: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.hall = hall
        self.settings = settings
        self.loop = loop
        self.inbox = Inbox(settings.max_target_bytes, settings.max_header_bytes)
        self.phase = Phase.FRESH
        self.deadline = NEVER
        self.last_message = False  # close after the next answer
        self.crowded = False  # one connection too many: it is answered, but not served
        self.lost = False  # nothing can be written any more
        self.scheme = "http"
        self.client: Place | None = None
        self.server: Place | None = None
        self._on_lost = on_lost
        self._lingered_bytes = 0
        self._reading = True
        self._writing = True  # everything written has left this process
        self._leaving: list[asyncio.Future[bool]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected. Beyond the limit it is answered -2 and let go; beyond twice the limit, cut."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self.client, self.server = (_place(transport.get_extra_info(end)) for end in ("peername", "sockname"))
        if transport.get_extra_info("sslcontext") is not None:
            self.scheme = "https"
        else:
            # No byte waits unseen: pause_writing says that an answer has not left, resume_writing that it has. TLS
            # cannot be told so; there its acknowledgement alone tells.
            self.transport.set_write_buffer_limits(high=0)
        self.hall.connections.add(self)
        self.wait_for(Phase.FRESH, self.settings.head_timeout_s)
        crowd = len(self.hall.connections)
        if crowd > self.settings.max_connections:
            self.crowded = self.last_message = True
            if crowd > 2 * self.settings.max_connections:
                self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, by either side's will."""
        self.phase = Phase.CLOSING
        self.deadline = NEVER
        self.lost = True
        self.inbox.clear()
        self._left(False)
        self.hall.connections.discard(self)
        self._on_lost()

    def eof_received(self) -> bool:
        """The client sends no more. It may still read, so a request that is complete gets its answer."""
        if self.phase is Phase.ANSWERING and self.scheme == "http":
            self.last_message = True
            return True
        if self.phase in (Phase.HEAD, Phase.COUNTED, Phase.CHUNKED):
            self.refuse(malformed("The connection ended before the request did."))
        return False

    def pause_reading(self) -> None:
        """Let the client wait, by TCP's own means."""
        if self._reading:
            self._reading = False
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Take what it has to say."""
        if not self._reading:
            self._reading = True
            self.transport.resume_reading()

    async def leaving(self) -> bool:
        """Wait until the answer just written has reached the client's machine; False when the connection is lost first.

        A client may stop sending and still read, so the end of its bytes says nothing; TCP's acknowledgement does.
        """
        sock = self.transport.get_extra_info("socket")
        if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
            return await self._drained()
        try:
            peer = Peer(sock)
        except OSError:
            return False
        with peer:
            return await self._drained() and await self._acknowledged(peer)

    async def _drained(self) -> bool:
        """Wait until nothing of it is left in this process."""
        await asyncio.sleep(0)  # a write that failed is told in the loop's next turn
        return await self.room()

    async def room(self) -> bool:
        """Wait until everything written has left this process; False when the connection is lost first."""
        if self._writing or self.lost:  # nobody would wake who begins to wait on a lost connection
            return self._writing
        future: asyncio.Future[bool] = self.loop.create_future()
        self._leaving.append(future)
        return await future

    async def _acknowledged(self, peer: Peer) -> bool:
        """Wait until the client's machine has it: a client that has left resets the connection instead."""
        until_s, pause_s = self.loop.time() + self.settings.body_timeout_s, _ACK_FIRST_S
        while (got_it := peer.has_everything()) is None and self.loop.time() < until_s:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _ACK_MOST_S)
        return bool(got_it)

    def _left(self, all_of_it: bool) -> None:
        leaving, self._leaving = self._leaving, []
        for future in leaving:
            if not future.done():
                future.set_result(all_of_it)

    def refuse(self, fault: HttpFault) -> None:
        """Answer with ``fault``, read no further message, and close once the client has had time to notice."""
        self.transport.write(fault.response())
        self.inbox.clear()
        self.wait_for(Phase.LINGERING, LINGER_S)
        self.resume_reading()
        if self.scheme == "http" and self.transport.can_write_eof():
            self.transport.write_eof()

    def discard(self, count: int) -> None:
        """Throw away ``count`` bytes that arrived after the last answer."""
        self._lingered_bytes += count
        if self._lingered_bytes > LINGER_BYTES:
            self.close()

    def close(self) -> None:
        """Close when what was written has left; a client that does not read it is cut off."""
        self.wait_for(Phase.CLOSING, self.settings.body_timeout_s)
        self.transport.close()

    def cut(self) -> None:
        """Close now, whatever is going on. An answer still being made has nowhere to go."""
        self.lost = True
        self.transport.abort()

    def sweep(self, now: float) -> None:
        """End the connection if it is past its deadline (``now`` in seconds of the loop's clock)."""
        if now < self.deadline:
            return
        self.deadline = NEVER
        if self.phase in (Phase.FRESH, Phase.HEAD):
            limit = self.settings.head_timeout_s
            self.refuse(HttpFault(HTTPStatus.REQUEST_TIMEOUT, f"No complete request head within {limit:g} s."))
        elif self.phase in (Phase.COUNTED, Phase.CHUNKED):
            limit = self.settings.body_timeout_s
            self.refuse(HttpFault(HTTPStatus.REQUEST_TIMEOUT, f"No complete request body within {limit:g} s."))
        elif self.phase in (Phase.IDLE, Phase.LINGERING):
            self.close()
        else:  # an answer that nobody reads
            self.cut()

    def shutdown(self) -> None:
        """The listener drains: close when idle, else after the message that has begun."""
        self.last_message = True
        if self.phase in _BETWEEN_MESSAGES:
            self.close()

    def pause_writing(self) -> None:
        """The client does not read; it may take as long as a body may."""
        self._writing = False
        if self.phase is Phase.ANSWERING:
            self.deadline = self.loop.time() + self.settings.body_timeout_s

    def resume_writing(self) -> None:
        """The client has read, and everything is with the socket."""
        self._writing = True
        self._left(True)
        if self.phase is Phase.ANSWERING:
            self.deadline = NEVER

    def wait_for(self, phase: Phase, seconds: float) -> None:
        """Enter ``phase`` and stay in it at most ``seconds``."""
        self.phase = phase
        self.deadline = self.loop.time() + seconds


def _place(name: Any) -> Place | None:
    """A socket's name as host and port; a unix socket has none."""
    return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) > 1 else None

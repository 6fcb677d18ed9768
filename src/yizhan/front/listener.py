"""A listening socket with its connections: opened, swept for deadlines, drained."""

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

from yizhan.front.connection import Connection, Hall
from yizhan.front.protocol import LenientProtocol
from yizhan.front.request import Answerer
from yizhan.model.settings import ServerSettings

_MAX_SWEEP_S = 1.0
_BACKLOG = 2048
# Connections taken in one turn of the loop. libuv takes one, and a turn is long while hundreds of clients send without
# a pause: whoever opens a connection for each call would wait for ever longer.
_ACCEPTS_A_TURN = 256
# Of TLS 1.2; CBC with SHA-2 is left for Windows programs without GCM. TLS 1.3 has good ones only.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES:!aNULL:!eNULL:!SHA1:!AESCCM:@SECLEVEL=2"


class Listener:
    """Whoever answers, on one address.

    ``at`` is (host, port), port 0 for any, or a bound socket, of TCP or of the unix family. ``tls`` is (certificate
    chain, key), both PEM files. No more than ``most_large`` bodies beyond ``protocol.LARGE_BYTES`` are read or answered
    at once: who cannot log in may send them, too. Every task is started by a connection and ends in ``drain``.
    """

    def __init__(
        self,
        answer: Answerer,
        settings: ServerSettings,
        at: tuple[str, int] | socket.socket,
        tls: tuple[Path, Path] | None = None,
        most_large: float = float("inf"),
    ) -> None:
        self._settings = settings
        self._at = at
        self._tls = tls
        self._answer = answer
        self._hall = Hall(most_large=most_large)
        self._server: asyncio.Server | None = None
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._waiting: socket.socket | None = None  # the listening socket once more, to take who waits on it
        self._joining: set[asyncio.Task[Any]] = set()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are really bound; (path, 0) for a unix socket. Only after ``start``."""
        if self._server is None or not self._server.sockets:
            raise RuntimeError("the listener is not open")
        name = self._server.sockets[0].getsockname()
        return (str(name), 0) if isinstance(name, str) else (str(name[0]), int(name[1]))

    async def start(self) -> None:
        """Open the port. OSError when the address cannot be bound, ssl.SSLError for a bad certificate or key."""
        loop = asyncio.get_running_loop()

        def connection() -> LenientProtocol:
            return LenientProtocol(self._answer, self._hall, self._settings, self._lost_one, loop)

        def first() -> LenientProtocol:
            loop.call_soon(self._take_the_others, connection, loop)
            return connection()

        options: dict[str, Any] = {"backlog": _BACKLOG}
        if self._tls is not None:
            options["ssl"] = tls_context(*self._tls)
            options["ssl_handshake_timeout"] = self._settings.head_timeout_s
        if isinstance(self._at, socket.socket):
            is_unix = self._at.family == socket.AF_UNIX
            serve = loop.create_unix_server if is_unix else loop.create_server
            self._server = await serve(first, sock=self._at, **options)
        else:
            self._server = await loop.create_server(first, *self._at, **options)
        if self._tls is None:  # handshakes are slower than accepting in any case
            self._waiting = socket.socket(fileno=os.dup(self._server.sockets[0].fileno()))
            self._waiting.setblocking(False)
        self._sweep(loop)

    async def drain(self, timeout_s: float) -> None:
        """Stop accepting, let messages that have begun finish within ``timeout_s``, then cut what is left."""
        if self._server is None:
            return
        self._server.close()
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None
        if self._joining:
            await asyncio.wait(self._joining)
        for connection in self.connections():
            connection.shutdown()
        try:
            async with asyncio.timeout(timeout_s):
                while self._hall.connections:
                    self._empty.clear()
                    await self._empty.wait()
                # An answer may still be on its way to a client whose connection is closed on our side already.
                while self._hall.tasks:
                    await asyncio.wait(list(self._hall.tasks))
        except TimeoutError:
            await self._cut()
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        await self._server.wait_closed()

    async def _cut(self) -> None:
        tasks = list(self._hall.tasks)
        for connection in self.connections():
            connection.cut()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def connections(self) -> list[Connection]:
        """The connections that are open now."""
        return list(self._hall.connections)

    def _take_the_others(self, connection: Callable[[], Connection], loop: asyncio.AbstractEventLoop) -> None:
        """Whoever else waits to be accepted, behind one that was."""
        for _ in range(_ACCEPTS_A_TURN):
            if self._waiting is None:
                return
            try:
                client, _address = self._waiting.accept()
            except OSError:  # nobody waits, or there is no descriptor left: the loop's own accepting will say so
                return
            client.setblocking(False)
            task = loop.create_task(loop.connect_accepted_socket(connection, client))
            self._joining.add(task)
            task.add_done_callback(self._joined)

    def _joined(self, task: "asyncio.Task[Any]") -> None:
        self._joining.discard(task)
        if not task.cancelled():
            task.exception()  # it has gone again meanwhile; nobody else asks

    def _lost_one(self) -> None:
        if not self._hall.connections:
            self._empty.set()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look at every connection's deadline, set the date of the answers, and come again."""
        now = loop.time()
        self._hall.date = b"date: %b\r\n" % formatdate(usegmt=True).encode("ascii")
        for connection in self.connections():
            connection.sweep(now)
        shortest = min(self._settings.head_timeout_s, self._settings.body_timeout_s, self._settings.keep_alive_s)
        self._sweep_timer = loop.call_later(min(_MAX_SWEEP_S, max(shortest / 4, 0.01)), self._sweep, loop)


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and 1.3, forward secrecy, nothing renegotiated or compressed. OSError or ssl.SSLError for bad files.

    Said here rather than left to the system, whose OpenSSL may have been configured for older programs.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    # A password of "" keeps OpenSSL from asking for one on the terminal.
    context.load_cert_chain(certificate, key, password="")
    return context

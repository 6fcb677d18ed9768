"""HTTP/1.x as clients of this family speak it: with a repaired request line and hard limits.

Bytes wait in the ``Inbox`` until a whole head is there; its first line is repaired, the parser checks and reads it,
and its body is fed in pieces that end where the message may end. A complete message is answered by a task of its own,
one at a time: a pipelined message waits in the inbox, and reading pauses meanwhile.
"""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus

import httptools

from yizhan.front.connection import NEVER, Hall, Phase
from yizhan.front.fault import HttpFault, malformed
from yizhan.front.message import Message
from yizhan.front.mishap import log_mishap
from yizhan.front.reply import Reply, plain_text
from yizhan.front.request import Answerer, Request
from yizhan.front.stream import Streamer
from yizhan.model.settings import ServerSettings
from yizhan.wire.target import RequestLine, repair_request_line

# What FastAPI's routes may need; the gateway itself answers 405 to all but three (contract, section 1).
_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"))
# An offer to change the protocol is ignored (RFC 9110, section 7.8); unseen by the parser, it cannot end the message.
_UPGRADE = re.compile(rb"^upgrade[ \t]*:[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)
# Chunks of one byte take six on the wire; extensions and trailers beyond this are no honest overhead.
_MAX_CHUNK_OVERHEAD = 8
LARGE_BYTES = 131_072  # a body beyond it counts among ``Hall.large``
_LINE_FRAME = len(b"  HTTP/1.1")
_READING = frozenset((Phase.FRESH, Phase.IDLE, Phase.HEAD, Phase.COUNTED, Phase.CHUNKED))


class LenientProtocol(Streamer):
    """Reads messages and has each answered; everything it refuses is an ``HttpFault``."""

    def __init__(
        self,
        answer: Answerer,
        hall: Hall,
        settings: ServerSettings,
        on_lost: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(hall, settings, on_lost, loop)
        self.message = Message()
        self._answer = answer
        self._line: RequestLine
        self._http_1_0 = False
        self._chunked_bytes = 0  # of a chunked body, framing included

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self.phase in _READING:
            self.inbox.put(data)
            self._read()
        elif self.phase is Phase.ANSWERING:
            self.inbox.put(data)
            self.pause_reading()
        elif self.phase is Phase.LINGERING:
            self.discard(len(data))

    def _read(self) -> None:
        """Read what the inbox holds, until a message is complete or bytes are missing."""
        try:
            if self.phase is not Phase.COUNTED and self.phase is not Phase.CHUNKED:
                self._read_head()
            while self.phase is Phase.COUNTED and self.inbox:
                self._read_counted()
            while self.phase is Phase.CHUNKED and self.inbox:
                self._read_chunked()
        except HttpFault as fault:
            self.refuse(fault)
        except httptools.HttpParserError as error:
            cause = error.__context__
            # The parser's own words name the rule that was broken, never the bytes.
            self.refuse(cause if isinstance(cause, HttpFault) else malformed(f"Not valid HTTP/1.1: {error}."))

    def _read_head(self) -> None:
        taken = self.inbox.take_head()
        if taken is None:
            if self.inbox and self.phase is not Phase.HEAD:
                self.wait_for(Phase.HEAD, self.settings.head_timeout_s)
            return
        line, headers = taken
        self._line = self._check_line(line)
        if b"upgrade" in headers.lower():
            headers = _UPGRADE.sub(b"", headers)
        message = self.message
        message.renew()
        message.parser.feed_data(b"%b\r\n%b" % (self._line.line, headers))
        self._http_1_0 = line.endswith(b"0")
        message.check(self._http_1_0)
        if message.complete:
            self._start()
        else:
            self._expect_body()

    def _check_line(self, line: bytes) -> RequestLine:
        request_line = repair_request_line(line)
        if request_line is None:
            raise malformed("The request line must be METHOD TARGET HTTP/1.1, with spaces at most in the query.")
        if len(line) - len(request_line.method) - _LINE_FRAME > self.settings.max_target_bytes:
            raise self.inbox.target_too_long()
        if request_line.method not in _METHODS:
            raise HttpFault(HTTPStatus.METHOD_NOT_ALLOWED, "The method must be GET, HEAD or POST.")
        return request_line

    def _expect_body(self) -> None:
        if self.message.chunked:
            self._chunked_bytes = 0
            self.wait_for(Phase.CHUNKED, self.settings.body_timeout_s)
        elif self.message.length > self.settings.max_body_bytes:
            raise self._body_too_long()
        else:
            self._make_room(self.message.length)
            self.wait_for(Phase.COUNTED, self.settings.body_timeout_s)
        if self.message.expects_100 and not self.inbox:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _read_counted(self) -> None:
        message = self.message
        message.parser.feed_data(self.inbox.take_counted(message.length - len(message.body)))
        if message.complete:
            self._start()

    def _read_chunked(self) -> None:
        message = self.message
        piece = self.inbox.take_chunked()
        message.parser.feed_data(piece)
        self._chunked_bytes += len(piece)
        honest = _MAX_CHUNK_OVERHEAD * len(message.body) + self.settings.max_header_bytes
        if len(message.body) > self.settings.max_body_bytes or self._chunked_bytes > honest:
            raise self._body_too_long()
        self._make_room(len(message.body))
        if message.complete:
            self._start()

    def _make_room(self, body_bytes: int) -> None:
        if body_bytes <= LARGE_BYTES or self in self.hall.large:
            return
        if len(self.hall.large) >= self.hall.most_large:
            raise HttpFault(HTTPStatus.SERVICE_UNAVAILABLE, "Too many large requests at once.")
        self.hall.large.add(self)

    def _give_room(self) -> None:
        """The body is needed no more; an idle connection keeps none."""
        if self in self.hall.large:
            self.hall.large.discard(self)
            self.message.body = bytearray()

    def refuse(self, fault: HttpFault) -> None:
        """As every connection; what was read of a body goes."""
        self._give_room()
        super().refuse(fault)

    def connection_lost(self, exc: Exception | None) -> None:
        """As every connection. An answer that is being made still has its body."""
        if self.phase is not Phase.ANSWERING:
            self._give_room()
        super().connection_lost(exc)

    def _body_too_long(self) -> HttpFault:
        return HttpFault(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request body is longer than {self.settings.max_body_bytes} bytes.",
        )

    def _start(self) -> None:
        """Have the complete message answered."""
        line, message = self._line, self.message
        request = Request(
            line.method.decode("ascii"),
            line.path,
            line.query,
            message.headers,
            bytes(message.body),
            self.scheme,
            self.client,
            self.server,
            self.crowded,
            "1.0" if self._http_1_0 else "1.1",
            self,
        )
        self.phase = Phase.ANSWERING
        # Answers to earlier messages may still wait for a client that does not read.
        self.deadline = NEVER if self._writing else self.loop.time() + self.settings.body_timeout_s
        if self.inbox:
            self.pause_reading()
        task = self.loop.create_task(self._work(request))
        self.hall.tasks.add(task)
        task.add_done_callback(self._answered)

    def _answered(self, task: "asyncio.Task[None]") -> None:
        self.hall.tasks.discard(task)
        if self.lost:
            self._give_room()

    async def _work(self, request: Request) -> None:
        """Answer one message, and tell whoever wants to know whether its last byte has left."""
        try:
            reply = await self._answer(request)
        except asyncio.CancelledError:
            return  # the drain is over, the connection is already cut; or its client has left a stream
        except Exception as error:
            log_mishap(error, request.method, request.client[0] if request.client else "")
            if self.is_streaming:
                self.close()  # without the last chunk, so that nobody takes what there is for all
                return
            reply = plain_text(HTTPStatus.INTERNAL_SERVER_ERROR, "The request could not be answered.")
        if reply is None:
            if not self.lost:
                self.end()
                self._turn(self._keeps_alive())
            return
        left = False
        try:
            if not self.lost and await self.room():
                self._say(reply, request)
                if reply.left is not None:
                    left = await self.leaving()
        except asyncio.CancelledError:
            return
        finally:
            if reply.left is not None:
                reply.left(left)

    def _say(self, reply: Reply, request: Request) -> None:
        """Write the answer and turn to the next message."""
        keep_alive = self._keeps_alive()
        with_body = request.method != "HEAD"
        self.transport.write(reply.written(self.hall.date, with_body=with_body, keep_alive=keep_alive))
        self._turn(keep_alive)

    def _keeps_alive(self) -> bool:
        return self.message.keep_alive and not self.last_message and not self._http_1_0

    def _turn(self, keep_alive: bool) -> None:
        """To the next message."""
        self._give_room()
        if not keep_alive or self.transport.is_closing():
            self.close()
            return
        self.wait_for(Phase.IDLE, self.settings.keep_alive_s)
        if self.inbox:
            self._read()
        if self.phase is not Phase.ANSWERING:
            self.resume_reading()

    async def open(self, request: Request, reply: Reply) -> None:
        """Send the head of ``reply``, whose body follows piece by piece; ``Left``."""
        keep_alive, with_body = self._keeps_alive(), request.method != "HEAD"
        await self.begin(reply, chunked=not self._http_1_0, keep_alive=keep_alive, with_body=with_body)

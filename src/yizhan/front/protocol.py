"""HTTP/1.x as clients of this family speak it: uvicorn's protocol, with a repaired request line and hard limits.

Bytes wait in the ``Inbox`` until a whole head is there; its first line is repaired, the parser checks and reads it,
and its body is fed in pieces that end where the message may end. The application is started once per complete
message, one at a time: a pipelined message waits in the inbox, and reading pauses meanwhile.
"""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import unquote

import httptools
from uvicorn.config import Config
from uvicorn.server import ServerState

from yizhan.front.asgi import CROWDED, LEAVING
from yizhan.front.connection import NEVER, Connection, Phase
from yizhan.front.cycle import Cycle, OneWrite
from yizhan.front.fault import HttpFault, malformed
from yizhan.front.message import Message
from yizhan.model.settings import ServerSettings
from yizhan.wire.target import RequestLine, repair_request_line

# What FastAPI's routes may need; the gateway itself answers 405 to all but three (contract, section 1).
_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"))
# An offer to change the protocol is ignored (RFC 9110, section 7.8); unseen by the parser, it cannot end the message.
_UPGRADE = re.compile(rb"^upgrade[ \t]*:[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)
# Chunks of one byte take six on the wire; extensions and trailers beyond this are no honest overhead.
_MAX_CHUNK_OVERHEAD = 8
_LINE_FRAME = len(b"  HTTP/1.1")
_READING = frozenset((Phase.FRESH, Phase.IDLE, Phase.HEAD, Phase.COUNTED, Phase.CHUNKED))


class LenientProtocol(Connection):
    """Reads messages and starts the application for each; everything it refuses is an ``HttpFault``."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        settings: ServerSettings,
        on_lost: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(config, server_state, settings, on_lost, loop)
        self.message = Message()
        self.parser = self.message.parser
        self._line: RequestLine
        self._chunked_bytes = 0  # of a chunked body, framing included

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self.phase in _READING:
            self.inbox.put(data)
            self._read()
        elif self.phase is Phase.ANSWERING:
            self.inbox.put(data)
            self.flow.pause_reading()
        elif self.phase is Phase.LINGERING:
            self.discard(len(data))

    def on_response_complete(self) -> None:
        """The answer was written: turn to the next message."""
        cast(Cycle, self.cycle).flush()  # before anything else is written, be it only a refusal of what came behind
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self.close()
            return
        self.wait_for(Phase.IDLE, self.settings.keep_alive_s)
        if self.inbox:
            self._read()
        if self.phase is not Phase.ANSWERING:
            self.flow.resume_reading()

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
        message.check(http_1_0=line.endswith(b"0"))
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
        if message.complete:
            self._start()

    def _body_too_long(self) -> HttpFault:
        return HttpFault(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The request body is longer than {self.settings.max_body_bytes} bytes.",
        )

    def _start(self) -> None:
        """Hand the complete message to the application."""
        http_1_0 = self._line.line.endswith(b"0")
        self.cycle = cycle = Cycle(
            scope=self._scope("1.0" if http_1_0 else "1.1"),
            transport=cast(asyncio.Transport, OneWrite(self.transport)),
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=self.message.keep_alive and not self.last_message and not http_1_0,
            on_response=self.on_response_complete,
        )
        cycle.body = self.message.body
        self.phase = Phase.ANSWERING
        # Answers to earlier messages may still wait for a client that does not read.
        self.deadline = self.loop.time() + self.settings.body_timeout_s if self.flow.write_paused else NEVER
        if self.inbox:
            self.flow.pause_reading()
        self._start_asgi_task(cycle, self.app)

    def _scope(self, http_version: str) -> Any:
        """The ASGI scope, with the query's bytes as the client sent them."""
        line = self._line
        path = line.path.decode("ascii", "replace")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": http_version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "method": line.method.decode("ascii"),
            "root_path": "",
            "path": unquote(path) if "%" in path else path,
            "raw_path": line.path,
            "query_string": line.query,
            "headers": self.message.headers,
            "state": {},
            "extensions": {LEAVING: self.leaving},
        }
        if self.crowded:
            scope["extensions"][CROWDED] = {}
        return scope

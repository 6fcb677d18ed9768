"""An ASGI application behind our listener: the console and the admin API.

An answer goes out whole, with its length, unless the application sends it in pieces without having named a length: then
it is a stream. An application that knows who asks says so in ``scope["state"]`` under ``model.access.WHOSE``.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from yizhan.front.reply import Reply, plain_text
from yizhan.front.request import Answerer, Line, Request
from yizhan.model.access import WHOSE

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_OURS = (b"content-type", b"content-length")  # the connection says the one apart, and counts the other for itself


def answers_of(app: App, max_streams: int = 0, max_streams_person: int = 0) -> Answerer:
    """What ``app`` (ASGI 3, without lifespan) answers, with at most ``max_streams`` streams at once, of those at most
    ``max_streams_person`` for whoever it names.
    """
    streams = _Streams(max_streams, max_streams_person)

    async def answer(request: Request) -> Reply | None:
        if request.crowded:
            return plain_text(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections at once.")
        exchange = _Exchange(request, streams)
        try:
            await app(_scope(request, exchange.state), exchange.receive, exchange.send)
        except Exception:
            if not exchange.over:
                raise
            # Starlette raises what was unforeseen even after it has answered 500, and the application has logged it.
        finally:
            exchange.close()
        return exchange.answer()

    return answer


class _Streams:
    """How many there are at this moment."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._count: Counter[str] = Counter()  # by whose they are

    def take(self, whose: str | None) -> str:
        """Begin one. BlockingIOError, which says why not."""
        if self._count.total() >= self._most:
            raise BlockingIOError("Too many answers are streams at once.")
        if whose is not None and self._count[whose] >= self._most_of_one:
            raise BlockingIOError("Too many of your answers are streams at once.")
        self._count[whose or ""] += 1
        return whose or ""

    def give_back(self, whose: str) -> None:
        """End it."""
        self._count[whose] -= 1
        self._count += Counter()  # forgets who has none


class _Exchange:
    """One request and its answer."""

    def __init__(self, request: Request, streams: _Streams) -> None:
        self.over = False  # the answer is complete, or nobody takes more of it
        self._request = request
        self._streams = streams
        self._read = False
        self._reply = Reply(HTTPStatus.INTERNAL_SERVER_ERROR, b"", "")
        self._pieces: list[bytes] = []  # of what goes out whole
        self._line: Line | None = None  # what it may stream over
        self._whose: str | None = None  # of a stream that has begun
        self.state: dict[str, Any] = {}  # what the application says

    async def receive(self) -> Message:
        """ASGI: the body, and then nothing until the client has left."""
        if not self._read:
            self._read = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        if self._request.line is not None:
            await self._request.line.gone()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """ASGI: the head, then the pieces of the body. OSError when nobody takes them (so since version 2.4)."""
        if message["type"] == "http.response.start":
            self._begin(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        try:
            if self._line is not None and (more or self._whose is not None):
                await self._stream(self._line, body)
            else:
                self._pieces.append(body)
        except OSError:
            self.over = True
            raise
        self.over = not more

    def close(self) -> None:
        """The application has ended."""
        if self._whose is not None:
            self._streams.give_back(self._whose)

    def answer(self) -> Reply | None:
        """The answer; None when it went out piece by piece."""
        if not self.over:
            raise RuntimeError("the application has not finished its answer")
        if self._whose is not None:
            return None
        self._reply.body = b"".join(self._pieces)
        return self._reply

    def _begin(self, message: Message) -> None:
        headers = [(name, value) for name, value in message.get("headers", ()) if name not in _OURS]
        given = dict(message.get("headers", ()))
        if b"content-length" not in given:
            self._line = self._request.line
        kind = given.get(b"content-type", b"").decode("latin-1")
        self._reply = Reply(message["status"], b"", kind, headers=tuple(headers))

    async def _stream(self, line: Line, body: bytes) -> None:
        if self._whose is None:
            try:
                self._whose = self._streams.take(self.state.get(WHOSE))
            except BlockingIOError as error:
                self._reply = plain_text(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
                self._pieces = [self._reply.body]
                raise
            await line.open(self._request, self._reply)
        await line.say(body)


def _scope(request: Request, state: dict[str, Any]) -> Scope:
    path = request.path.decode("ascii", "replace")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.version,
        "server": request.server,
        "client": request.client,
        "scheme": request.scheme,
        "method": request.method,
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": request.path,
        "query_string": request.query,
        "headers": request.headers,
        "state": state,
        "extensions": {},
    }

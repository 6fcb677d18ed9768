"""A whole HTTP request, as a connection hands it over to whoever answers it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from yizhan.front.reply import Reply

Place = tuple[str, int]


class Line(Protocol):
    """The connection that a request came over, for an answer that goes out piece by piece (``front.stream``)."""

    async def open(self, request: "Request", reply: Reply) -> None:
        """Send the head of ``reply``. OSError when the client has left."""

    async def say(self, piece: bytes) -> None:
        """One more piece, as soon as the client has taken the one before. OSError when it has left."""

    async def gone(self) -> None:
        """Wait until it has left."""


@dataclass(slots=True)
class Request:
    """One request. Nobody changes one; not frozen, since that would double what making one costs."""

    method: str
    path: bytes  # as it was sent
    query: bytes  # what follows the first "?", as it was sent
    headers: list[tuple[bytes, bytes]]  # names in lower case
    body: bytes
    scheme: str  # "http" or "https"
    client: Place | None  # None on a unix socket
    server: Place | None
    crowded: bool = False  # it came over one connection too many: say that there is no room
    version: str = "1.1"
    line: Line | None = None  # None: the answer can only be whole

    def header(self, wanted: bytes) -> str:
        """The first header called ``wanted`` (in lower case), empty when there is none."""
        for name, value in self.headers:
            if name == wanted:
                return str(value, "latin-1")
        return ""


# None: the answer went out over the request's line already.
Answerer = Callable[[Request], Awaitable[Reply | None]]

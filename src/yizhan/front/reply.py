"""An HTTP answer. The gateway's are whole, with their length, never chunked (contract, section 6)."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

from yizhan.front.fault import ALLOWED

_STATUS_LINES = {int(one): b"HTTP/1.1 %d %b\r\n" % (one, one.phrase.encode("ascii")) for one in HTTPStatus}
_CLOSE = b"connection: close\r\n"
_CHUNKED = b"transfer-encoding: chunked\r\n"


@dataclass(slots=True)
class Reply:
    """One answer. Nobody changes one; not frozen, since that would double what making one costs."""

    status: int
    body: bytes
    content_type: str  # empty: none is named
    left: Callable[[bool], None] | None = None  # to be told whether the last byte went to the socket
    headers: tuple[tuple[bytes, bytes], ...] = ()  # besides type and length

    def written(self, date: bytes, *, with_body: bool, keep_alive: bool) -> bytes:
        """Head and body in one piece: some old programs read an answer only once. ``date`` is its header line."""
        kind = b"content-type: %b\r\n" % self.content_type.encode("latin-1") if self.content_type else b""
        return b"%b%b%bcontent-length: %d\r\n%b%b\r\n%b" % (
            _STATUS_LINES[self.status],
            date,
            kind,
            len(self.body),
            b"".join([b"%b: %b\r\n" % header for header in self.headers]) if self.headers else b"",
            b"" if keep_alive else _CLOSE,
            self.body if with_body else b"",
        )

    def head(self, date: bytes, *, chunked: bool, keep_alive: bool) -> bytes:
        """The head alone, of an answer whose length nobody knows yet."""
        kind = b"content-type: %b\r\n" % self.content_type.encode("latin-1") if self.content_type else b""
        return b"%b%b%b%b%b%b\r\n" % (
            _STATUS_LINES[self.status],
            date,
            kind,
            _CHUNKED if chunked else b"",
            b"".join([b"%b: %b\r\n" % header for header in self.headers]),
            b"" if keep_alive else _CLOSE,
        )


def plain_text(status: int, words: str) -> Reply:
    """A short explanation for people; a 405 names the methods that are allowed."""
    headers = ((b"allow", ALLOWED),) if status == HTTPStatus.METHOD_NOT_ALLOWED else ()
    return Reply(status, f"{words}\n".encode(), "text/plain; charset=utf-8", headers=headers)

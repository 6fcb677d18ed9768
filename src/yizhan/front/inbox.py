"""Bytes that have arrived and that the parser has not seen: cut here into heads and pieces of bodies.

The parser does not say where a pipelined message begins, so whoever wants to repair every request line has to know it
beforehand: a head ends at its first empty line, a counted body after its count, a chunked one at some empty line.
"""

import re
from http import HTTPStatus

from yizhan.front.fault import HttpFault, malformed

_END = b"\r\n\r\n"
_BARE_LF = re.compile(rb"(?<!\r)\n")
_MAX_EMPTY_LINES = 4  # before a request line; old clients send one after a form body
# Method, two spaces and the version around a target: " HTTP/1.1" and the longest method we take.
_LINE_FRAME = len(b"OPTIONS  HTTP/1.1")


class Inbox:
    """What one connection has sent and nobody has read yet; no larger than one head or one read."""

    __slots__ = ("_bytes", "_empty_lines", "_max_header_bytes", "_max_target_bytes", "_searched", "_tail")

    def __init__(self, max_target_bytes: int, max_header_bytes: int) -> None:
        self._max_target_bytes = max_target_bytes
        self._max_header_bytes = max_header_bytes
        self._bytes = bytearray()
        self._searched = 0  # no head ends before this
        self._tail = b""  # the last bytes of a chunked body that were taken
        self._empty_lines = 0

    def __len__(self) -> int:
        return len(self._bytes)

    def put(self, data: bytes) -> None:
        """Add what has just arrived."""
        self._bytes += data

    def clear(self) -> None:
        """Forget everything."""
        self._bytes.clear()

    def take_head(self) -> tuple[bytes, bytes] | None:
        """The next request line (without CRLF) and its headers (with their last empty line), or None: not all here.

        Raises HttpFault: 414 or 431 beyond the limits, 400 for lines that end in a bare LF.
        """
        if self._bytes.startswith(b"\r\n"):
            self._drop_empty_lines()
        end = self._bytes.find(_END, self._searched)
        if end < 0:
            self._look_at_the_rest()
            return None
        line_end = self._bytes.find(b"\r\n", 0, end + 2)
        if line_end > self._max_target_bytes + _LINE_FRAME:
            raise self.target_too_long()
        if end - line_end > self._max_header_bytes:
            raise self._headers_too_long()
        line, headers = bytes(self._bytes[:line_end]), bytes(self._bytes[line_end + 2 : end + 4])
        del self._bytes[: end + 4]
        self._searched = self._empty_lines = 0
        self._tail = b""
        return line, headers

    def take_counted(self, count: int) -> bytes:
        """At most ``count`` bytes of a body."""
        piece = bytes(self._bytes[:count])
        del self._bytes[:count]
        return piece

    def take_chunked(self) -> bytes:
        """The bytes up to the next empty line, the only place where a chunked message can end; all when there is none.

        The empty line may have begun in an earlier piece.
        """
        straddling = (self._tail + self._bytes[:3]).find(_END)
        if straddling >= 0:
            cut = straddling + 4 - len(self._tail)
        else:
            found = self._bytes.find(_END)
            cut = found + 4 if found >= 0 else len(self._bytes)
        piece = self.take_counted(cut)
        self._tail = (self._tail + piece)[-3:]
        return piece

    def target_too_long(self) -> HttpFault:
        """The answer to a target beyond the limit (contract, section 2: 64 KiB)."""
        return HttpFault(
            HTTPStatus.REQUEST_URI_TOO_LONG, f"The request target is longer than {self._max_target_bytes} bytes."
        )

    def _headers_too_long(self) -> HttpFault:
        return HttpFault(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"The request headers are longer than {self._max_header_bytes} bytes.",
        )

    def _drop_empty_lines(self) -> None:
        while self._bytes.startswith(b"\r\n"):
            del self._bytes[:2]
            self._empty_lines += 1
        self._searched = 0
        if self._empty_lines > _MAX_EMPTY_LINES:
            raise malformed(f"More than {_MAX_EMPTY_LINES} empty lines before a request line.")

    def _look_at_the_rest(self) -> None:
        """Refuse a head that can no longer become a good one, and remember how far it was searched."""
        if _BARE_LF.search(self._bytes, self._searched):
            raise malformed("Lines must end with CR LF.")
        line_end = self._bytes.find(b"\r\n", 0, self._max_target_bytes + _LINE_FRAME + 2)
        if line_end < 0 and len(self._bytes) > self._max_target_bytes + _LINE_FRAME + 1:
            raise self.target_too_long()
        if line_end >= 0 and len(self._bytes) - line_end > self._max_header_bytes + 4:
            raise self._headers_too_long()
        self._searched = max(0, len(self._bytes) - 3)

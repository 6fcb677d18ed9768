"""One answer after another out of the bytes of a connection, read more strictly than any client reads them.

One status line, known headers, a Content-Length that is true, never chunks: what differs is outside the closed set.
"""

import re
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus

_STATUS_LINE = re.compile(r"HTTP/1\.1 ([0-9]{3}) ([A-Za-z- ]+)")
_HEADER = re.compile(r"([a-z-]+): ([ -~]+)")
_HEADERS = {"date", "content-type", "content-length", "allow", "connection"}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Outside(AssertionError):
    """An answer that is not of the closed set."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it was framed; ``body`` is None for a HEAD."""

    status: int
    headers: dict[str, str]
    body: bytes | None


def cut(stream: bytes, *, head: bool = False, expect: bool = False) -> tuple[Answer | None, bytes]:
    """The first answer of ``stream`` and what stands behind it; None while it is not whole.

    ``head``: the client may have asked with HEAD, so a body may be missing; ``expect``: it may be told to continue.
    """
    if expect and stream.startswith(_CONTINUE):
        stream = stream.removeprefix(_CONTINUE)
    raw, end, rest = stream.partition(b"\r\n\r\n")
    if not end:
        return None, stream
    status_line, *lines = raw.decode("latin-1").split("\r\n")
    found = _STATUS_LINE.fullmatch(status_line)
    if not found or found[2] != _phrase(int(found[1])):
        raise Outside(f"no status line: {status_line!r}")
    headers = _headers(lines)
    length = int(headers["content-length"])
    if head and (rest == b"" or rest.startswith(b"HTTP/1.1 ")):
        return Answer(int(found[1]), headers, None), rest
    if len(rest) < length:
        return None, stream
    return Answer(int(found[1]), headers, rest[:length]), rest[length:]


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = [_HEADER.fullmatch(line) for line in lines]
    headers = {pair[1]: pair[2] for pair in pairs if pair}
    if len(headers) != len(lines) or not {"content-type", "content-length"} <= headers.keys() <= _HEADERS:
        raise Outside(f"headers: {lines}")
    if headers.get("connection", "close") != "close" or not re.fullmatch("0|[1-9][0-9]*", headers["content-length"]):
        raise Outside(f"headers: {lines}")
    if "date" in headers:
        parsedate_to_datetime(headers["date"])
    return headers


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in list(HTTPStatus) else ""

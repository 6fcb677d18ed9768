"""The request line as old clients write it, and as a parser will take it.

Programs of this family put GB2312 text, converted and never percent-encoded, into the query of a GET (contract,
section 2), sometimes with raw spaces. Every HTTP parser refuses such a line, so it is escaped before the parser sees
it; the bytes as they were sent go on to the decoder beside it, since raw and escaped runs are decoded apart.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

_PLAIN = re.compile(rb"([A-Z]+) (/[!->@-~]*)(?:\?([!-~]*))? HTTP/1\.[01]")
_METHOD = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_ORIGIN = re.compile(rb"https?://[^/?#\s\x80-\xff]*", re.IGNORECASE)
_NEVER = re.compile(rb"[\0\r\n]")
_VERSIONS = (b"HTTP/1.0", b"HTTP/1.1")
# Everything printable stays: what a client escaped stays escaped once, and odd characters such as { are let through.
_PRINTABLE = bytes(range(0x21, 0x7F)).decode("ascii")


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One request line: ``line`` for the parser, the rest exactly as the client sent it.

    ``path`` is without scheme and host, ``query`` is what stands after the first ``?`` (raw bytes >= 0x80, control
    bytes and spaces included). For ``CONNECT`` both are empty.
    """

    line: bytes
    method: bytes
    path: bytes
    query: bytes


def repair_request_line(line: bytes) -> RequestLine | None:
    """Read ``METHOD SP target SP HTTP/1.x`` (without its CRLF) and make it legal; None when that cannot be done.

    Bytes >= 0x80, control bytes and spaces inside the query are percent-encoded. A space anywhere else, NUL, CR or LF,
    a version other than 1.0 and 1.1, or a query that itself holds `` HTTP/1.`` (where does it end?) is beyond repair.
    """
    plain = _PLAIN.fullmatch(line)
    if plain is not None:
        method, path, query = plain.groups(b"")
        return RequestLine(line, method, path, query)
    method, _, rest = line.partition(b" ")
    target, _, version = rest.rpartition(b" ")
    if version not in _VERSIONS or not _METHOD.fullmatch(method) or _NEVER.search(target):
        return None
    if method == b"CONNECT":
        return RequestLine(line, method, b"", b"")
    split = _split_target(target)
    if split is None:
        return None
    escaped = quote_from_bytes(target, safe=_PRINTABLE).encode("ascii")
    return RequestLine(b"%b %b %b" % (method, escaped, version), method, *split)


def _split_target(target: bytes) -> tuple[bytes, bytes] | None:
    """Path and query of ``target`` in origin form, absolute form or ``*``."""
    if target == b"*":
        return target, b""
    origin = _ORIGIN.match(target)
    path, _, query = (target[origin.end() :] if origin else target).partition(b"?")
    if origin and not path:
        path = b"/"
    if not path.startswith(b"/") or b" " in path or b" HTTP/1." in query:
        return None
    return path, query

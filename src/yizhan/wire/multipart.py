"""multipart/form-data bodies, which some programs post to the .aspx functions (contract, section 2), and browsers with
a file.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from yizhan.wire.charset import Charset, decode, find_charset
from yizhan.wire.media import parameter

_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_MAX_BOUNDARY_CHARS = 200  # RFC 2046 allows 70
_MAX_HEAD_BYTES = 4096


class Part(NamedTuple):
    """One part: a field of a form, or a file that has a name of its own."""

    name: str
    file: str  # "": it is a field
    content: bytes
    charset: Charset


def read_multipart(body: bytes, content_type: str, charset: Charset) -> Iterator[tuple[str, str]]:
    """The fields of ``body`` in order, as (name in lower case, value).

    A part without a charset of its own holds ``charset``, the call's. Values are not percent-encoded here. A body
    without a boundary has no fields; files are no fields; a missing last boundary is forgiven. Never raises.
    """
    for part in read_parts(body, content_type, charset):
        if not part.file:
            yield part.name.lower(), decode(part.content, part.charset)


def read_parts(body: bytes, content_type: str, charset: Charset) -> Iterator[Part]:
    """The parts that have a name, in order; otherwise as ``read_multipart``."""
    boundary = parameter(content_type, "boundary").encode("utf-8", "replace")
    if not 0 < len(boundary) <= _MAX_BOUNDARY_CHARS:
        return
    for raw in _parts(body, b"--" + boundary):
        part = _part(raw, charset)
        if part is not None:
            yield part


def part_name(part: bytes, charset: Charset) -> tuple[str, int] | None:
    """What a part is called, and where its content begins; None when nothing says so."""
    named = _part(part, charset)
    return None if named is None else (named.name, len(part) - len(named.content))


def _parts(body: bytes, delimiter: bytes) -> Iterator[bytes]:
    """What stands between two delimiter lines; lines may end in LF alone."""
    start: int | None = None  # of the part being looked at
    at = body.find(delimiter)
    while at >= 0:
        behind = at + len(delimiter)
        # Only where a line begins: a text may mention the boundary, and looking no further keeps the time linear.
        if at == 0 or body[at - 1 : at] == b"\n":
            line_end = body.find(b"\n", behind)
            rest = body[behind : line_end if line_end >= 0 else len(body)].strip(b" \t\r")
            if rest in (b"", b"--"):  # else it is a longer word that merely begins like the boundary
                if start is not None:
                    yield _without_line_end(body[start:at])
                if rest or line_end < 0:
                    return
                start = line_end + 1
        at = body.find(delimiter, behind)
    if start is not None:
        yield _without_line_end(body[start:])


def _without_line_end(part: bytes) -> bytes:
    return part[:-2] if part.endswith(b"\r\n") else part.removesuffix(b"\n")


def _part(part: bytes, charset: Charset) -> Part | None:
    """None when nothing says what it is called."""
    end = _END_OF_HEAD.search(part, 0, _MAX_HEAD_BYTES)
    if end is None:
        return None
    disposition = content_type = ""
    for line in decode(part[: end.start()], charset).splitlines():
        header, _, value = line.partition(":")
        if header.strip().lower() == "content-disposition":
            disposition = value
        elif header.strip().lower() == "content-type":
            content_type = value
    name = parameter(disposition, "name")
    if not name:
        return None
    own = find_charset(parameter(content_type, "charset"))
    return Part(name, parameter(disposition, "filename"), part[end.end() :], own or charset)

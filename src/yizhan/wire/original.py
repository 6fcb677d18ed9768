"""A request as it came, for whoever looks later: its first bytes, and no password among them.

What is left out is found as the decoder of the call finds values (``wire.form``, ``wire.soap``), but for a shorter
look: where that might miss a password, no body is kept at all.
"""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_to_bytes

from yizhan.model.call import Original
from yizhan.model.operation import FAMILY
from yizhan.wire.charset import Charset, choose_charset, detect, find_charset
from yizhan.wire.form import read_name
from yizhan.wire.media import is_multipart, parameter
from yizhan.wire.multipart import part_name
from yizhan.wire.xml_bytes import charset_in_prolog

MASK = b"***"
LEFT_OUT = b"(not kept)"
_HEADERS = (b"content-type", b"soapaction", b"user-agent")
_MAX_HEADER_BYTES = 256
_SECRETS = frozenset(
    name.lower() for operation in FAMILY for name in operation.parameters if name.lower().endswith(("pwd", "password"))
)
_SECRET = b"|".join(sorted(name.encode() for name in _SECRETS))
# A tag's attributes may hold ">" within their quotes.
_SECRET_TAG = re.compile(
    rb"""<(?:[^\s<>/:"'=]*:)?(?:%b)(?P<attributes>(?:\s(?:[^<>"'/]|/(?!>)|"[^"]*"|'[^']*')*+)?)(?P<end>/?>|\Z)"""
    % _SECRET,
    re.IGNORECASE,
)
_CLOSING = re.compile(rb"</(?:[^\s<>/:]*:)?(?:%b)\s*>" % _SECRET, re.IGNORECASE)
_ELSEWHERE = re.compile(rb"\b(?:href|ref)\s*=", re.IGNORECASE)
_CONTENT = re.compile(rb"[?&\n]content=([^&]*)", re.IGNORECASE)
# Shown as it is; every other byte by its number.
_SHOWN = re.compile(rb"[^\t\n\r\x20-\x7e]")


def keep(
    method: str,
    path: bytes,
    query: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
    *,
    is_document: bool,
    most: int,
) -> Original:
    """The first ``most`` bytes of a request: its line, the headers that say how it is read, its body. Never raises.

    ``path`` and ``query`` as they were sent, names of ``headers`` in lower case. ``is_document``: the body is read as
    XML, whatever it or its type looks like; otherwise as a form.
    """
    shown = _without_secrets(query[:most])
    line = b"%b %b%b%b\r\n" % (method.encode(), path, b"?" if query else b"", shown)
    told: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _HEADERS:
            told.setdefault(name, value)  # the first one counts
    head = line + b"".join(b"%b: %b\r\n" % (name, value[:_MAX_HEADER_BYTES]) for name, value in told.items())
    size = len(head) - len(shown) + len(query) + len(body)
    content_type = told.get(b"content-type", b"").decode("latin-1")
    room = most - len(head)
    kept = b""
    if body and room > 0:
        kept = b"\r\n" + (_document(body) if is_document else _form(body[:room], content_type))
    return Original((head + kept)[:most], size)


def _form(body: bytes, content_type: str) -> bytes:
    return b"".join(_parts(body, content_type)) if is_multipart(content_type) else _without_secrets(body)


def _without_secrets(raw: bytes) -> bytes:
    """A query or a urlencoded body, cut as ``wire.form`` cuts it."""
    return b"&".join([_item(item) for item in raw.split(b"&")]) if raw else raw


def _item(item: bytes) -> bytes:
    name, equals, value = item.partition(b"=")
    if value and read_name(name.lstrip(b"?"), Charset.DETECT) in _SECRETS:
        return name + equals + MASK
    return item


def _document(body: bytes) -> bytes:
    """All of an envelope: only its end tells where a password ends.

    In UTF-16 no tag would be found, and a password that a tag refers to stands anywhere.
    """
    if b"\0" in body:
        return LEFT_OUT
    kept, at = [], 0
    while (tag := _SECRET_TAG.search(body, at)) is not None:
        if _ELSEWHERE.search(tag["attributes"]):
            return LEFT_OUT
        kept.append(body[at : tag.end()])
        at = tag.end()
        if tag["end"] == b">":
            # To the last one that closes such an element: what stands in it may look like one itself.
            *_, at = (len(body), *(closing.start() for closing in _CLOSING.finditer(body, at)))
            kept.append(MASK)
    return b"".join((*kept, body[at:]))


def _parts(body: bytes, content_type: str) -> Iterator[bytes]:
    """A multipart body, part by part."""
    boundary = parameter(content_type, "boundary").encode("utf-8", "replace")
    charset = choose_charset(parameter(content_type, "charset"), utf8_path=False)
    line = rb"^--%b[ \t\r]*(?:--)?[ \t\r]*(?:\n|\Z)" % re.escape(boundary)
    starts = [found.start() for found in re.finditer(line, body, re.MULTILINE)]
    for start, end in zip([0, *starts], [*starts, len(body)], strict=True):
        delimiter, newline, part = body[start:end].partition(b"\n")
        head = part_name(part, charset)
        if head is not None and head[0].lower() in _SECRETS:
            part = part[: head[1]] + MASK + b"\r\n"
        yield delimiter + newline + part


def show(original: Original) -> str:
    r"""As text: ASCII as it is, every other byte as ``\xC4``."""
    return _SHOWN.sub(lambda byte: b"\\x%02X" % byte[0][0], original.raw).decode("ascii")


def charset_of(original: Original) -> str | None:
    """The charset that the text of a call was read in; None where the kept bytes do not tell."""
    head, _, body = original.raw.partition(b"\r\n\r\n")
    line, _, rest = head.partition(b"\r\n")
    headers = dict(header.split(b": ", 1) for header in rest.split(b"\r\n") if b": " in header)
    declared = parameter(headers.get(b"content-type", b"").decode("latin-1"), "charset") if body else ""
    by_utf8 = b"/utf8/" in line.partition(b"?")[0].lower()
    charset = _in_document(declared, body) or choose_charset(declared, by_utf8)
    found = _detected(_CONTENT.search(line) or _CONTENT.search(b"\n" + body)) if charset is Charset.DETECT else charset
    return None if found is None else found.value


def _in_document(declared: str, body: bytes) -> Charset | None:
    """An envelope's or a JSON text's; None for a form."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return find_charset(declared) or charset_in_prolog(body) or Charset.UTF_8
    return Charset.UTF_8 if body.startswith(b"{") else None


def _detected(content: re.Match[bytes] | None) -> Charset | None:
    """What the bytes of a text say; ASCII is the same in all."""
    raw = unquote_to_bytes(content[1]) if content else b""
    return None if raw.isascii() else detect(raw)

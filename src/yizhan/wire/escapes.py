"""Percent escapes of queries and forms: from the bytes as they were sent to the text that was meant.

Clients mix: a value may hold escaped GB2312 for the text and raw UTF-8 for the 【】 around the signature. So the bytes
are cut into runs, wherever those >= 0x80 switch between escaped and raw, and every run is decoded on its own; ASCII
stays with the run before it, because the second byte of a GBK character may be an ASCII letter (contract, section 2).
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from yizhan.wire.charset import Charset, decode, decode_cleanly

_HEX = rb"[0-9A-Fa-f]"
_ESCAPED_HIGH = rb"%[89A-Fa-f]" + _HEX
_RAW_HIGH = rb"[\x80-\xff]"
_BAD_PERCENT = rb"%(?!" + _HEX + rb"{2}|u" + _HEX + rb"{4})"
_ASCII = rb"[^%\x80-\xff]|%[0-7]" + _HEX + rb"|" + _BAD_PERCENT
# Units, or one run: ASCII, then (unless the value ends or units follow) high bytes of one kind with ASCII among them.
# The quantifiers are possessive, so the time is linear in the length of the value.
_RUN = re.compile(
    rb"(?P<units>(?:%%u%(hex)s{4})++)|(?:%(ascii)s)*+(?:(?:%(escaped)s)(?:%(escaped)s|%(ascii)s)*+"
    rb"|%(raw)s(?:%(raw)s|%(ascii)s)*+)?+"
    % {b"hex": _HEX, b"ascii": _ASCII, b"escaped": _ESCAPED_HIGH, b"raw": _RAW_HIGH}
)
_NO_ESCAPE = re.compile(_BAD_PERCENT)
_HIGH_ESCAPE = re.compile(_ESCAPED_HIGH)
_SPACE_OR_CONTROL = re.compile(r"[\x00-\x20\x7f]")
# Every run gives a character at least and a text has 300 at most, so what lies beyond is refused however it reads.
_MAX_RUNS = 4_096


def unescape(raw: bytes, charset: Charset) -> str:
    """One value of a query or a urlencoded form as text. Never raises."""
    if not raw or raw.isalnum():
        return str(raw, "ascii")  # most values: numbers, times, digests
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" not in raw:
        return decode(raw, charset)
    if raw.isascii() and b"%u" not in raw:
        # By far the most frequent: escapes of one kind only, so the value is a single run.
        return decode(_unquote(raw), charset)
    return "".join(run if isinstance(run, str) else decode(run, charset) for run in _runs(raw))


def undouble(content: str, charset: Charset) -> str:
    """``content``, once decoded, decoded once more if it was percent-encoded twice (contract, section 2).

    That is believed only when nothing speaks against it: pure ASCII without spaces or control characters, every ``%``
    starts an escape, one escaped byte at least is >= 0x80, and the result can be read without a loss.
    """
    if "%" not in content or not content.isascii() or _SPACE_OR_CONTROL.search(content):
        return content
    raw = content.encode("ascii")
    if _NO_ESCAPE.search(raw) or not _HIGH_ESCAPE.search(raw):
        return content
    runs = [_cleanly(run, charset) for run in _runs(raw.replace(b"+", b" "))]
    texts = [text for text in runs if text is not None]
    return "".join(texts) if len(texts) == len(runs) else content


def _unquote(raw: bytes) -> bytes:
    """``urllib``'s ``unquote_to_bytes``, which loops over the escapes in Python, at a fifth of its cost."""
    try:
        # With every escape %XX written as Python writes it in a literal, and what else could be one doubled, a codec in
        # C does the work; it takes the other bytes for Latin-1, and an escape that is none for an error.
        return raw.replace(b"\\", b"\\\\").replace(b"%", b"\\x").decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:
        return unquote_to_bytes(raw)


def _cleanly(run: bytes | str, charset: Charset) -> str | None:
    if isinstance(run, bytes):
        return decode_cleanly(run, charset)
    return None if "\ufffd" in run else run


def _runs(raw: bytes) -> Iterator[bytes | str]:
    """The runs of a value in order: bytes still to be decoded, or text where ``%uXXXX`` units stood."""
    for count, found in enumerate(_RUN.finditer(raw)):
        if count == _MAX_RUNS:
            yield _unquote(raw[found.start() :])
            return
        if found["units"]:
            # A pair of surrogates becomes one character, a lone one U+FFFD.
            yield bytes.fromhex(found["units"].replace(b"%u", b"").decode("ascii")).decode("utf-16-be", "replace")
        elif found[0]:
            yield _unquote(found[0])

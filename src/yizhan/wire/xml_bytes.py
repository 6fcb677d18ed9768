"""From the bytes of an XML document to its text (contract, section 2: BOM, Content-Type, prolog, then UTF-8).

Expat is fed with text because it knows only a handful of encodings and refuses ``encoding="gb2312"``.
"""

import codecs
import re

from yizhan.wire.charset import Charset, decode_cleanly, find_charset

# The longer mark of UTF-32 first: it begins like that of UTF-16.
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_UTF_16 = {"utf-16": "utf-16-le", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "unicode": "utf-16-le"}
# A document's first character is ``<``, so two bytes tell (XML 1.0, appendix F).
_UTF_16_WITHOUT_MARK = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_PROLOG_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}?\sencoding\s{0,20}=\s{0,20}["']([A-Za-z0-9._-]{1,40})["']""")
_PROLOG_BYTES = 400


def decode_document(body: bytes, declared: str) -> str | None:
    """The text of the document, without its mark; None when its bytes are not in its charset.

    ``declared`` is the charset of the Content-Type, empty when there is none; a name we do not know is ignored, as is
    one in the prolog. Never returns a lone surrogate.
    """
    if not body.startswith(b"<"):
        for mark, marked in _MARKS:
            if body.startswith(mark):
                return _strictly(body[len(mark) :], marked)
    codec, charset = _UTF_16.get(declared.strip().lower()), find_charset(declared)
    if codec is None and charset is None:
        codec, charset = _UTF_16_WITHOUT_MARK.get(body[:2]), charset_in_prolog(body)
    if codec is not None:
        return _strictly(body, codec)
    if charset is None or charset is Charset.UTF_8:
        # Strictly, unlike in forms: a document says what it is, and a wrong guess would be sent as a text.
        return _strictly(body, "utf-8")
    return decode_cleanly(body, charset)


def charset_in_prolog(body: bytes) -> Charset | None:
    """The charset that the prolog names; "utf-16" is none, since a prolog that reads as ASCII is not in it."""
    found = _PROLOG_ENCODING.match(body[:_PROLOG_BYTES])
    return find_charset(found[1].decode("ascii")) if found else None


def _strictly(body: bytes, codec: str) -> str | None:
    try:
        return body.decode(codec)
    except UnicodeDecodeError:
        return None

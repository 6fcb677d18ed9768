"""From bytes to text: which charset a request is in, and how one run of its bytes reads (contract, section 2).

Python's ``gb2312`` codec is not code page 936 (it maps A1AA and A1A4 elsewhere and fails on 镕), so everything that is
called GB reads as GB18030, with one addition: a lone byte 0x80 is the euro sign, as on the Windows machines of most
clients. Nothing here ever returns a lone surrogate: every text can be encoded as UTF-8.
"""

import codecs
import re
from enum import Enum


class Charset(Enum):
    """The charsets a client may name. All hold ASCII as ASCII, so a form can be cut up before it is decoded."""

    DETECT = "detect"  # the platform's default: GB2312 in name, UTF-8 where the bytes say so
    UTF_8 = "utf-8"
    GB18030 = "gb18030"
    BIG5 = "big5hkscs"
    LATIN_1 = "latin-1"
    WINDOWS_1252 = "cp1252"
    SHIFT_JIS = "cp932"
    EUC_JP = "euc_jp"
    EUC_KR = "cp949"


_GB = frozenset({Charset.DETECT, Charset.UTF_8, Charset.GB18030})

# Closed on purpose: a look-up in Python's own registry would import modules by a name that a stranger sent.
_NAMES: dict[str, Charset] = {
    **dict.fromkeys(("utf-8", "utf8"), Charset.UTF_8),
    **dict.fromkeys(("gb2312", "gbk", "cp936", "gb18030", "gb_2312-80", "gb2312-80", "x-gbk"), Charset.GB18030),
    **dict.fromkeys(("ms936", "windows-936", "936", "euc-cn"), Charset.GB18030),
    **dict.fromkeys(("big5", "big5-hkscs", "cp950", "x-x-big5"), Charset.BIG5),
    **dict.fromkeys(("iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "latin-1"), Charset.LATIN_1),
    **dict.fromkeys(("windows-1252", "cp1252"), Charset.WINDOWS_1252),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis"), Charset.SHIFT_JIS),
    "euc-jp": Charset.EUC_JP,
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987"), Charset.EUC_KR),
}

# In valid UTF-8 these bytes occur only as the first of three.
_LEAD_OF_THREE = re.compile(rb"[\xe0-\xef]")
# In valid UTF-8 a first byte never stands without a further one behind it. In nearly every GB text one does, and to see
# that is cheaper than a decoding in vain.
_NO_UTF_8 = re.compile(rb"[\xc0-\xff](?![\x80-\xbf])")
_EURO = 0x80


def find_charset(name: str) -> Charset | None:
    """The charset called ``name`` in any case; None for a name we do not know, which the contract wants ignored."""
    return _NAMES.get(name.strip().lower())


def choose_charset(declared: str, utf8_path: bool) -> Charset:
    """The charset of a whole call: the one that its Content-Type declares, else the path's, else the default.

    ``declared`` must be empty when the body is: a Content-Type without a body says nothing about the query.
    """
    return (find_charset(declared) if declared else None) or (Charset.UTF_8 if utf8_path else Charset.DETECT)


def decode_cleanly(raw: bytes, charset: Charset) -> str | None:
    """``raw`` in ``charset``, or None where a byte would have to become U+FFFD.

    The default tries UTF-8 first, but only believes it when a 3-byte sequence is there: GB18030 would read a good part
    of all UTF-8 texts as garbage, while a GB text is practically never valid UTF-8. UTF-8 that fails is GB18030.
    """
    if raw.isascii():
        return str(raw, "ascii")
    if charset is Charset.UTF_8 or (charset is Charset.DETECT and _seems_utf_8(raw)):
        text = _strictly(raw, "utf-8")
        if text is not None:
            return text
    if charset not in _GB:
        return _strictly(raw, charset.value)
    text = _strictly(raw, "gb18030")
    return text if text is not None or _EURO not in raw else _strictly(raw, "gb18030", "yizhan.euro")


def _seems_utf_8(raw: bytes) -> bool:
    return bool(_LEAD_OF_THREE.search(raw)) and not _NO_UTF_8.search(raw)


def detect(raw: bytes) -> Charset:
    """What the default takes ``raw`` for."""
    is_utf_8 = _seems_utf_8(raw) and _strictly(raw, "utf-8") is not None
    return Charset.UTF_8 if is_utf_8 else Charset.GB18030


def decode(raw: bytes, charset: Charset) -> str:
    """One run of bytes as text; U+FFFD stands for what cannot be read. Never raises."""
    text = decode_cleanly(raw, charset)
    if text is not None:
        return text
    if charset not in _GB:
        return raw.decode(charset.value, "replace")
    return raw.decode("gb18030", "yizhan.euro_or_replace" if _EURO in raw else "replace")


def decode_default(raw: bytes) -> str:
    """One run of bytes as the default charset reads it."""
    return decode(raw, Charset.DETECT)


def encode_cp936(text: str) -> bytes:
    """``text`` for a gb2312 answer: code page 936, ``?`` for what it lacks (contract, section 6).

    Never 4-byte GB18030: its second byte is an ASCII digit, which a client would read as part of a number.
    """
    if text.isascii():
        return text.encode("ascii")
    # Python's gbk is code page 936 but for the euro sign.
    return b"\x80".join(piece.encode("gbk", "replace") for piece in text.split("€"))


def _strictly(raw: bytes, codec: str, errors: str = "strict") -> str | None:
    try:
        return raw.decode(codec, errors)
    except UnicodeDecodeError:
        return None


def _euro(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError) and error.object[error.start] == _EURO:
        return "€", error.start + 1
    raise error


def _euro_or_replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    if error.object[error.start] == _EURO:
        return "€", error.start + 1
    return "\ufffd", error.end


codecs.register_error("yizhan.euro", _euro)
codecs.register_error("yizhan.euro_or_replace", _euro_or_replace)

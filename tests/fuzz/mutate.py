"""Ways to spoil a request: all chance comes from the ``Random`` that is handed in."""

from collections.abc import Callable, Sequence
from random import Random

# What has a meaning somewhere on the way: escapes, forms, XML, charsets, numbers, JSON, multipart.
TOKENS = (
    *(b"%", b"%u", b"%uD83D", b"%uDE00%uD83D", b"%00", b"%0d%0a", b"%25", b"%2525E4", b"%E4%BD", b"%C4%E3", b"+"),
    *(b"&", b"=", b"&&", b"?", b"&CorpID=acme", b"&content=", b"&Mobile=%2C", b"\x00", b"\x80", b"\xff", b"\xfe\xff"),
    *(
        b"\xef\xbb\xbf",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98\x80",
        b"\xc0\xaf",
        b"\x81\x30\x81\x30",
        b"\xa1\xa1",
        b"\r\n",
        b"\n",
    ),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"&amp;", b"&lt;", b"&#0;", b"&#xD800;", b"&#x1F600;", b"<![CDATA["),
    *(
        b"]]>",
        b"<!--",
        b"-->",
        b"<?pi ?>",
        b' xsi:nil="true"',
        b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"',
    ),
    *(
        b' mustUnderstand="1"',
        b' href="#1"',
        b' id="1"',
        b"<a>",
        b"</a>",
        b"/>",
        b"encoding='utf-16'",
        b"encoding='gb2312'",
    ),
    *(
        b"+86",
        b"0086",
        b"00",
        b"\xef\xbc\x8c",
        b"\xa3\xac",
        b"\xef\xbc\x9b",
        b",",
        b",,",
        b"13800000000",
        b"13800000005",
    ),
    *(b"*", b"-1", b"20990229000000", b"20991231235959.999", b"\xa1\xbe", b"\xa1\xbf", "【".encode(), "】".encode()),
    *(
        b'"',
        b"\\",
        b"\\ud800",
        b"{",
        b"[",
        b"]",
        b"null",
        b"1e999",
        b"NaN",
        b"--XX",
        b"--XX--\r\n",
        b"; filename=a",
        b" ",
    ),
)
# What a header may hold, and what in a head decides where the message ends.
HEADERS = (
    *(b"Content-Length: 0\r\n", b"Content-Length: 5\r\n", b"Content-Length: 99999999999999999999\r\n"),
    *(b"Content-Length: -1\r\n", b"Content-Length: 2000000\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding : chunked\r\n", b"Expect: 100-continue\r\n"),
    *(b"Connection: close\r\n", b"Connection: keep-alive, upgrade\r\nUpgrade: h2c\r\n", b"Host: b\r\n", b" folded\r\n"),
    *(
        b"X: " + b"y" * 40_000 + b"\r\n",
        b"\x80: x\r\n",
        b"X: \x00\r\n",
        b"Host: a'\"<b>\r\n",
        b"X-Forwarded-For: ::1\r\n",
    ),
)
CHARSETS = (
    *(b"utf-8", b"gb2312", b"GBK", b"gb18030", b"big5", b"iso-8859-1", b"shift_jis", b"euc-kr", b"euc-jp", b"utf-16"),
    *(b"utf-16be", b"utf-32", b"utf-7", b"idna", b"rot13", b"base64", b"zlib", b"x", b'"', b"\xff", b"windows-1252"),
)
_LONG = (300, 5_000, 70_000)


def mutate(chance: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """``data`` after one to six accidents; ``others`` lend the tails of splices."""
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        data = chance.choice(_ACCIDENTS)(chance, data, others)
    return data


def mutate_request(chance: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """A whole request after accidents of which some befall its head."""
    if chance.random() < 0.5:
        line_end = data.find(b"\r\n") + 2
        data = data[:line_end] + chance.choice(HEADERS) + data[line_end:]
    if chance.random() < 0.2:
        method = chance.choice((b"HEAD", b"GET", b"POST", b"PUT", b"CONNECT", b"get", b"QUERY"))
        data = method + data[data.find(b" ") :]
    if chance.random() < 0.2:
        data = data.replace(b"HTTP/1.1", chance.choice((b"HTTP/1.0", b"HTTP/2.0", b"HTTP/1.1 ", b"")), 1)
    return mutate(chance, data, others) if chance.random() < 0.8 else data


def noise(chance: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    """Random bytes; ``data`` and ``others`` are not asked."""
    length = chance.choice((0, 1, 4, 30, 200, 1_500))
    return chance.randbytes(chance.randint(0, length))


def content_type(chance: Random, usual: bytes) -> bytes:
    """Mostly ``usual``, else something that a program might send."""
    if chance.random() < 0.6:
        return usual
    kinds = (usual.partition(b";")[0], b"text/plain", b"text/xml", b"application/soap+xml", b"multipart/form-data", b"")
    tail = chance.choice((b"; charset=%b", b";charset='%b", b'; charset="%b"; action="x"', b"; boundary=%b", b"; %b"))
    return chance.choice(kinds) + tail % chance.choice(CHARSETS)


def _place(chance: Random, data: bytes) -> int:
    return chance.randint(0, len(data))


def _flip(chance: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    if not data:
        return data
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _insert(chance: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, data)
    return data[:at] + chance.randbytes(chance.randint(1, 4)) + data[at:]


def _token(chance: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, data)
    return data[:at] + chance.choice(TOKENS) + data[at + chance.choice((0, 0, 1, 3)) :]


def _pairs(chance: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    """Bytes of which GBK's characters are made, in any pairing."""
    at = _place(chance, data)
    return data[:at] + bytes(chance.randint(0x81, 0xFE) for _ in range(chance.randint(1, 7))) + data[at:]


def _delete(chance: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, data)
    return data[:at] + data[at + chance.choice((1, 2, 8, 40)) :]


def _duplicate(chance: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, data)
    return data[:at] + data[at : at + chance.choice((1, 10, 60))] * chance.choice((2, 3, 12)) + data[at:]


def _truncate(chance: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: _place(chance, data)]


def _splice(chance: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    return data[: _place(chance, data)] + other[_place(chance, other) :]


def _lengthen(chance: Random, data: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(chance, data)
    piece = chance.choice((*TOKENS, b"1", b"a", b"%E4"))
    return data[:at] + piece * (chance.choice(_LONG) // len(piece)) + data[at:]


_ACCIDENTS: tuple[Callable[[Random, bytes, Sequence[bytes]], bytes], ...] = (
    *(_flip, _insert, _token, _token, _token, _pairs, _delete, _duplicate, _truncate, _splice, _splice),
    _lengthen,
)

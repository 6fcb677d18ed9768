"""The requests of tests/vectors as seeds; their README says what the files and the placeholders mean."""

import re
from collections.abc import Iterator
from pathlib import Path

from .family import named_in
from .seeds import NAMESPACES, Seed, account_for, hash_of, password_of

FOLDER = Path(__file__).parents[1] / "vectors"
_FILE = re.compile(rb"(.*?)^=== request\n(.*?)\n=== answer\n", re.DOTALL | re.MULTILINE)
_LINE = re.compile(rb"(GET|POST) ([^? ]*)(?:\?(.*))? HTTP/1\.[01]\r\n")
_CALLED = re.compile(rb":body[^>]*>\s*<(?:\w+:)?(\w+)", re.IGNORECASE)
_LENGTH = re.compile(rb"^content-length:[^\r\n]*", re.IGNORECASE | re.MULTILINE)
_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
# Chunks, several messages and what waits for a word from the server: good seeds, but not to be framed anew.
_STAGED = re.compile(rb"\{(?:chunked|end|continue)\}")


def whole_vectors() -> list[bytes]:
    """Every vector as one piece of bytes, as good as it gets without its stages."""
    found = []
    for request in _requests():
        head, border, body = _filled(request).partition(b"\r\n\r\n")
        length = b"%d" % len(_STAGED.sub(b"", body))
        found.append(head.replace(b"{length}", length) + border + _STAGED.sub(b"", body))
    return found


def vector_seeds(transport: str) -> Iterator[Seed]:
    """The vectors that call an operation over ``transport`` in a single message."""
    for request in _requests():
        seed = _seed(request)
        if seed is not None and seed.transport == transport:
            yield seed


def _requests() -> Iterator[bytes]:
    """The requests with their placeholders; an envelope gets the HTTP around it."""
    for path in sorted(FOLDER.iterdir()) if FOLDER.is_dir() else ():
        found = _FILE.match(path.read_bytes()) if path.suffix in (".http", ".xml") else None
        if found is None:
            continue
        if path.suffix == ".http":
            yield found[2]
            continue
        says = dict(line.split(b": ", 1) for line in found[1].splitlines() if b": " in line)
        headers = b"".join(b"%b: %b\r\n" % (h, says[h]) for h in (b"content-type", b"soapaction") if h in says)
        head = b"POST %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: {length}\r\n\r\n"
        yield head % (says[b"path"], headers) + found[2]


def _seed(request: bytes) -> Seed | None:
    """A vector as a seed; None for what calls no operation or is more than one plain message."""
    head, border, body = request.partition(b"\r\n\r\n")
    line = _LINE.match(head + b"\r\n")
    if line is None or _STAGED.search(request) or b"expect:" in head.lower():
        return None
    method, target, query = line.groups()
    operation = next(iter(named_in(target.decode("latin-1"))), "")
    kind = "aspx" if target.lower().endswith(b".aspx") else "asmx"
    if method == b"POST" and target.lower().endswith(b"linkws.asmx"):
        narrow = body.replace(b"\0", b"")
        called = _CALLED.search(narrow)
        transport = "SOAP-1.2" if NAMESPACES["SOAP-1.2"].encode() in narrow else "SOAP-1.1"
        return _post(transport, called[1].decode() if called else "", head + border, body)
    if not operation or (method == b"GET" and not query):
        return None
    if method == b"POST":
        return _post(f"{kind}-POST", operation, head + border, body)
    blank = head[: line.start(3)] + b"{query}" + head[line.end(3) :] + border
    return Seed(f"{kind}-GET", operation, blank, _filled(query, operation))


def _post(transport: str, operation: str, head: bytes, body: bytes) -> Seed:
    named = _TYPE.search(head)
    head = _LENGTH.sub(b"Content-Length: {length}", _TYPE.sub(b"Content-Type: {type}", head))
    return Seed(transport, operation, _filled(head, operation), _filled(body, operation), named[1] if named else b"")


def _filled(request: bytes, operation: str = "") -> bytes:
    account = account_for(operation)
    values = {"corp": account, "pwd": password_of(account), "md5": hash_of(account), "MD5": hash_of(account).upper()}
    for name, value in values.items():
        for charset in ("ascii", "utf-16-le", "utf-16-be"):
            request = request.replace(f"{{{name}}}".encode(charset), value.encode(charset))
    return request

"""Vectors: raw requests as old programs send them, byte for byte, and the exact bytes that answer them."""

import contextlib
import re
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from yizhan.model.operation import FAMILY, Dialect

from .program import PATIENCE_S, Program, md5

FOLDER = Path(__file__).parents[1] / "vectors"
PASSWORD = "Pa55word"
_WIDE = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_REQUEST, _ANSWER = b"=== request\n", b"\n=== answer\n"
# Whole names only: Send is no call of IntlSend.
_CALLED = re.compile(rb"/(\w+)\.aspx|\.asmx/(\w+)|:body[^>]*>\s*<(?:\w+:)?(\w+)")


@dataclass(frozen=True)
class Vector:
    """One file: what it says about itself, a request and the answer to it."""

    name: str
    says: dict[str, str]
    request: bytes
    answer: bytes


def read(path: Path) -> Vector:
    """The vector in a file; an envelope gets the HTTP around it."""
    head, _, rest = path.read_bytes().partition(_REQUEST)
    request, _, answer = rest.partition(_ANSWER)
    lines = [line for line in head.decode().splitlines() if not line.startswith("#")]
    says = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if path.suffix == ".xml":
        request = b"POST %b HTTP/1.1\r\nHost: a\r\n%bContent-Length: {length}\r\n\r\n%b" % (
            says["path"].encode(),
            b"".join(
                b"%b: %b\r\n" % (h.encode(), says[h].encode()) for h in ("content-type", "soapaction") if h in says
            ),
            request,
        )
        reason = {"200": "OK", "400": "Bad Request", "500": "Internal Server Error"}[says["status"]]
        answer = (
            f"HTTP/1.1 {says['status']} {reason}\r\ndate: {{date}}\r\ncontent-type: {says['answers']}\r\n"
            "content-length: {length}\r\n\r\n"
        ).encode() + answer
    return Vector(path.name, says, request, answer)


VECTORS = [read(path) for path in sorted(FOLDER.iterdir()) if path.suffix in (".http", ".xml")]


def fill(request: bytes, corp_id: str, wide: str | None) -> bytes:
    """The request with its placeholders filled in; ``wide`` is the charset of an envelope with wide characters."""
    values = {"corp": corp_id, "pwd": PASSWORD, "md5": md5(PASSWORD), "MD5": md5(PASSWORD).upper()}
    for name, value in values.items():
        for charset in ("ascii", *([wide] if wide else [])):
            request = request.replace(f"{{{name}}}".encode(charset), value.encode(charset))
    return b"".join(map(frame, request.split(b"{end}")))


def frame(message: bytes) -> bytes:
    """One message with its length filled in or its body in chunks; a length that is written out must be right."""
    head, border, body = message.partition(b"\r\n\r\n")
    if body.startswith(b"{chunked}"):
        plain = body.removeprefix(b"{chunked}")
        pieces = [plain[at : at + 7] for at in range(0, len(plain), 7)]
        body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in [*pieces, b""])
    length = b"%d" % len(body.removeprefix(b"{continue}"))
    head = head.replace(b"{length}", length)
    assert set(re.findall(rb"(?i)^content-length:[ \t]*([0-9]+)", head, re.MULTILINE)) <= {length}
    return head + border + body


def pattern(answer: bytes) -> re.Pattern[bytes]:
    """The answer with its placeholders as groups. Its Content-Length, where it is left open, is checked apart."""
    parts = {b"{date}": rb"[A-Za-z0-9:, ]{29}", b"{id}": rb"(?P<id>[1-9][0-9]{8})", b"{length}": rb"(?P<length>[0-9]+)"}
    parts[b"{words}"] = rb"[^<>]+"
    escaped = re.split(rb"(\{(?:date|id|length|words)\})", answer)
    return re.compile(b"".join(parts.get(piece, re.escape(piece)) for piece in escaped), re.DOTALL)


def exchange(program: Program, request: bytes, wanted: re.Pattern[bytes]) -> bytes:
    """Everything that comes back until it is what is wanted, and whatever comes right behind it."""
    received = b""
    with socket.create_connection(program.address, timeout=PATIENCE_S) as client, contextlib.suppress(TimeoutError):
        first, *others = request.split(b"{continue}")
        client.sendall(first)
        for piece in others:
            # These programs hold the body back until they are told to go on.
            while b"\r\n\r\n" not in received and (came := client.recv(65_536)):
                received += came
            client.sendall(piece)
        while not wanted.fullmatch(received) and (piece := client.recv(65_536)):
            received += piece
            # What is not going to match is shown soon, not after the deadline.
            client.settimeout(1)
        client.settimeout(0.01)
        received += client.recv(65_536)
    return received


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector(gateway: Program, vector: Vector) -> None:
    corp_id = f"v-{vector.name.rpartition('.')[0]}-{vector.name[-3:]}"[-60:]
    credit = int(vector.says.get("credit", 100))
    gateway.api("POST", "/accounts", json={"account": corp_id, "password": PASSWORD, "credit": credit})
    wide = next((charset for mark, charset in _WIDE.items() if mark in vector.request), None)
    wanted = pattern(vector.answer)
    received = exchange(gateway, fill(vector.request, corp_id, wide), wanted)
    found = wanted.fullmatch(received)
    assert found, f"\nwanted {vector.answer!r}\ngot    {received!r}"
    if "length" in wanted.groupindex:
        assert int(found["length"]) == len(received.partition(b"\r\n\r\n")[2])
    check_store(gateway, corp_id, vector.says, found["id"] if "id" in wanted.groupindex else None)


def check_store(gateway: Program, corp_id: str, says: dict[str, str], id_: bytes | None) -> None:
    """What was understood: the message as it is stored, or that nothing is."""
    messages = sorted(gateway.messages(account=corp_id), key=lambda row: int(row["id"]))
    if "text" not in says:
        assert messages == []
        balance = gateway.query(f"SELECT balance_milli FROM accounts WHERE corp_id = '{corp_id}'")
        assert balance == [(1_000 * int(says.get("credit", 100)),)]
        return
    text = says["text"].replace("\\r", "\r").replace("\\n", "\n").replace("\\s", " ")
    assert {row["text"] for row in messages} == {text}
    if id_ is not None:
        assert {row["submission"] for row in messages} == {int(id_)}
    if "count" in says:
        assert len(messages) == int(says["count"])
    else:
        assert " ".join(f"{row['written']}={row['number']}" for row in messages) == says["numbers"]
    assert {row["send_at"] for row in messages} == {says.get("send_at")}
    query = (
        f"SELECT DISTINCT cell FROM submissions JOIN accounts ON accounts.id = account_id WHERE corp_id = '{corp_id}'"
    )
    assert gateway.query(query) == [(says.get("cell", ""),)]


def operations(vector: Vector) -> set[str]:
    """The operations that are called, in lower case."""
    request = vector.request.replace(b"\0", b"").lower()
    return {name.decode() for names in _CALLED.findall(request) for name in names if name}


def test_there_are_enough_and_every_operation_has_one() -> None:
    assert len(VECTORS) >= 60
    called = set[str]().union(*map(operations, VECTORS))
    assert [operation.name for operation in FAMILY if operation.name.lower() not in called] == []


# A bare value, also one with the next answer behind it, or that of an element.
_CODE = re.compile(rb"(?:^|>)(-[0-9]+)(?=\n|<|HTTP)", re.MULTILINE)
# The others need an operator's hand: lists of addresses and words, a disabled account.
_PLAIN_CODES = {-1, -2, -3, -5, -6, -7, -8, -9, -10, -101}


@pytest.mark.parametrize(
    ("dialect", "codes"),
    [(Dialect.PLAIN, _PLAIN_CODES), (Dialect.INTL, _PLAIN_CODES | {-20, -21, -22, -23})],
    ids=["plain", "Intl"],
)
def test_every_code_that_needs_no_operator_is_answered(dialect: Dialect, codes: set[int]) -> None:
    of_dialect = {operation.name.lower() for operation in FAMILY if operation.dialect is dialect}
    answers = b"\n".join(vector.answer for vector in VECTORS if operations(vector) & of_dialect)
    answered = {int(code) for code in _CODE.findall(answers + b"\n")}
    assert sorted(codes - answered) == []

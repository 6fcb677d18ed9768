"""Fuzz inputs on their way to the running program, and its answers on their way to the judge."""

import contextlib
import errno
import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from .family import named_in
from .framing import Answer, Outside, cut
from .judge import BARE, HTML, SOAP12, XML, Said, judge, judge_stream

PATIENCE_S = 30.0
_AT_ONCE = 6
_PIPELINED = 25
_READ_BYTES = 262_144
_ONE_READ_BYTES = 65_536  # what the program surely takes with its first look at a connection
_SHOWN = 4_000  # bytes of an input; its seed gives the rest
_LAST = b"GET /HelloWorld.aspx HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
# What an answer with a value looks like on each transport; a mutated envelope may change its version.
_KINDS = {"aspx": {BARE, HTML}, "asmx": {XML}, "SOAP": {XML, SOAP12}}

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Shot:
    """One input: where its chance began, its bytes, and for a rightly framed one what it calls."""

    seed: str
    raw: bytes
    transport: str = ""
    operation: str = ""

    def blame(self, error: Exception) -> AssertionError:
        """The failure of a test: enough to try the input again."""
        shown = self.raw[:_SHOWN].hex() + (" ..." if len(self.raw) > _SHOWN else "")
        return AssertionError(f"{error!r}\n  Random({self.seed!r}), {len(self.raw)} bytes, in hex: {shown}")


def fire(address: Address, shots: Sequence[Shot]) -> list[Said]:
    """Rightly framed requests, many on a connection: each gets one answer of the closed set. Their values."""
    chunks = [shots[start : start + _PIPELINED] for start in range(0, len(shots), _PIPELINED)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return _joined(threads.map(lambda chunk: _pipeline(address, chunk), chunks))


def fire_alone(address: Address, shots: Sequence[Shot]) -> list[Said]:
    """Bytes of any kind, each on a connection of its own: answers of the closed set, and an end. Their values."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return _joined(threads.map(lambda shot: _alone(address, shot), shots))


def _joined(lists: Iterable[list[Said]]) -> list[Said]:
    return [said for values in lists for said in values]


def _pipeline(address: Address, shots: Sequence[Shot]) -> list[Said]:
    said: list[Said] = []
    while shots:
        stream = _said_to(address, b"".join(shot.raw for shot in shots) + _LAST, half_close=False)
        answered = 0
        for shot in shots:
            try:
                answer, stream = cut(stream)
                if answer is None:
                    raise Outside(f"no answer, or half of one: {stream[:300]!r}")
                said += _judged(shot, answer)
            except Exception as error:
                raise shot.blame(error) from error
            answered += 1
            if "connection" in answer.headers:
                break
        else:
            said += judge_stream(stream, {"HelloWorld"})
            stream = b""
        if stream:
            raise shot.blame(Outside(f"something behind the last answer: {stream[:300]!r}"))
        shots = shots[answered:]
    return said


def _judged(shot: Shot, answer: Answer) -> list[Said]:
    said = judge(answer, {shot.operation})
    kind = answer.headers["content-type"]
    if answer.status == 200 and (said is None or kind not in _KINDS[shot.transport[:4]]):
        raise Outside(f"{kind} answers {shot.transport}: {answer.body!r}")
    if answer.status != 200 and shot.transport in ("aspx-POST", "asmx-POST"):
        raise Outside(f"{answer.status} for a form: {answer.body!r}")
    return [said] if said else []


def _alone(address: Address, shot: Shot) -> list[Said]:
    try:
        stream = _said_to(address, shot.raw, half_close=True)
        if not stream and shot.raw.strip(b"\r\n"):
            raise Outside("no answer")
        operations = named_in(unquote_to_bytes(shot.raw).decode("latin-1"))
        return judge_stream(stream, operations, head=b"HEAD " in shot.raw, expect=b"100-continue" in shot.raw.lower())
    except Exception as error:
        raise shot.blame(error) from error


def _said_to(address: Address, raw: bytes, *, half_close: bool) -> bytes:
    """All that the program says to ``raw`` until it closes the connection."""
    pieces = []
    with socket.create_connection(address, timeout=PATIENCE_S) as client:
        try:
            client.sendall(raw)
            if half_close:
                client.shutdown(socket.SHUT_WR)
            while piece := client.recv(_READ_BYTES):
                pieces.append(piece)
        except OSError as error:
            # Closing on more than it has read behind a last request, the kernel resets; what was said still arrives.
            if error.errno not in (errno.ECONNRESET, errno.ENOTCONN, errno.EPIPE) or len(raw) <= _ONE_READ_BYTES:
                raise
            with contextlib.suppress(OSError):
                while piece := client.recv(_READ_BYTES):
                    pieces.append(piece)
    return b"".join(pieces)

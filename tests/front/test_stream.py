"""Answers that go out piece by piece: their framing, and who ends them."""

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from starlette.responses import StreamingResponse

from yizhan.front.asgi import Receive, Scope, Send
from yizhan.model.access import WHOSE
from yizhan.model.settings import ServerSettings

from .harness import PATIENCE_S, Served, read_answer, serving, until_closed

GET = b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n"
HASTY = ServerSettings(body_timeout_s=0.3)


@dataclass
class Source:
    """An application whose answers are streams; ``/drip`` waits for the test before each piece."""

    go: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    begun: int = 0
    ended: list[str] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].strip("/")
        if whose := dict(scope["headers"]).get(b"from"):
            scope["state"][WHOSE] = whose.decode()
        if path == "whole":
            await StreamingResponse(_pieces(), headers={"content-length": "6"})(scope, receive, send)
        elif path == "poll":
            self.ended += [(await receive())["type"], (await receive())["type"]]
        else:
            await StreamingResponse(self._make(path), headers={"x": "1"})(scope, receive, send)

    async def _make(self, path: str) -> AsyncIterator[bytes]:
        self.begun += 1
        how = "ended"
        try:
            yield b"first"
            if path == "flood":
                while True:
                    yield b"x" * 65_536
            while path == "drip" and await asyncio.to_thread(self.go.acquire, timeout=PATIENCE_S):
                yield b"drop"
            if path == "broken":
                raise RuntimeError("13800000000")
            if path == "endless":
                await asyncio.sleep(3600)
            yield b""
            yield b"last"
        except (asyncio.CancelledError, GeneratorExit) as error:
            how = type(error).__name__
            raise
        finally:
            self.ended.append(how)


async def _pieces() -> AsyncIterator[bytes]:
    yield b"abc"
    yield b"def"


@pytest.fixture
def source() -> Source:
    """What answers."""
    return Source()


@pytest.fixture
def streams(source: Source) -> Iterator[Served]:
    """A listener before ``source`` that has no patience with slow readers."""
    with serving(HASTY, app=source, max_streams=(3, 2)) as served:
        yield served


def read_head(client: socket.socket) -> bytes:
    """What comes until the empty line."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        assert byte, bytes(head)
        head += byte
    return bytes(head)


def open_stream(served: Served, path: bytes, version: bytes = b"1.1") -> tuple[socket.socket, bytes]:
    """A connection on which a stream has begun, and its head."""
    client = served.connect()
    client.sendall((GET % path).replace(b"1.1", version))
    return client, read_head(client)


def until(true: object, patience_s: float = 5.0) -> None:
    """Wait until a callable says yes."""
    assert callable(true)
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_pieces_come_as_they_are_made(streams: Served, source: Source) -> None:
    client, head = open_stream(streams, b"/drip")
    with client:
        assert b"\r\ntransfer-encoding: chunked\r\n" in head and b"\r\nx: 1\r\n" in head
        assert b"content-length" not in head and b"connection" not in head and b"\r\ndate: " in head
        assert client.recv(100) == b"5\r\nfirst\r\n"
        for _ in range(3):
            source.go.release()
            assert client.recv(100) == b"4\r\ndrop\r\n"


def test_a_stream_ends_and_the_next_request_is_answered(streams: Served, source: Source) -> None:
    with streams.connect() as client:
        client.sendall(GET % b"/some" + GET % b"/whole")  # the second waits behind the first
        assert read_head(client).startswith(b"HTTP/1.1 200 OK\r\n")
        body = b""
        while not body.endswith(b"0\r\n\r\n"):
            body += client.recv(1)
        assert body == b"5\r\nfirst\r\n4\r\nlast\r\n0\r\n\r\n"
        stream = client.makefile("rb")
        whole = read_answer(stream.readline, stream.read)  # it has named its length
        assert (whole.body, whole.headers["content-length"]) == (b"abcdef", "6")
    assert source.ended == ["ended"]


def test_a_waiting_request_is_not_begun(streams: Served, source: Source) -> None:
    client, _ = open_stream(streams, b"/drip")
    with client:
        client.sendall(GET % b"/some")
        time.sleep(0.05)
        assert source.begun == 1


def test_http_1_0_gets_it_until_the_connection_closes(streams: Served) -> None:
    client, head = open_stream(streams, b"/some", b"1.0")
    with client:
        assert b"chunked" not in head and b"\r\nconnection: close\r\n" in head
        assert until_closed(client) == b"firstlast"


def test_head_gets_the_head_alone(streams: Served, source: Source) -> None:
    with streams.connect() as client:
        for _ in range(5):  # more than there may be streams at once
            client.sendall((GET % b"/endless").replace(b"GET", b"HEAD"))
            assert b"chunked" in read_head(client)
        client.sendall(GET % b"/whole")
        assert read_head(client).startswith(b"HTTP/1.1 200")
    until(lambda: source.ended == ["GeneratorExit"] * 5)


@pytest.mark.parametrize(
    ("path", "how"),
    [
        pytest.param(b"/endless", "CancelledError", id="that waits"),
        pytest.param(b"/flood", "GeneratorExit", id="that writes"),
    ],
)
def test_a_client_that_leaves_ends_the_work(streams: Served, source: Source, path: bytes, how: str) -> None:
    client, _ = open_stream(streams, path)
    client.close()
    until(lambda: source.ended == [how])
    until(lambda: not streams.listener.connections())


def test_who_has_not_answered_yet_is_told_that_the_client_has_left(streams: Served, source: Source) -> None:
    with streams.connect() as client:
        client.sendall(GET % b"/poll")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        time.sleep(0.05)
    until(lambda: source.ended == ["http.request", "http.disconnect"])


def test_a_client_that_does_not_read_is_cut_off(streams: Served, source: Source) -> None:
    client, _ = open_stream(streams, b"/flood")
    with client:
        begun = time.monotonic()
        until(lambda: bool(source.ended))
        assert 0.2 < time.monotonic() - begun < 5
        assert not until_closed(client).endswith(b"0\r\n\r\n")


def test_an_error_under_way_closes_without_the_last_chunk(
    streams: Served, source: Source, capfd: pytest.CaptureFixture[str]
) -> None:
    client, _ = open_stream(streams, b"/broken")
    with client:
        assert until_closed(client) == b"5\r\nfirst\r\n"
    captured = capfd.readouterr()
    assert "RuntimeError" in captured.out + captured.err and "138" not in captured.out + captured.err


def test_one_stream_too_many_is_answered_503(streams: Served, source: Source) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(open_stream(streams, b"/endless")[0]) for _ in range(3)]
        fourth = stack.enter_context(streams.connect())
        fourth.sendall(GET % b"/endless" + GET % b"/whole")
        stream = fourth.makefile("rb")
        assert read_answer(stream.readline, stream.read).status == 503
        assert read_answer(stream.readline, stream.read).status == 200  # what is whole is none
        clients[0].close()
        until(lambda: "CancelledError" in source.ended)
        fourth.sendall(GET % b"/some")
        assert stream.readline().startswith(b"HTTP/1.1 200")


def test_one_stream_too_many_of_somebody_is_answered_503(streams: Served, source: Source) -> None:
    endless = {who: (GET % b"/endless").replace(b"Host", b"From: %b\r\nHost" % who) for who in (b"ada", b"bob")}
    with contextlib.ExitStack() as stack:
        first, second, third, fourth = (stack.enter_context(streams.connect()) for _ in range(4))
        for client in (first, second):
            client.sendall(endless[b"ada"])
            assert read_head(client).startswith(b"HTTP/1.1 200")
        third.sendall(endless[b"ada"])
        stream = third.makefile("rb")
        refused = read_answer(stream.readline, stream.read)
        assert refused.status == 503 and b"of your answers" in refused.body
        fourth.sendall(endless[b"bob"])
        assert read_head(fourth).startswith(b"HTTP/1.1 200"), "there is room for somebody else"
        first.close()
        fourth.close()
        until(lambda: source.ended.count("CancelledError") == 2)
        third.sendall(endless[b"ada"])
        assert read_head(third).startswith(b"HTTP/1.1 200")


def test_a_drain_does_not_wait_for_streams(streams: Served, source: Source) -> None:
    clients = [open_stream(streams, path)[0] for path in (b"/endless", b"/flood", b"/drip")]
    until(lambda: source.begun == 3)
    begun = time.monotonic()
    source.go.release()
    streams.drain(30)
    assert time.monotonic() - begun < 5
    until(lambda: len(source.ended) == 3)
    for client in clients:
        with client:
            assert not until_closed(client).endswith(b"0\r\n\r\n")


def test_what_is_never_finished_is_an_error() -> None:
    async def silent(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    with serving(app=silent) as served:
        assert served.ask(GET % b"/")[0].status == 500


def test_each_cookie_is_set() -> None:
    async def two(_: Scope, __: Receive, send: Send) -> None:
        cookies = [(b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 200, "headers": cookies})
        await send({"type": "http.response.body", "body": b""})

    with serving(app=two) as served, served.connect() as client:
        client.sendall(GET % b"/")
        head = read_head(client)
        assert b"\r\nset-cookie: a=1\r\n" in head and b"\r\nset-cookie: b=2\r\n" in head

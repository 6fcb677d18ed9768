"""What strangers can make the console hold: few large bodies, and so many connections and not more."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import httpx
import pytest

from .program import Program, eventually, running
from .test_console import LISTEN, url_of

LARGE = 8  # bodies at once
BYTES = 1_000_000


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One with a console."""
    with running(tmp_path_factory.mktemp("load") / "data", **LISTEN, YIZHAN_ADMIN__MAX_STREAMS="1") as program:
        yield program


def _connect(program: Program) -> socket.socket:
    address = urlsplit(url_of(program))
    assert address.hostname and address.port
    return socket.create_connection((address.hostname, address.port), timeout=10)


def _post(length: int) -> bytes:
    return b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length


_CHUNK = b"20001\r\n" + b"x" * 0x20001 + b"\r\n"
_HEADS = {
    "counted": (_post(BYTES), b""),
    "chunked": (b"POST /login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", _CHUNK),
}


@pytest.mark.parametrize("way", _HEADS)
def test_few_large_bodies_are_held_at_once(program: Program, way: str) -> None:
    def status() -> int:
        return httpx.post(f"{url_of(program)}/login", content=b"x" * BYTES).status_code

    assert status() == 413
    with ExitStack() as stack:
        for _ in range(LARGE):
            client = stack.enter_context(_connect(program))
            client.sendall(b"".join(_HEADS[way]))
        assert eventually(lambda: status() == 503)
        with _connect(program) as one_more:
            one_more.sendall(b"".join(_HEADS[way]))
            assert one_more.recv(4096).startswith(b"HTTP/1.1 503 ")
        assert httpx.post(f"{url_of(program)}/login", data={"name": "ada"}).status_code in (403, 429)
    assert eventually(lambda: status() == 413)
    with httpx.Client(base_url=url_of(program)) as browser:  # one connection gives back what it has taken
        assert {browser.post("/login", content=b"x" * BYTES).status_code for _ in range(2 * LARGE)} == {413}


def test_connections_are_counted(program: Program) -> None:
    with ExitStack() as stack:
        for _ in range(501):
            stack.enter_context(_connect(program))
        assert eventually(lambda: httpx.get(f"{url_of(program)}/login").status_code == 503)
    assert eventually(lambda: httpx.get(f"{url_of(program)}/login").status_code == 200)

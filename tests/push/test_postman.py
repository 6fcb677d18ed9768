"""The postman against real receivers, good and bad: every end of an exchange is a value, and comes in time."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_network

import pytest
import uvloop
from standardwebhooks import Webhook

from yizhan.model import event
from yizhan.model.account import Network
from yizhan.model.event import Posted
from yizhan.push.postman import Postman
from yizhan.wire.webhook import headers_of, write_event, write_secret

from .receiver import OK, Behaviour, Receiver, aborts, answer, receiving, repeats, says, stalls

LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
HEAD = b"HTTP/1.1 200 OK\r\n"
_MANY = 120  # posts at the same time

# Name -> what the receiver does, what the postman says, whether it takes the whole time.
ENDS: dict[str, tuple[Behaviour, Posted, bool]] = {
    "200": (OK, Posted(True, 200, "HTTP 200"), False),
    "202 without a body": (says(answer("202 Accepted")), Posted(True, 202, "HTTP 202"), False),
    "204": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), Posted(True, 204, "HTTP 204"), False),
    "299": (says(answer("299 Odd")), Posted(True, 299, "HTTP 299"), False),
    "HTTP/1.0, ended by closing": (says(b"HTTP/1.0 200 OK\r\n\r\nok"), Posted(True, 200, "HTTP 200"), False),
    "100 before 200": (says(b"HTTP/1.1 100 Continue\r\n\r\n" + answer("200 OK")), Posted(True, 200, "HTTP 200"), False),
    "302": (
        says(answer("302 Found", b"", "Location: http://127.0.0.1:1/")),
        Posted(False, 302, "HTTP 302, and redirects are not followed"),
        False,
    ),
    "304": (says(answer("304 Not Modified")), Posted(False, 304, "HTTP 304, and redirects are not followed"), False),
    "400": (says(answer("400 Bad Request", b"no")), Posted(False, 400, "HTTP 400"), False),
    "410": (says(answer("410 Gone")), Posted(False, 410, "HTTP 410"), False),
    "500": (says(answer("500 Oops")), Posted(False, 500, "HTTP 500"), False),
    "never a word": (stalls(), Posted(False, None, "timed out"), True),
    "half a head, then nothing": (stalls(HEAD + b"X-Half: "), Posted(False, None, "timed out"), True),
    "100 for ever": (repeats(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), Posted(False, None, "timed out"), True),
    "closes without an answer": (says(b""), Posted(False, None, "closed the connection without an HTTP answer"), False),
    "closes within the head": (
        says(HEAD + b"X-Half: "),
        Posted(False, None, "closed the connection without an HTTP answer"),
        False,
    ),
    "resets the connection": (aborts, Posted(False, None, "connection reset"), False),
    "closes within the body": (says(HEAD + b"Content-Length: 9\r\n\r\nab"), Posted(True, 200, "HTTP 200"), False),
    "stalls within the body": (stalls(HEAD + b"Content-Length: 9\r\n\r\nab"), Posted(True, 200, "HTTP 200"), True),
    "closes within the body of a 500": (
        says(b"HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\nab"),
        Posted(False, 500, "HTTP 500"),
        False,
    ),
    "a body without end": (repeats(HEAD + b"\r\n", b"x" * 8192), Posted(True, 200, "HTTP 200"), False),
    "chunks without end": (
        repeats(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nxxxxx\r\n" * 500),
        Posted(True, 200, "HTTP 200"),
        False,
    ),
    "a body that is no chunks": (
        says(HEAD + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
        Posted(True, 200, "HTTP 200"),
        False,
    ),
    "a head without end": (repeats(HEAD, b"X-More: " + b"y" * 4096 + b"\r\n"), Posted(False, None, "NOT"), False),
    "one header without end": (repeats(HEAD + b"X-Long: ", b"y" * 8192), Posted(False, None, "NOT"), False),
    "no HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), Posted(False, None, "NOT"), False),
    "no HTTP, and closed": (
        says(b"SSH-2.0-OpenSSH_9.2\r\n"),
        Posted(False, None, "closed the connection without an HTTP answer"),
        False,
    ),
    "two lengths": (
        says(HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        Posted(False, None, "NOT"),
        False,
    ),
    "a status of letters": (says(b"HTTP/1.1 abc OK\r\n\r\n"), Posted(False, None, "NOT"), False),
    "101": (
        says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        Posted(False, None, "NOT"),
        False,
    ),
    "status 999": (says(b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"), Posted(False, 999, "HTTP 999"), False),
}

Act = Callable[[Postman, Receiver], Awaitable[None]]


async def meet(
    act: Act, behave: Behaviour = OK, *, timeout_s: float = 20, allow: tuple[Network, ...] = LOOPBACK
) -> None:
    """Let ``act`` happen between a postman and a receiver that behaves so."""
    postman = Postman(timeout_s=timeout_s, allow_networks=allow)
    try:
        async with receiving(behave) as receiver:
            await act(postman, receiver)
    finally:
        await postman.aclose()


def free_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


@pytest.mark.parametrize("new_loop", LOOPS.values(), ids=LOOPS.keys())
@pytest.mark.parametrize(("behave", "end", "whole_time"), ENDS.values(), ids=ENDS.keys())
def test_every_end_is_a_value(
    behave: Behaviour, end: Posted, whole_time: bool, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    async def act(postman: Postman, receiver: Receiver) -> None:
        said = "its answer is not HTTP" if end.said == "NOT" else end.said
        begun = time.monotonic()
        assert await postman.post(receiver.url(), {}, b"{}") == Posted(end.accepted, end.status, said)
        assert time.monotonic() - begun < 10
        assert len(receiver.heard) == 1, "one post is one request"

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(meet(act, behave, timeout_s=1 if whole_time else 20))


def test_gone_is_410_alone() -> None:
    assert Posted(False, 410, "HTTP 410").gone
    assert not any(Posted(False, status, "").gone for status in (None, 404, 500))


def test_what_arrives_verifies() -> None:
    secret = write_secret(bytes(range(32)))
    body = write_event(event.TestEvent("shop", 1_700_000_000_123))

    async def act(postman: Postman, receiver: Receiver) -> None:
        headers = headers_of(secret, "msg_1", int(time.time()), body)
        assert (await postman.post(receiver.url("/hooks/短信;v=1?a=b"), headers, body)).accepted
        (heard,) = receiver.heard
        assert heard.line == "POST /hooks/%E7%9F%AD%E4%BF%A1;v=1?a=b HTTP/1.1"
        assert heard.headers["host"] == f"127.0.0.1:{receiver.port}"
        assert heard.headers["user-agent"].startswith("yizhan/")
        assert Webhook(secret).verify(heard.body, heard.headers) == json.loads(body)

    asyncio.run(meet(act))


def test_connections_are_kept() -> None:
    async def act(postman: Postman, receiver: Receiver) -> None:
        for _ in range(5):
            assert (await postman.post(receiver.url(), {}, b"{}")).accepted
        assert receiver.connections == 1

    asyncio.run(meet(act))


def test_a_connection_that_was_closed_meanwhile_is_not_used_again() -> None:
    async def act(postman: Postman, receiver: Receiver) -> None:
        for _ in range(5):
            assert (await postman.post(receiver.url(), {}, b"{}")).accepted
        assert receiver.connections == 5

    asyncio.run(meet(act, says(answer("200 OK"))))


def test_nobody_listens() -> None:
    async def act(postman: Postman, _: Receiver) -> None:
        end = await postman.post(f"http://127.0.0.1:{free_port()}/", {}, b"{}")
        assert end == Posted(False, None, "connection refused")

    asyncio.run(meet(act))


def test_many_silent_receivers_leave_no_connection_behind() -> None:
    """Each gives its place back."""

    async def act(postman: Postman, receiver: Receiver) -> None:
        posts = [postman.post(receiver.url(), {}, b"{}") for _ in range(_MANY)]
        assert {end.said for end in await asyncio.gather(*posts)} == {"timed out"}
        async with receiving() as good:
            assert (await postman.post(good.url(), {}, b"{}")).accepted

    asyncio.run(meet(act, stalls(), timeout_s=1))


def test_dead_receivers_do_not_starve_a_living_one() -> None:
    async def act(postman: Postman, receiver: Receiver) -> None:
        posts = [asyncio.create_task(postman.post(receiver.url(), {}, b"{}")) for _ in range(_MANY)]
        while len(receiver.heard) < _MANY:
            await asyncio.sleep(0.005)
        async with receiving() as good:
            assert (await postman.post(good.url(), {}, b"{}")).accepted
        for post in posts:
            post.cancel()
        await asyncio.gather(*posts, return_exceptions=True)

    asyncio.run(meet(act, stalls()))


def test_a_post_that_is_cancelled_is_cancelled() -> None:
    async def act(postman: Postman, receiver: Receiver) -> None:
        post = asyncio.create_task(postman.post(receiver.url(), {}, b"{}"))
        while not receiver.heard:
            await asyncio.sleep(0.005)
        post.cancel()
        with pytest.raises(asyncio.CancelledError):
            await post

    asyncio.run(meet(act, stalls()))


def test_the_environments_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    async def act(postman: Postman, receiver: Receiver) -> None:
        assert (await postman.post(receiver.url(), {}, b"{}")).accepted

    asyncio.run(meet(act))


def test_a_url_that_is_none() -> None:
    async def act(postman: Postman, receiver: Receiver) -> None:
        end = await postman.post(f"ftp://127.0.0.1:{receiver.port}/", {}, b"{}")
        assert not end.accepted
        assert "http:// or https://" in end.said
        assert not receiver.connections

    asyncio.run(meet(act))

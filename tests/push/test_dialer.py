"""Which addresses are called, whatever the URL calls them, and that a name cannot change after it was checked."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from ipaddress import ip_network
from typing import Any

import pytest

from yizhan.model.account import Network
from yizhan.model.event import Posted
from yizhan.push.dialer import MAX_TRIED, Dialer, NotAllowed
from yizhan.push.postman import Postman

from .receiver import Receiver, receiving

# Name -> host as a URL writes it, and what is said of it.
INWARD = {
    "the loopback address": ("127.0.0.1", "127.0.0.1 is a loopback address"),
    "another loopback address": ("127.8.8.8", "127.8.8.8 is a loopback address"),
    "a short form": ("127.1", "127.0.0.1 is a loopback address"),
    "one number": ("2130706433", "127.0.0.1 is a loopback address"),
    "hexadecimal": ("0x7f000001", "127.0.0.1 is a loopback address"),
    "octal": ("0177.0.0.1", "127.0.0.1 is a loopback address"),
    "full-width digits": ("１２７．０．０．１", "127.0.0.1 is a loopback address"),
    "a name": ("localhost", " is a loopback address"),
    "a name in capitals": ("LOCALHOST", " is a loopback address"),
    "this host": ("0.0.0.0", "0.0.0.0 is an unspecified address"),
    "zero": ("0", "0.0.0.0 is an unspecified address"),
    "IPv6 loopback": ("[::1]", "::1 is a loopback address"),
    "IPv6 unspecified": ("[::]", ":: is an unspecified address"),
    "IPv4-mapped": ("[::ffff:127.0.0.1]", " leads to 127.0.0.1, a loopback address"),
    "IPv4-mapped, in hexadecimal": ("[::ffff:7f00:1]", " leads to 127.0.0.1, a loopback address"),
    "NAT64": ("[64:ff9b::7f00:1]", "64:ff9b::7f00:1 leads to 127.0.0.1, a loopback address"),
    "6to4": ("[2002:7f00:1::]", "2002:7f00:1:: leads to 127.0.0.1, a loopback address"),
    "a cloud's metadata": ("169.254.169.254", "169.254.169.254 is a link-local address"),
    "a private network": ("10.0.0.1", "10.0.0.1 is a private address"),
}


def run_post(url: str, allow: tuple[Network, ...] = (), timeout_s: float = 20) -> Posted:
    """One post by a postman of its own."""

    async def run() -> Posted:
        postman = Postman(timeout_s=timeout_s, allow_networks=allow)
        try:
            return await postman.post(url, {}, b"{}")
        finally:
            await postman.aclose()

    return asyncio.run(run())


@pytest.mark.parametrize(("host", "said"), INWARD.values(), ids=INWARD.keys())
def test_nothing_inside_is_called(host: str, said: str) -> None:
    async def run() -> tuple[Posted, int]:
        async with receiving(host="0.0.0.0") as receiver:
            postman = Postman(timeout_s=20, allow_networks=())
            try:
                return await postman.post(receiver.url(host=host), {}, b"{}"), receiver.connections
            finally:
                await postman.aclose()

    end, connections = asyncio.run(run())
    assert (end.accepted, end.status, connections) == (False, None, 0)
    assert end.said.endswith(said)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "localhost"])
def test_what_is_allowed_is_called_under_every_name(host: str) -> None:
    async def run() -> tuple[Posted, Receiver]:
        async with receiving() as receiver:
            postman = Postman(timeout_s=20, allow_networks=(ip_network("127.0.0.1"),))
            try:
                return await postman.post(receiver.url(host=host), {}, b"{}"), receiver
            finally:
                await postman.aclose()

    end, receiver = asyncio.run(run())
    assert end == Posted(True, 200, "HTTP 200")
    assert receiver.heard[0].headers["host"] == f"{host}:{receiver.port}"


def test_ipv6() -> None:
    async def run() -> tuple[Posted, Receiver]:
        async with receiving(host="::1") as receiver:
            postman = Postman(timeout_s=20, allow_networks=(ip_network("::1"),))
            try:
                return await postman.post(receiver.url(host="[::1]"), {}, b"{}"), receiver
            finally:
                await postman.aclose()

    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        pytest.skip(f"no IPv6 loopback here: {error}")
    end, receiver = asyncio.run(run())
    assert end.accepted
    assert receiver.heard[0].headers["host"] == f"[::1]:{receiver.port}"


def name_server(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the system's resolver know hook.test: each lookup the next of ``answers``, the last for ever."""
    asked: list[str] = []

    def look_up(host: Any, port: int, *_: Any, **__: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        asked.append(name)
        addresses = answers[min(len(asked), len(answers)) - 1] if name == "hook.test" else [name]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def post_to_hook(allow: str, *hosts: str) -> tuple[Posted, list[int]]:
    """Post to hook.test with receivers on one port of each of ``hosts``: the end, and who was connected to."""

    async def run() -> tuple[Posted, list[int]]:
        async with AsyncExitStack() as stack:
            receivers: list[Receiver] = []
            for host in hosts:
                port = receivers[0].port if receivers else 0
                receivers.append(await stack.enter_async_context(receiving(host=host, port=port)))
            postman = Postman(timeout_s=20, allow_networks=(ip_network(allow),))
            stack.push_async_callback(postman.aclose)
            end = await postman.post(receivers[0].url(host="hook.test"), {}, b"{}")
            return end, [receiver.connections for receiver in receivers]

    return asyncio.run(run())


def test_a_name_that_changes_its_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second lookup would lead elsewhere, as in DNS rebinding; there is none."""
    asked = name_server(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    end, connections = post_to_hook("127.0.0.1", "127.0.0.1", "127.0.0.2")
    assert end.accepted
    assert connections == [1, 0]
    assert asked.count("hook.test") == 1


def test_a_name_with_an_address_inside_and_one_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    name_server(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    end, connections = post_to_hook("127.0.0.1", "127.0.0.1", "127.0.0.2")
    assert end.accepted
    assert connections == [1, 0]


def test_the_next_address_when_one_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    name_server(monkeypatch, ["127.0.0.3", "127.0.0.1"])
    end, connections = post_to_hook("127.0.0.0/8", "127.0.0.1")
    assert end.accepted
    assert connections == [1]


def test_an_address_that_is_silent_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its queue of connections is full, so it neither takes the next one nor refuses it."""
    name_server(monkeypatch, ["127.0.0.2", "127.0.0.1"])

    async def run() -> tuple[Posted, int]:
        async with AsyncExitStack() as stack:
            receiver = await stack.enter_async_context(receiving())
            silent = stack.enter_context(socket.socket())
            silent.bind(("127.0.0.2", receiver.port))
            silent.listen(0)
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(silent.getsockname())
            postman = Postman(timeout_s=4, allow_networks=(ip_network("127.0.0.0/8"),))
            stack.push_async_callback(postman.aclose)
            return await postman.post(receiver.url(host="hook.test"), {}, b"{}"), receiver.connections

    assert asyncio.run(run()) == (Posted(True, 200, "HTTP 200"), 1)


@pytest.mark.parametrize(
    ("dead", "end"),
    [
        pytest.param(MAX_TRIED - 1, Posted(True, 200, "HTTP 200"), id="the last that is tried"),
        pytest.param(MAX_TRIED, Posted(False, None, "connection refused"), id="one too many"),
    ],
)
def test_a_few_addresses_of_a_name_are_tried(monkeypatch: pytest.MonkeyPatch, dead: int, end: Posted) -> None:
    name_server(monkeypatch, [*(f"127.0.0.{last}" for last in range(3, 3 + dead)), "127.0.0.1"])
    assert post_to_hook("127.0.0.0/8", "127.0.0.1") == (end, [int(end.accepted)])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        pytest.param(socket.EAI_NONAME, "hook.test was not found", id="no such name"),
        pytest.param(socket.EAI_AGAIN, "hook.test could not be looked up just now", id="no name server"),
    ],
)
def test_no_address(monkeypatch: pytest.MonkeyPatch, code: int, said: str) -> None:
    def fail(*_: Any, **__: Any) -> list[Any]:
        raise socket.gaierror(code, "resolver's words")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert run_post("http://hook.test/") == Posted(False, None, said)


def test_a_dead_name_server_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    real: Callable[..., list[Any]] = socket.getaddrinfo

    def look_up(host: Any, *rest: Any, **named: Any) -> list[Any]:
        if host == b"hook.test":
            over.wait(20)
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    async def run() -> None:
        async with receiving() as receiver:
            postman = Postman(timeout_s=1, allow_networks=(ip_network("127.0.0.1"),))
            try:
                silent = [asyncio.create_task(postman.post("http://hook.test/", {}, b"{}")) for _ in range(4)]
                await asyncio.sleep(0)
                assert (await postman.post(receiver.url(), {}, b"{}")).accepted
                assert {end.said for end in await asyncio.gather(*silent)} == {"timed out"}
            finally:
                over.set()
                await postman.aclose()

    asyncio.run(run())


def test_unix_sockets_are_refused() -> None:
    dialer = Dialer(timeout_s=1, allow_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    try:
        with pytest.raises(NotAllowed, match="unix sockets"):
            asyncio.run(dialer.connect_unix_socket("/run/anything.sock"))
    finally:
        dialer.close()

"""A listener's deadlines, its limits, its ways to close, and the sockets it can stand on."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from yizhan.front.asgi import Receive, Scope, Send
from yizhan.front.gateway import Gateway
from yizhan.front.listener import Listener
from yizhan.model.settings import ServerSettings

from .harness import PATIENCE_S, NotebookRiver, Served, read_answer, serving, until_closed

GET = b"GET /GetBalance.aspx HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /GetBalance.aspx HTTP/1.1\r\nHost: x\r\n"
# The loop's timers count in whole milliseconds and may ring that much early.
TICK_S = 0.002
HASTY = ServerSettings(head_timeout_s=0.2, body_timeout_s=0.3, keep_alive_s=0.25)


def ask_on(client: socket.socket, request: bytes) -> int:
    """The status of the answer to ``request`` on a connection that stays open."""
    client.sendall(request)
    stream = client.makefile("rb")
    return read_answer(stream.readline, stream.read).status


@pytest.mark.parametrize(
    ("dialog", "status", "at_least_s"),
    [
        pytest.param([b""], 408, 0.2, id="a fresh connection that says nothing"),
        pytest.param([b"GET / HT"], 408, 0.2, id="half a head"),
        pytest.param([bytes([byte]) for byte in GET], 408, 0.2, id="a drip of head bytes"),
        pytest.param([POST + b"Content-Length: 9\r\n\r\nabc"], 408, 0.3, id="half a body"),
        pytest.param([POST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nab"], 408, 0.3, id="half a chunk"),
        pytest.param([POST + b"Content-Length: 99\r\n\r\n", *[b"x"] * 40], 408, 0.3, id="a drip of body bytes"),
    ],
)
def test_a_slow_sender_is_told_and_let_go(dialog: list[bytes], status: int, at_least_s: float) -> None:
    with serving(HASTY) as served, served.connect() as client:
        begun = time.monotonic()
        with contextlib.suppress(ConnectionError):
            for piece in dialog:
                client.sendall(piece)
                time.sleep(0.015 if len(dialog) > 1 else 0)
        stream = client.makefile("rb")
        answer = read_answer(stream.readline, stream.read)
        assert answer.status == status
        assert b"within" in answer.body
        assert at_least_s - TICK_S <= time.monotonic() - begun < 5
        assert stream.read() == b""
        assert served.river.calls == []


def test_an_idle_connection_is_closed_without_a_word() -> None:
    with serving(HASTY) as served, served.connect() as client:
        for _ in range(3):
            assert ask_on(client, GET) == 200
            time.sleep(0.1)
        begun = time.monotonic()
        assert until_closed(client) == b""
        assert 0.05 < time.monotonic() - begun < 5


def test_the_head_deadline_counts_from_the_first_byte_of_each_head() -> None:
    with serving(HASTY) as served, served.connect() as client:
        for _ in range(3):
            client.sendall(GET[:10])
            time.sleep(0.1)
            assert ask_on(client, GET[10:]) == 200


def test_an_answer_may_take_longer_than_any_deadline() -> None:
    with serving(HASTY) as served:
        served.river.delay_s = 0.6
        (answer,) = served.ask(GET)
        assert answer.status == 200


def test_a_client_that_never_reads_is_cut_off() -> None:
    with serving(HASTY) as served, served.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(3)
        with pytest.raises(OSError):  # reset by the server, not our own timeout
            try:
                while True:
                    client.sendall(b"GET /LinkWS.asmx?wsdl HTTP/1.1\r\n\r\n" * 100)
            except TimeoutError:
                pytest.fail("the connection was never cut")
        assert served.ask(GET)[0].status == 200


def test_one_connection_too_many_is_answered_minus_two() -> None:
    with serving(ServerSettings(max_connections=2)) as served, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(served.connect()) for _ in range(3)]
        answers = []
        for client in clients:
            client.sendall(GET)
            stream = client.makefile("rb")
            answers.append(read_answer(stream.readline, stream.read))
        assert [answer.body for answer in answers] == [b"12345", b"12345", b"-2"]
        assert answers[2].headers["connection"] == "close"
        assert until_closed(clients[2]) == b""
        assert len(served.river.calls) == 2
        fourth_to_sixth = [stack.enter_context(served.connect()) for _ in range(3)]
        time.sleep(0.1)
        with contextlib.suppress(ConnectionError):
            fourth_to_sixth[2].sendall(GET)
        assert until_closed(fourth_to_sixth[2]) == b""  # beyond twice the limit


def test_whoever_waits_to_be_accepted_is_taken_in_few_turns_of_the_loop() -> None:
    async def turns(served: Served) -> int:
        for _ in range(10):
            await asyncio.sleep(0)
        return len(served.listener.connections())

    busy = threading.Event()
    with serving() as served, contextlib.ExitStack() as clients:
        served.loop.call_soon_threadsafe(busy.wait)
        for _ in range(50):
            clients.enter_context(served.connect())
        taken = asyncio.run_coroutine_threadsafe(turns(served), served.loop)
        busy.set()
        assert taken.result(10) == 50


def test_drain_lets_a_request_finish_and_closes_idle_connections() -> None:
    with serving() as served, served.connect() as idle, served.connect() as busy:
        assert ask_on(idle, GET) == 200
        served.river.delay_s = 0.3
        busy.sendall(GET + GET)
        while len(served.river.calls) < 2:
            time.sleep(0.01)
        served.drain(5)
        assert until_closed(idle) == b""
        received = until_closed(busy)
        assert received.count(b"HTTP/1.1 200") == 1  # the second was never begun
        assert b"connection: close" in received
        with pytest.raises(ConnectionError):
            served.connect()


def test_drain_lets_a_body_arrive() -> None:
    with serving() as served, served.connect() as client:
        client.sendall(POST + b"Content-Length: 3\r\n\r\na")
        time.sleep(0.05)
        drain = threading.Thread(target=served.drain, args=(5,))
        drain.start()
        time.sleep(0.05)
        client.sendall(b"=b")
        assert until_closed(client).endswith(b"12345")
        drain.join()


def test_drain_cuts_what_is_left_at_the_deadline(capfd: pytest.CaptureFixture[str]) -> None:
    with serving() as served, served.connect() as client:
        served.river.delay_s = 60
        client.sendall(GET)
        while not served.river.calls:
            time.sleep(0.01)
        begun = time.monotonic()
        served.drain(0.2)
        assert time.monotonic() - begun < 3
        assert until_closed(client) == b""
    captured = capfd.readouterr()
    assert "Traceback" not in captured.out + captured.err


def test_any_application_on_a_unix_socket(tmp_path: Path) -> None:
    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"]
        words = f"{scope['method']} {scope['path']} {scope['client']}".encode() + body
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(words))]})
        await send({"type": "http.response.body", "body": words})

    path = tmp_path / "admin.sock"
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(path))
    with serving(app=echo, at=bound) as served:
        assert served.address == (str(path), 0)
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(path))
            client.sendall(b"PUT /a%20b HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
            stream = client.makefile("rb")
            assert read_answer(stream.readline, stream.read).body == b"PUT /a b Noneabc"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
def test_tls(tmp_path: Path) -> None:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    context = ssl.create_default_context(cafile=str(cert))
    with serving(tls=(cert, key)) as served:
        with served.connect() as plain, context.wrap_socket(plain, server_hostname="localhost") as client:
            assert ask_on(client, GET) == 200
            client.sendall(b"GET /LinkWS.asmx?wsdl HTTP/1.1\r\nHost: sms.example\r\n\r\n")
            stream = client.makefile("rb")
            assert b'location="https://sms.example/LinkWS.asmx' in read_answer(stream.readline, stream.read).body
            client.sendall(POST + b"Content-Length: 2000000\r\n\r\n")
            assert read_answer(stream.readline, stream.read).status == 413
        assert len(served.river.calls) == 1


def test_an_address_in_use_is_an_error() -> None:
    with serving() as served, pytest.raises(OSError), serving(at=served.address):
        pass


def test_the_address_is_known_only_once_open() -> None:
    settings = ServerSettings()
    listener = Listener(Gateway(NotebookRiver(), settings, 1_000), settings, ("127.0.0.1", 0))
    with pytest.raises(RuntimeError):
        _ = listener.address


def test_no_target_is_logged(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    served.ask(b"GET /GetBalance.aspx?Pwd=very-secret HTTP/1.1\r\n\r\n")
    served.ask(b"GET /GetBalance.aspx?Pwd=very-secret\0 HTTP/1.1\r\n\r\n")
    captured = capfd.readouterr()
    assert "very-secret" not in captured.out + captured.err

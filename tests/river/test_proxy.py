"""nginx or HAProxy in front, as documented: what it passes on, what cannot be smuggled, what its logs do not say."""

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from peers.roster import HAPROXY, NGINX
from postgres import free_port

from .program import TEXT, Customer, Program, md5, running

ETC = Path(__file__).parents[2] / "etc"
CALL = b"CorpID=demo&Pwd=" + md5("demo").encode() + b"&Mobile=13800000000&Content="
NGINX_CONF = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/start.log crit; events {{}}
http {{ {temp}
{block} }}
"""
TEMP = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass
class Front:
    """A proxy and the gateway behind it."""

    gateway: Program
    port: int
    folder: Path

    def ask(self, request: bytes) -> bytes:
        """Everything that comes back to raw bytes, until it closes or (kept alive) is silent after an answer.

        The client's side stays open: nginx takes a half-closed one for a client that went away.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as client:
            client.sendall(request)
            answer = b""
            with contextlib.suppress(TimeoutError):
                while piece := client.recv(65_536):
                    answer += piece
                    client.settimeout(2)
            assert answer, "no answer at all"
            return answer


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """The proxy on a free port before a gateway that trusts it."""
    stack = {"nginx": NGINX, "haproxy": HAPROXY}[request.param]
    if reason := stack.missing():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("proxy")
    environ = {"YIZHAN_SERVER__TRUSTED_PROXIES": "127.0.0.1"}
    with running(folder / "data", "--demo", **environ) as gateway, (folder / "said.log").open("w") as said:
        gateway.account("acme")
        port = free_port()
        arguments = {"nginx": nginx_at, "haproxy": haproxy_at}[request.param](folder, gateway, port)
        proxy = subprocess.Popen([*stack.command, *arguments], stdout=said, stderr=said)
        try:
            wait_for(port, proxy)
            yield Front(gateway, port, folder)
        finally:
            proxy.terminate()
            proxy.wait(20)


def nginx_at(folder: Path, gateway: Program, port: int) -> list[str]:
    """Its arguments, with the documented block."""
    block = (ETC / "nginx.conf").read_text().replace("listen 80;", f"listen 127.0.0.1:{port};")
    block = block.replace("127.0.0.1:8080", "{}:{}".format(*gateway.address)).replace("/var/log/nginx", str(folder))
    temp = " ".join(f"{name}_temp_path {folder}/{name};" for name in TEMP)
    (folder / "nginx.conf").write_text(NGINX_CONF.format(folder=folder, temp=temp, block="\n" + block))
    return ["-c", str(folder / "nginx.conf"), "-p", str(folder)]


def haproxy_at(folder: Path, gateway: Program, port: int) -> list[str]:
    """Its arguments, with the documented file."""
    text = (ETC / "haproxy.cfg").read_text().replace("bind :80", f"bind 127.0.0.1:{port}")
    (folder / "haproxy.cfg").write_text(text.replace("127.0.0.1:8080", "{}:{}".format(*gateway.address)))
    return ["-db", "-f", str(folder / "haproxy.cfg")]


def wait_for(port: int, proxy: "subprocess.Popen[bytes]") -> None:
    """Until it listens."""
    deadline = time.monotonic() + 20
    while proxy.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the proxy did not start")


def post(body: bytes, *headers: bytes) -> bytes:
    """A POST of IntlSend with these headers."""
    return (
        b"POST /sdk2/IntlSend.aspx HTTP/1.1\r\nHost: a\r\n"
        + b"".join(line + b"\r\n" for line in headers)
        + b"\r\n"
        + body
    )


def get(query: bytes, *headers: bytes) -> bytes:
    """A GET of IntlSend."""
    head = b"GET /sdk2/IntlSend.aspx?" + query + b" HTTP/1.1\r\nHost: a\r\n"
    return head + b"".join(line + b"\r\n" for line in headers) + b"\r\n"


def test_raw_gb2312_in_the_request_line(front: Front) -> None:
    answer = front.ask(get(CALL + TEXT.encode("gb2312"), b"Connection: close"))
    submission = int(answer.rpartition(b"\r\n\r\n")[2])
    assert front.gateway.messages(submission=submission)[0]["text"] == TEXT


def test_a_line_of_eight_kilobytes_and_more(front: Front) -> None:
    numbers = b",".join(b"%d" % (13_800_100_000 + n) for n in range(1_000))
    call = CALL.replace(b"13800000000", numbers) + TEXT.encode("gb2312")
    submission = int(front.ask(get(call, b"Connection: close")).rpartition(b"\r\n\r\n")[2])
    assert len(front.gateway.messages(submission=submission)) == 1_000


SMUGGLED = get(CALL.replace(b"13800000000", b"13911111111") + TEXT.encode("gb2312"))
WHOLE = CALL + TEXT.encode("gb2312")


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(post(b"0\r\n\r\n" + SMUGGLED, b"Content-Length: 5", b"Transfer-Encoding: chunked"), id="CL.TE"),
        pytest.param(post(b"0\r\n\r\n" + SMUGGLED, b"Transfer-Encoding: chunked", b"Content-Length: 5"), id="TE.CL"),
        pytest.param(post(SMUGGLED, b"Content-Length: 0", b"Content-Length: %d" % len(SMUGGLED)), id="two lengths"),
        pytest.param(
            post(SMUGGLED, b"Content-Length: %d" % len(SMUGGLED), b"Transfer-Encoding : chunked"), id="TE with a space"
        ),
        pytest.param(
            post(SMUGGLED, b"Content-Length: %d" % len(SMUGGLED), b"Transfer-Encoding: xchunked"), id="TE unknown"
        ),
        pytest.param(
            post(SMUGGLED, b"Content-Length: %d" % len(SMUGGLED), b"X: a\nTransfer-Encoding: chunked"), id="TE by LF"
        ),
        pytest.param(post(SMUGGLED, b"Content-Length: %d" % len(SMUGGLED), b"Upgrade: h2c"), id="upgrade"),
    ],
)
def test_nothing_is_smuggled(front: Front, request_bytes: bytes) -> None:
    """The request inside is never a request of its own: one answer at most, and no message to its number."""
    answer = front.ask(request_bytes)
    assert len(re.findall(rb"HTTP/1\.1 \d{3} ", answer)) <= 1, answer
    assert not front.gateway.messages(number="+8613911111111")


def test_pipelined_calls_are_answered_in_order(front: Front) -> None:
    first = post(b"CorpID=", b"Content-Length: 7")
    second = get(b"CorpID=nobody&Pwd=" + b"0" * 32, b"Connection: close")
    answer = front.ask(first + second)
    bodies = re.findall(rb"\r\n\r\n(-\d+)", answer)
    assert bodies == [b"-20", b"-1"], answer


def test_who_calls_cannot_be_forged(front: Front) -> None:
    front.ask(get(b"CorpID=forged&Pwd=" + b"0" * 32, b"X-Forwarded-For: 203.0.113.77", b"Connection: close"))
    deadline = time.monotonic() + 20
    query = "SELECT address FROM refusals WHERE account = 'forged'"
    while not (found := front.gateway.query(query)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == [("127.0.0.1",)]


def test_no_log_has_a_password_or_a_number(front: Front) -> None:
    customer = Customer("acme", "secret of acme")
    for name in ("Pwd", "PWD", "%50wd"):
        call = f"CorpID=acme&{name}={md5(customer.password)}&Mobile=13822223333&Content=x".encode()
        front.ask(get(call, b"Connection: close"))
        front.ask(get(call + b" raw space", b"Connection: close"))
    logs = "".join(path.read_text(errors="replace") for path in front.folder.glob("*.log"))
    assert "GET /sdk2/IntlSend.aspx" in logs
    assert md5(customer.password) not in logs and "13822223333" not in logs

"""TLS to receivers: whom the postman trusts, and for which name."""

import asyncio
import shutil
import ssl
import subprocess
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path

import pytest

from yizhan.model.event import Posted
from yizhan.push.postman import Postman

from .receiver import Receiver, receiving

CONFIG = """
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = {host}
[extensions]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
subjectAltName = {alternative}
"""


def certificate(folder: Path, host: str, alternative: str) -> Path:
    """A certificate for ``host`` that has signed itself, with its key, in one file."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("no openssl program here, which makes the certificates")
    (folder / "request.cnf").write_text(CONFIG.format(host=host, alternative=alternative))
    made = folder / f"{host}.pem"
    command = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config", "request.cnf"]
    subprocess.run([*command, "-keyout", made, "-out", folder / "certificate.pem"], cwd=folder, check=True, timeout=60)
    with made.open("a") as file:
        file.write((folder / "certificate.pem").read_text())
    return made


@pytest.fixture(scope="module")
def for_localhost(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("localhost"), "localhost", "DNS:localhost")


@pytest.fixture(scope="module")
def for_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("elsewhere"), "elsewhere.test", "DNS:elsewhere.test")


@pytest.fixture(scope="module")
def for_address(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("address"), "address", "IP:127.0.0.1")


def post(
    shown: Path, trusted: Path | None, *, host: str = "localhost", scheme: str = "https"
) -> tuple[Posted, Receiver, list[str | None]]:
    """One post to a receiver that shows the certificate ``shown``. Also the names in SNI."""
    asked: list[str | None] = []

    def note_name(_: ssl.SSLObject, name: str | None, __: ssl.SSLContext) -> None:
        asked.append(name)

    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(shown)
    serving.sni_callback = note_name

    async def run() -> tuple[Posted, Receiver, list[str | None]]:
        trust = None if trusted is None else ssl.create_default_context(cafile=str(trusted))
        postman = Postman(timeout_s=20, allow_networks=(ip_network("127.0.0.0/8"), ip_network("::1")), tls=trust)
        try:
            async with receiving(tls=serving) as receiver:
                return await postman.post(receiver.url(host=host, scheme=scheme), {}, b"{}"), receiver, asked
        finally:
            await postman.aclose()

    return asyncio.run(run())


def test_a_certificate_of_a_trusted_authority(for_localhost: Path) -> None:
    end, receiver, asked = post(for_localhost, for_localhost)
    assert end == Posted(True, 200, "HTTP 200")
    assert receiver.heard[0].headers["host"] == f"localhost:{receiver.port}"
    assert asked == ["localhost"], "the server is asked for the URL's host, not for the address"


def test_a_certificate_of_an_address(for_address: Path) -> None:
    end, _, _ = post(for_address, for_address, host="127.0.0.1")
    assert end == Posted(True, 200, "HTTP 200")


def test_a_certificate_that_nobody_knows(for_localhost: Path) -> None:
    end, receiver, _ = post(for_localhost, None)
    assert (end.accepted, end.status) == (False, None)
    assert end.said.startswith("its certificate is not trusted: self")
    assert not receiver.heard, "nothing was said to it"


def test_a_certificate_for_another_name(for_elsewhere: Path) -> None:
    end, receiver, _ = post(for_elsewhere, for_elsewhere)
    assert (end.accepted, end.status) == (False, None)
    assert end.said.startswith("its certificate is not trusted: Hostname mismatch")
    assert not receiver.heard


@pytest.mark.parametrize(
    ("first_words", "said"),
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak TLS there; http:// may be meant", id="HTTP"),
        pytest.param(b"\x15\x03\x03\x00\x02\x02\x28", "TLS failed", id="a TLS alert"),
        pytest.param(b"", "timed out", id="nothing"),
        pytest.param(b"\x16\x03\x03\x00\x40\x02", "timed out", id="the beginning of a handshake"),
    ],
)
def test_a_handshake_that_does_not_end_well_ends_the_connection(first_words: bytes, said: str) -> None:
    async def run() -> Posted:
        ended = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(first_words)
            with suppress(ConnectionError):
                await reader.read()
            writer.close()
            ended.set()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        postman = Postman(timeout_s=1, allow_networks=(ip_network("127.0.0.1"),))
        try:
            end = await postman.post(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", {}, b"{}")
            await asyncio.wait_for(ended.wait(), 10)
            return end
        finally:
            server.close()
            await postman.aclose()

    assert asyncio.run(run()) == Posted(False, None, said)


def test_http_where_tls_is_spoken(for_localhost: Path) -> None:
    end, receiver, _ = post(for_localhost, None, scheme="http")
    assert (end.accepted, end.status) == (False, None)
    assert not receiver.heard

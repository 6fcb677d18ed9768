"""What our own TLS offers, asked by OpenSSL's client: old protocols and weak ciphers are refused."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from .harness import Served, serving

OPENSSL = shutil.which("openssl") or ""
pytestmark = pytest.mark.skipif(not OPENSSL, reason="no openssl program here: apt install openssl")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A listener with a certificate of its own."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    command = [OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True, timeout=60)
    with serving(tls=(cert, key)) as served:
        yield served


def ask(served: Served, *options: str, say: str = "Q\n") -> "subprocess.CompletedProcess[str]":
    """``openssl s_client``; an old protocol needs security level 0 on its own side, or it would not even try."""
    at = f"{served.address[0]}:{served.address[1]}"
    return subprocess.run(
        [OPENSSL, "s_client", "-connect", at, *options],
        input=say,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )


def agreed(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether a cipher was agreed upon."""
    return "Cipher is " in done.stdout and "Cipher is (NONE)" not in done.stdout


def refused_by_us(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether the listener ended it after the client's hello; uvloop closes without sending OpenSSL's alert."""
    return "unexpected eof while reading" in done.stderr or "SSL alert" in done.stderr


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_spoken(served: Served, version: str) -> None:
    done = ask(served, version)
    assert agreed(done), done.stderr
    assert "Compression: NONE" in done.stdout


@pytest.mark.parametrize("version", ["-tls1", "-tls1_1"])
def test_old_protocols_are_refused(served: Served, version: str) -> None:
    done = ask(served, version, "-cipher", "ALL:@SECLEVEL=0")
    assert not agreed(done) and done.returncode != 0
    assert refused_by_us(done), done.stderr


@pytest.mark.parametrize(
    "ciphers",
    [
        pytest.param("aNULL", id="nobody authenticated"),
        pytest.param("eNULL", id="nothing encrypted"),
        pytest.param("kRSA", id="no forward secrecy"),
        pytest.param("SHA1", id="SHA-1"),
        pytest.param("kDHE", id="finite-field Diffie-Hellman"),
    ],
)
def test_weak_ciphers_are_refused(served: Served, ciphers: str) -> None:
    done = ask(served, "-tls1_2", "-cipher", f"{ciphers}:@SECLEVEL=0")
    assert not agreed(done) and done.returncode != 0
    assert refused_by_us(done), done.stderr


def test_renegotiation_is_refused(served: Served) -> None:
    done = ask(served, "-tls1_2", say="R\nQ\n")
    assert "RENEGOTIATING" in done.stdout + done.stderr
    assert "no renegotiation" in done.stderr

"""Who stands for the programs in the field: one script a stack, and the ways each of them calls.

A script is started as ``PHASE WAY ADDRESS ACCOUNT PASSWORD TEXT``; the phase is ``send`` or ``fetch``, the address ends
in ``/``. It checks what its users check, fails when that is not so, and prints what it saw as one JSON object.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
_PATIENCE_S = 60


@dataclass(frozen=True, slots=True)
class Stack:
    """A language or library: how its script is started, what must succeed beforehand, and what to install if not.

    ``empty`` is what its users get for an empty answer.
    """

    command: tuple[str, ...]
    probe: tuple[str, ...]
    install: str
    empty: str | None = ""

    def missing(self) -> str:
        """Why it cannot run here, or nothing."""
        return "" if _succeeds(self.probe) else f"{self.command[-1]} cannot run here: {self.install}"


@dataclass(frozen=True, slots=True)
class Peer:
    """One way in which a stack calls; ``typed`` when it tells an int from a string, as those do that read the WSDL."""

    stack: Stack
    way: str
    transport: str
    typed: bool = False

    @property
    def name(self) -> str:
        """Script and way."""
        return f"{self.stack.command[-1]}-{self.way}"

    def missing(self) -> str:
        """Why it cannot run here, or nothing."""
        return self.stack.missing()

    def run(self, phase: str, address: str, account: str, password: str, text: str) -> dict[str, Any]:
        """What the script saw; AssertionError with all it said when something it checks is not so."""
        words = [*self.stack.command, phase, self.way, address, account, password, text]
        done = _start(words)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        saw: dict[str, Any] = json.loads(done.stdout)
        return saw


def _start(words: list[str]) -> "subprocess.CompletedProcess[str]":
    # Java and Perl read and write the arguments in the charset of the locale.
    environ = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        words, cwd=FOLDER, env=environ, capture_output=True, encoding="utf-8", timeout=_PATIENCE_S, check=False
    )


@lru_cache
def _succeeds(probe: tuple[str, ...]) -> bool:
    try:
        return _start(list(probe)).returncode == 0
    except FileNotFoundError:
        return False


_PHP_HAS = "exit((int) !(class_exists('SoapClient') && function_exists('simplexml_load_string')));"
_ZEEP = Stack((sys.executable, "peer_zeep.py"), (sys.executable, "-c", "import zeep"), "make install", empty=None)
_SUDS = Stack((sys.executable, "peer_suds.py"), (sys.executable, "-c", "import suds"), "make install", empty=None)
_PHP = Stack(("php", "peer.php"), ("php", "-r", _PHP_HAS), "apt install php-cli php-soap php-xml")
_NPM = Stack(("node", "peer.mjs"), ("node", "-e", "require.resolve('soap')"), "npm ci --prefix tests/peers")
_PERL = Stack(("perl", "peer.pl"), ("perl", "-MSOAP::Lite", "-e", "1"), "apt install libsoap-lite-perl")
_JAVA = Stack(("java", "Peer.java"), ("javac", "-version"), "apt install default-jdk-headless")
_CURL = Stack(("bash", "peer.sh"), ("bash", "-c", "command -v curl iconv md5sum"), "apt install curl")
# The proxies of docs/manual/proxy.md; /usr/sbin is not on everybody's path.
_NGINX_AT = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "nginx"
NGINX = Stack((_NGINX_AT,), (_NGINX_AT, "-v"), "apt install nginx-light")
_HAPROXY_AT = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or "haproxy"
HAPROXY = Stack((_HAPROXY_AT,), (_HAPROXY_AT, "-v"), "apt install haproxy")
SYSTEMD = Stack(("systemd-analyze",), ("systemd-analyze", "--version"), "apt install systemd")

PEERS: tuple[Peer, ...] = (
    Peer(_ZEEP, "wsdl", "soap11", typed=True),
    Peer(_ZEEP, "wsdl-lenient", "soap11", typed=True),
    Peer(_ZEEP, "wsdl12", "soap12", typed=True),
    Peer(_ZEEP, "wsdl12-lenient", "soap12", typed=True),
    Peer(_SUDS, "wsdl", "soap11", typed=True),
    Peer(_SUDS, "wsdl12", "soap11", typed=True),
    Peer(_PHP, "wsdl", "soap11", typed=True),
    Peer(_PHP, "wsdl12", "soap12", typed=True),
    Peer(_PHP, "call", "soap11", typed=True),
    Peer(_PHP, "uri", "soap11"),
    Peer(_PHP, "uri12", "soap12"),
    Peer(_PHP, "aspx", "aspx"),
    Peer(_PHP, "asmx", "asmx"),
    Peer(_NPM, "wsdl", "soap11", typed=True),
    Peer(_NPM, "wsdl12", "soap12", typed=True),
    Peer(_PERL, "wsdl", "soap11"),
    Peer(_PERL, "wsdl12", "soap12"),
    Peer(_PERL, "proxy", "soap11"),
    Peer(_PERL, "proxy12", "soap12"),
    Peer(_JAVA, "get", "aspx"),
    Peer(_JAVA, "post", "aspx"),
    Peer(_CURL, "get", "aspx"),
    Peer(_CURL, "post", "aspx"),
    Peer(_CURL, "asmx", "asmx"),
    Peer(_CURL, "soap11", "soap11"),
    Peer(_CURL, "soap12", "soap12"),
)

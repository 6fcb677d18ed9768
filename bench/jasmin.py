"""Jasmin beside us: PyPI's ``jasmin`` in an environment of its own, its ``jasmind.py`` on the path.

RabbitMQ and Redis must answer on their standard ports of this machine.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.load import Dialect
from bench.sink import Sink, until
from bench.system import Meter, free_port

_PROGRAM = "jasmind.py"
_SERVICES = (5672, 6379)
_SPEC = "lib/python*/site-packages/txamqp/specs/standard/amqp0-9-1.stripped.xml"  # its own package leaves it out
# Ports of its own; logs as quiet as it lets them be.
_SECTIONS = {
    "http-api": ("port = {http}", "access_log = /dev/null"),
    "smpp-server": ("port = {smpp}",),
    "smpp-server-pb": ("port = {smpp_pb}",),
    "client-management": ("port = {clients}", "store_path = {root}/etc/jasmin/store"),
    "router": ("port = {router}", "store_path = {root}/etc/jasmin/store"),
    "jcli": ("port = {jcli}",),
    "amqp-broker": ("spec = {spec}",),
}
_SETUP = """group -a
gid bench
ok
user -a
uid bench
gid bench
username bench
password bench
ok
smppccm -a
cid bench
host 127.0.0.1
port {smsc}
username bench
password bench
bind transceiver
submit_throughput 0
con_fail_delay 1
ok
smppccm -1 bench
mtrouter -a
type defaultroute
connector smppc(bench)
rate 0
ok
quit
"""


def there() -> bool:
    """Whether it and its services are."""
    return shutil.which(_PROGRAM) is not None and all(_answers(port) for port in _SERVICES)


@dataclass(frozen=True)
class Jasmin:
    """A running daemon; its broker and Redis are not metered."""

    url: str
    meters: tuple[Meter, ...]
    name: str = "Jasmin"
    dialect: Dialect = Dialect.JASMIN

    def hold(self) -> None:
        """Not asked of it."""

    def release(self) -> None:
        """Not asked of it."""

    def commits(self) -> None:
        """It has none."""


@contextlib.contextmanager
def running(sink: Sink) -> Iterator[Jasmin]:
    """As installed, without a limit of throughput on its connector."""
    with tempfile.TemporaryDirectory(prefix="jasmin-bench-") as folder:
        root = Path(folder)
        for name in ("etc/jasmin/store", "etc/jasmin/resource", "var/log/jasmin"):
            (root / name).mkdir(parents=True)
        ports = {name: free_port() for name in ("http", "smpp", "smpp_pb", "clients", "router", "jcli")}
        text = "\n".join(f"[{name}]\n" + "\n".join(lines) for name, lines in _SECTIONS.items())
        program = Path(shutil.which(_PROGRAM) or _PROGRAM)
        spec = next(program.parent.parent.glob(_SPEC))
        (root / "etc/jasmin/jasmin.cfg").write_text(text.format(root=root, spec=spec, **ports) + "\n")
        command = [str(program), "-u", "jcliadmin", "-p", "jclipwd"]
        environ = {**os.environ, "ROOT_PATH": folder}
        with (root / "said").open("w") as said:
            process = subprocess.Popen(command, env=environ, stdout=said, stderr=said)
        try:
            until(lambda: _answers(ports["jcli"]) and _answers(ports["http"]), 30)
            _tell(ports["jcli"], "jcliadmin\njclipwd\n" + _SETUP.format(smsc=sink.port))
            until(lambda: sink.stats()["binds"], 30)
            yield Jasmin(f"http://127.0.0.1:{ports['http']}", (Meter("jasmind", process.pid),))
        finally:
            process.send_signal(signal.SIGINT)  # on any other it leaves its lock in /tmp, and never starts again
            process.wait(30)


def _tell(port: int, words: str) -> None:
    """One line after the other on its telnet console, each once it is silent: what it prompts with varies."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as console:
        console.settimeout(0.5)
        for line in words.splitlines():
            with contextlib.suppress(TimeoutError):
                while console.recv(4096):
                    pass
            console.sendall(line.encode() + b"\r\n")


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True

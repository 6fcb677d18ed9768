"""Kannel beside us, where Debian's ``kannel`` is installed: bearerbox and smsbox with the file store, its fastest."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.load import Dialect
from bench.sink import Sink, until
from bench.system import Meter, free_port

_CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = bench
admin-allow-ip = 127.0.0.1
smsbox-port = {box}
box-allow-ip = 127.0.0.1
store-type = file
store-location = {folder}/store
sms-outgoing-queue-limit = 5000000
sms-incoming-queue-limit = 5000000

group = smsc
smsc = smpp
smsc-id = bench
host = 127.0.0.1
port = {smsc}
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
max-pending-submits = {window}
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {send}
global-sender = 10690000
max-pending-requests = 1024

group = sendsms-user
username = bench
password = bench
max-messages = 10
concatenation = true
{reports}
"""


def version() -> str | None:
    """Which Kannel is installed; None: none."""
    if not shutil.which("bearerbox") or not shutil.which("smsbox"):
        return None
    said = subprocess.run(["bearerbox", "--version"], capture_output=True, text=True, check=False)
    return next((line.split("`")[1].rstrip("'.") for line in said.stdout.splitlines() if "`" in line), "?")


@dataclass(frozen=True)
class Kannel:
    """Running boxes."""

    url: str
    meters: tuple[Meter, ...]
    sink: Sink
    name: str = "Kannel"
    dialect: Dialect = Dialect.KANNEL

    def hold(self) -> None:
        """Its sink must not be open yet: there is nothing to send to."""

    def release(self) -> None:
        """Let it connect."""
        self.sink.open()

    def commits(self) -> None:
        """It never calls fsync."""


@contextlib.contextmanager
def running(sink: Sink, *, window: int = 500, report_url: str = "") -> Iterator[Kannel]:
    """As in the user's guide, quiet; reports go to ``report_url``."""
    with tempfile.TemporaryDirectory(prefix="kannel-bench-") as folder, contextlib.ExitStack() as stack:
        file, ports = Path(folder) / "kannel.conf", [free_port() for _ in range(3)]
        reports = f'dlr-url = "{report_url}"' if report_url else ""
        file.write_text(
            _CONFIGURATION.format(
                admin=ports[0],
                box=ports[1],
                send=ports[2],
                smsc=sink.port,
                window=window,
                folder=folder,
                reports=reports,
            )
        )
        boxes = []
        for name, port in (("bearerbox", ports[0]), ("smsbox", ports[2])):
            boxes.append(stack.enter_context(_box(name, file)))
            until(lambda port=port: _answers(port), 30)  # type: ignore[misc]
        yield Kannel(f"http://127.0.0.1:{ports[2]}", tuple(boxes), sink)


@contextlib.contextmanager
def _box(name: str, file: Path) -> Iterator[Meter]:
    command = [name, "-v", "4", str(file)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield Meter(name, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:  # with a deep queue it takes its time
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/status.txt?password=bench", timeout=5)
    except httpx.TransportError:
        return False
    return True

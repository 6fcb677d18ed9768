"""The real program in a process of its own, with an account for the bench."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

_READY = re.compile(r'"event": "ready"')
_CREDITS = 100_000_000


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    url: str
    pid: int
    data: Path
    admin: httpx.Client

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        """The most memory it has held."""
        match = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(match[1]) / 1024 if match else 0.0

    def commits(self) -> int:
        """Commits so far."""
        return int(self.admin.get("/health").json()["commits"])

    def unsent(self) -> int:
        """Messages that no channel has taken yet, asked beside the program."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/yizhan.db?mode=ro", uri=True, timeout=10)) as db:
            query = "SELECT count(*) FROM messages WHERE state IN (2, 3) AND due_at_ms IS NOT NULL"
            return int(db.execute(query).fetchone()[0])


@contextlib.contextmanager
def running(**environ: str) -> Iterator[Gateway]:
    """With default settings but for ``environ``, on an empty store."""
    with tempfile.TemporaryDirectory() as folder:
        data, log_path = Path(folder) / "data", Path(folder) / "log"
        with log_path.open("w+") as log:
            command = [sys.executable, "-m", "yizhan", "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env={**os.environ, **environ})
            try:
                url = _wait_until_ready(log_path, process)
                transport = httpx.HTTPTransport(uds=str(data / "admin.sock"))
                with httpx.Client(transport=transport, base_url="http://admin/api/v1", timeout=60) as admin:
                    account = {"account": "bench", "password": "bench", "credit": _CREDITS}
                    admin.post("/accounts", json=account).raise_for_status()
                    yield Gateway(url, process.pid, data, admin)
            finally:
                process.terminate()
                process.wait(30)


def _wait_until_ready(log_path: Path, process: "subprocess.Popen[bytes]") -> str:
    for _ in range(600):
        for line in log_path.read_text().splitlines():
            if _READY.search(line):
                return str(json.loads(line)["url"])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"the gateway did not start:\n{log_path.read_text()}")

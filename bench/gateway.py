"""Yizhan itself: the real program in a process of its own, all features on, with an account for the bench."""

import contextlib
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.load import Dialect, Load, Plan, run_load
from bench.sink import Sink
from bench.system import Meter

_READY = re.compile(r'"event": "ready"')
CREDITS = 100_000_000
CHANNEL = "bench"
_SOON_CHECKED = 250_000


@dataclass(frozen=True)
class Gateway:
    """A running gateway."""

    url: str
    meters: tuple[Meter, ...]
    data: Path
    admin: httpx.Client
    name: str = "Yizhan"
    dialect: Dialect = Dialect.POST

    def hold(self) -> None:
        """Pause its channel."""
        self.admin.post(f"/channels/{CHANNEL}/pause").raise_for_status()

    def release(self) -> None:
        """Resume its channel."""
        self.admin.post(f"/channels/{CHANNEL}/resume").raise_for_status()

    def commits(self) -> int | None:
        """Commits so far; None with much in the store, for the answer checks all of it, too."""
        if self.stored() > _SOON_CHECKED:
            return None
        return int(self.admin.get("/health").json()["commits"])

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database beside the program."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/yizhan.db?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(sql).fetchall()

    def load(self, plan: Plan) -> Load:
        """Calls to it."""
        return run_load(plan)

    def stored(self) -> int:
        """Messages in the store."""
        return int(self.query("SELECT count(*) FROM messages")[0][0])

    def unsent(self) -> int:
        """Messages that no channel has taken yet."""
        return int(self.query("SELECT count(*) FROM messages WHERE state IN (2, 3) AND due_at_ms IS NOT NULL")[0][0])


@contextlib.contextmanager
def running(
    sink: Sink | None = None,
    *,
    window: int = 500,
    binds: int = 1,
    receipts: bool = False,
    prepare: Callable[[Path], None] | None = None,
    accounts: tuple[str, ...] = ("bench",),
    keywords: int = 10_000,
    **environ: str,
) -> Iterator[Gateway]:
    """As shipped but for the channel to ``sink`` (None: the built-in simulator) and ``environ``; ``keywords`` loaded.

    ``prepare`` may fill the store, which the program has made, before it is started for the bench.
    """
    if sink is not None:
        environ["YIZHAN_CHANNELS"] = json.dumps([channel_to(sink, window, binds, receipts=receipts)])
    with tempfile.TemporaryDirectory(prefix="yizhan-bench-") as folder:
        data = Path(folder) / "data"
        with process(data, environ) as (_, _, admin):
            for account in accounts:
                body = {"account": account, "password": account, "credit": CREDITS}
                admin.post("/accounts", json=body).raise_for_status()
            admin.post("/keywords", json={"words": words_of(keywords)}).raise_for_status()
        if prepare is not None:
            prepare(data / "yizhan.db")
        with process(data, environ) as (url, pid, admin):
            yield Gateway(url, (Meter("yizhan", pid),), data, admin)


def channel_to(sink: Sink, window: int = 500, binds: int = 1, *, receipts: bool = False) -> dict[str, Any]:
    """The settings of the channel to the bench's SMSC."""
    channel = {"name": CHANNEL, "kind": "smpp", "host": "127.0.0.1", "port": sink.port, "system_id": "bench"}
    return channel | {
        "window": window,
        "binds": binds,
        "source": "10690000",
        "receipts": "all" if receipts else "none",
    }


def words_of(count: int) -> list[str]:
    """Forbidden words, none of which any text of the bench holds."""
    return [f"违禁{chr(0x4E00 + number % 5_000)}{chr(0x5500 + number // 5_000)}" for number in range(count)]


@contextlib.contextmanager
def process(data: Path, environ: dict[str, str]) -> Iterator[tuple[str, int, httpx.Client]]:
    """The program on a data directory: where it takes calls, its id, and its admin API."""
    log_path = data.parent / "log"
    with log_path.open("a+") as log:
        begun = log.tell()
        command = [sys.executable, "-m", "yizhan", "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
        environ = {**os.environ, "YIZHAN_ADMIN__API_LISTEN": "none", **environ}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, env=environ)
        try:
            url = _wait_until_ready(log_path, begun, process)
            transport = httpx.HTTPTransport(uds=str(data / "admin.sock"))
            with httpx.Client(transport=transport, base_url="http://admin/api/v1", timeout=60) as admin:
                yield url, process.pid, admin
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(log_path: Path, begun: int, process: "subprocess.Popen[bytes]") -> str:
    for _ in range(6000):
        for line in log_path.read_text()[begun:].splitlines():
            if _READY.search(line):
                return str(json.loads(line)["url"])
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise RuntimeError(f"the gateway did not start:\n{log_path.read_text()}")

"""The floor: the least that such a program could do in Python, as a measure for what ours does beside it.

uvicorn, one thread that commits with synchronous=FULL before anybody is answered, one SMPP window. No password, no
keywords, no ledger, no routes, no receipts, no limits: not a gateway. ``python -m bench.floor FOLDER SMSC_PORT``.
"""

import asyncio
import contextlib
import itertools
import re
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from bench.load import Dialect
from bench.sink import Sink
from bench.system import Meter

_WINDOW = 500
_TABLE = "CREATE TABLE messages (id INTEGER PRIMARY KEY, number TEXT, text TEXT, state INTEGER, carrier_id TEXT)"


@dataclass(frozen=True)
class Floor:
    """A running floor."""

    url: str
    meters: tuple[Meter, ...]
    name: str = "floor"
    dialect: Dialect = Dialect.POST

    def hold(self) -> None:
        """It cannot."""

    def release(self) -> None:
        """It never held."""

    def commits(self) -> None:
        """Not counted."""


@contextlib.contextmanager
def running(sink: Sink) -> Iterator[Floor]:
    """The floor in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="floor-bench-") as folder:
        command = [sys.executable, "-m", "bench.floor", folder, str(sink.port)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield Floor(process.stdout.readline().strip(), (Meter("floor", process.pid),))
        finally:
            process.terminate()
            process.wait(10)
            process.stdout.close()


class _Store:
    """Group commit in a thread."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[str, list[Any], asyncio.Future[None]]] = deque()
        self._wake = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()

    def write(self, sql: str, rows: list[Any]) -> "asyncio.Future[None]":
        """``rows`` in the next commit."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._waiting.append((sql, rows, future))
        self._wake.set()
        return future

    def _work(self) -> None:
        database = sqlite3.connect(self._file, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            database.execute(f"PRAGMA {pragma}")
        database.execute(_TABLE)
        while self._wake.wait():
            self._wake.clear()
            batch = [self._waiting.popleft() for _ in range(len(self._waiting))]
            if not batch:
                continue
            database.execute("BEGIN IMMEDIATE")
            for sql, group in itertools.groupby(batch, key=lambda job: job[0]):
                database.executemany(sql, [row for _, rows, _ in group for row in rows])
            database.execute("COMMIT")
            self._loop.call_soon_threadsafe(_done, [future for _, _, future in batch])


def _done(futures: "list[asyncio.Future[None]]") -> None:
    for future in futures:
        future.set_result(None)


class _Esme(asyncio.Protocol):
    """One bind with a window."""

    def __init__(self, store: _Store) -> None:
        self._store = store
        self._held = b""
        self._sequence = itertools.count(2)
        self._flying: dict[int, int] = {}
        self.waiting: deque[tuple[int, str, str]] = deque()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        body = b"floor\0floor\0\0\x34\0\0\0"
        transport.write(struct.pack(">IIII", 16 + len(body), 9, 0, 1) + body)

    def data_received(self, data: bytes) -> None:
        held, at, settled = self._held + data, 0, []
        while len(held) - at >= 16:
            length, command, _, sequence = struct.unpack_from(">IIII", held, at)
            if len(held) - at < length:
                break
            if command == 0x80000004:
                settled.append((held[at + 16 : at + length - 1].decode(), self._flying.pop(sequence)))
            at += length
        self._held = held[at:]
        if settled:
            self._store.write("UPDATE messages SET state = 5, carrier_id = ? WHERE id = ?", settled)
        self.send()

    def send(self) -> None:
        """What waits, as far as the window allows."""
        out = []
        while self.waiting and len(self._flying) < _WINDOW:
            key, number, text = self.waiting.popleft()
            sequence = next(self._sequence)
            short = text.encode("utf-16-be")
            body = b"\0\1\x0110690000\0\1\1%b\0\0\0\0\0\0\0\0\x08\0%c%b" % (number.encode(), len(short), short)
            out.append(struct.pack(">IIII", 16 + len(body), 4, 0, sequence) + body)
            self._flying[sequence] = key
        if out:
            self._transport.write(b"".join(out))


async def _serve(folder: Path, smsc_port: int) -> None:
    store, ids = _Store(folder / "floor.db"), itertools.count(100_000_000)
    _, esme = await asyncio.get_running_loop().create_connection(lambda: _Esme(store), "127.0.0.1", smsc_port)

    async def answer(
        _scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        form = dict(parse_qsl((await receive())["body"].decode("ascii"), encoding="gb18030"))
        first = key = next(ids)
        rows = []
        for number in re.split("[,;]", form["Mobile"]):
            rows.append((key, number, form["Content"]))
            key = next(ids)
        await store.write("INSERT INTO messages VALUES (?, ?, ?, 2, NULL)", rows)
        esme.waiting.extend(rows)
        esme.send()
        body = b"%d" % first
        headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    config = uvicorn.Config(answer, lifespan="off", access_log=False, log_config=None, server_header=False)
    await uvicorn.Server(config).serve([listening])


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))

"""The real program in a process of its own, on a free port, and what a test wants to know of it."""

import contextlib
import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from embedded import lay_store

from .forks import MOTHER, Process

T = TypeVar("T")
PATIENCE_S = 20.0
TEXT = "您的验证码是123456【测试】"
# What still changes by itself: queued, sending, or sent to a number that is ever reported (``sim.fate``).
_UNDER_WAY = "SELECT 1 FROM messages WHERE state IN (2, 3) OR (state = 5 AND number NOT LIKE '%0004') LIMIT 1"


def md5(password: str) -> str:
    """What a client sends for ``password``."""
    return hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()


def form(charset: str = "gb2312", **values: str) -> bytes:
    """A urlencoded form as the manual's programs write it."""
    return "&".join(f"{name}={quote(value.encode(charset), safe='')}" for name, value in values.items()).encode()


@dataclass
class Program:
    """``yizhan serve`` on one data directory."""

    data: Path
    arguments: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    process: Process | None = None
    log: IO[str] | None = None

    def start(self) -> "Program":
        """Start it and wait until it says that it is ready."""
        if self.log is not None:
            self.log.close()
        self.log = (self.data.parent / f"{self.data.name}.log").open("a+")
        start = self.log.seek(0, os.SEEK_END)
        serve = ["serve", "--listen", "127.0.0.1:0", "--data", str(self.data), *self.arguments]
        environ = {name: value for name, value in {**_clean_environ(), **self.environ}.items() if value}
        with self._screen.open("w") as screen:
            self.process = MOTHER.start(serve, environ, stdout=screen, stderr=self.log)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            self.log.seek(start)
            for line in self.log.read().splitlines():
                if '"event": "ready"' in line:
                    self.url = json.loads(line)["url"]
                    return self
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"it did not start:\n{self.said()}")

    def said(self) -> str:
        """Its log so far."""
        assert self.log is not None
        self.log.seek(0)
        return self.log.read()

    def printed(self) -> str:
        """What it has printed since it was started."""
        return self._screen.read_text()

    @property
    def _screen(self) -> Path:
        return self.data.parent / f"{self.data.name}.out"

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal and wait: its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)

    def post(self, operation: str, body: bytes, source: str | None = None, **headers: str) -> httpx.Response:
        """POST a form to ``operation``.aspx, from another loopback address if ``source`` names one."""
        transport = httpx.HTTPTransport(local_address=source) if source else None
        with httpx.Client(transport=transport, timeout=PATIENCE_S) as client:
            sent = {"content-type": "application/x-www-form-urlencoded", **headers}
            return client.post(f"{self.url}{operation}.aspx", content=body, headers=sent)

    def send(self, account: "Customer", charset: str = "gb2312", source: str | None = None, **values: str) -> int:
        """IntlSend with a good default for what is not given: the answer as a number."""
        call = {"Mobile": "13800000000", "Content": TEXT, "Cell": "", "SendTime": "", **values}
        body = form(charset, CorpID=account.corp_id, Pwd=md5(account.password), **call)
        response = self.post("IntlSend", body, source)
        assert response.status_code == 200, response.text
        return int(response.text)

    def api(self, method: str, path: str, **options: Any) -> Any:
        """The admin API on its socket."""
        transport = httpx.HTTPTransport(uds=str(self.data / "admin.sock"), verify=False)  # no TLS: nothing to load
        with httpx.Client(transport=transport, base_url="http://admin/api/v1", timeout=PATIENCE_S) as client:
            response = client.request(method, path, **options)
            assert response.is_success, (path, response.status_code, response.text)
            return response.json() if response.content else None

    def account(self, corp_id: str, credit: int = 1000, **settings: Any) -> "Customer":
        """A new account."""
        password = f"secret of {corp_id}"
        self.api("POST", "/accounts", json={"account": corp_id, "password": password, "credit": credit, **settings})
        return Customer(corp_id, password)

    def balance(self, account: "Customer") -> int | float:
        """What the operator sees."""
        balance: int | float = self.api("GET", f"/accounts/{account.corp_id}")["balance"]
        return balance

    def messages(self, **wanted: Any) -> list[dict[str, Any]]:
        """The newest messages."""
        found: list[dict[str, Any]] = self.api("GET", "/messages", params={"limit": 1000, **wanted})
        return found

    def wait_for(self, state: str, count: int = 1, **wanted: Any) -> list[dict[str, Any]]:
        """Wait until ``count`` messages stand in ``state``."""
        deadline = time.monotonic() + PATIENCE_S
        while len(found := self.messages(state=state, **wanted)) < count:
            assert time.monotonic() < deadline, (state, self.messages(**wanted), self.said())
            time.sleep(0.02)
        return found

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database itself, beside the program."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data}/yizhan.db?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(sql).fetchall()

    def fingerprint(self) -> list[tuple[Any, ...]]:
        """Everything that a refused call must leave as it was, once the simulator has done what it was given before."""
        eventually(lambda: not self.query(_UNDER_WAY))
        return [
            *self.query("SELECT corp_id, balance_milli FROM accounts ORDER BY id"),
            *self.query("SELECT count(*), coalesce(sum(amount_milli), 0), coalesce(max(id), 0) FROM ledger"),
            *self.query("SELECT count(*), coalesce(max(id), 0) FROM submissions"),
            *self.query("SELECT count(*), coalesce(max(id), 0) FROM messages"),
            *self.query("SELECT count(*) FROM parts"),
        ]

    def journal(self) -> list[dict[str, Any]]:
        """Every line of the simulator's journal, also of files put aside."""
        lines: list[dict[str, Any]] = []
        for path in sorted(self.data.glob("simulator-*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                with contextlib.suppress(json.JSONDecodeError):  # a line torn by a kill
                    lines.append(json.loads(line))
        return lines


@dataclass(frozen=True)
class Customer:
    """An account and its password."""

    corp_id: str
    password: str


@contextlib.contextmanager
def running(data: Path, *arguments: str, **environ: str) -> Iterator[Program]:
    """The program while the block lasts; it must stop cleanly unless the block has stopped it. Where there is no
    ``data`` it finds an empty store, which saves it a fifth of its start.
    """
    if not data.exists() and "YIZHAN_STORE__URL" not in environ and "--config" not in arguments:
        lay_store(data)
    with first_run(data, *arguments, **environ) as program:
        yield program


@contextlib.contextmanager
def first_run(data: Path, *arguments: str, **environ: str) -> Iterator[Program]:
    """The same; it makes its store itself."""
    program = Program(data, arguments, environ).start()
    assert program.process is not None
    try:
        yield program
        if program.process.poll() is None:
            assert program.stop() == 0
    finally:
        if program.process.poll() is None:
            program.process.kill()
            program.process.wait()
        assert program.log is not None
        program.log.close()


def eventually(look: Callable[[], T], patience_s: float = PATIENCE_S) -> T:
    """``look()`` again and again until it gives something true."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return found


def run_cli(data: Path, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """A ``yizhan`` command in a process of its own."""
    with TemporaryFile("w+") as given, TemporaryFile("w+") as said, TemporaryFile("w+") as warned:
        given.write(stdin)
        given.seek(0)
        environ = {**_clean_environ(), "YIZHAN_DATA": str(data)}
        status = MOTHER.start(words, environ, stdin=given, stdout=said, stderr=warned).wait(60)
        said.seek(0)
        warned.seek(0)
        return subprocess.CompletedProcess([*words], status, said.read(), warned.read())


def _clean_environ() -> dict[str, str]:
    """Without what somebody has set; tests that run at once would want the console's port at once."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("YIZHAN_")}
    return {**own, "YIZHAN_ADMIN__API_LISTEN": "none"}

"""Nodes on a PostgreSQL: the same work for one, two and four of them, beside one node on SQLite."""

import contextlib
import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psycopg
from psycopg import sql

from bench.gateway import CHANNEL, CREDITS, channel_to, process, words_of
from bench.load import Dialect, Load, Plan, run_load
from bench.sink import Sink
from bench.system import Meter

KEYWORDS = 10_000
_SETTLED = "SELECT count(*) FROM messages WHERE state IN (2, 3) AND due_at_ms IS NOT NULL"


@dataclass(frozen=True)
class ServerMeter(Meter):
    """A PostgreSQL with all its sessions; ``pid`` is the postmaster's."""

    def cpu_s(self) -> float:
        """Of those that are there now: a node's sessions stay as long as it does."""
        children = [path.parent.name for path in Path("/proc").glob("[0-9]*/stat") if _parent(path) == self.pid]
        total = super().cpu_s()
        for pid in children:
            with contextlib.suppress(OSError):  # one that has just ended
                total += Meter("session", int(pid)).cpu_s()
        return total

    def mb(self, field: str = "VmRSS") -> float:
        """Most of it is one memory that all share: not counted."""
        del field
        return 0.0


def _parent(stat: Path) -> int:
    with contextlib.suppress(OSError):
        return int(stat.read_text().rpartition(")")[2].split()[1])
    return 0


@dataclass(frozen=True)
class Nodes:
    """Some of them, as one system."""

    urls: tuple[str, ...]
    meters: tuple[Meter, ...]
    admins: tuple[httpx.Client, ...]
    database: str
    dialect: Dialect = Dialect.POST

    @property
    def name(self) -> str:
        """How many there are."""
        return f"PostgreSQL, {len(self.urls)} node{'s' if len(self.urls) > 1 else ''}"

    @property
    def url(self) -> str:
        """Of the first."""
        return self.urls[0]

    def hold(self) -> None:
        """Pause the channel: every node hears of it within a second."""
        self.admins[0].post(f"/channels/{CHANNEL}/pause").raise_for_status()
        self._settle()

    def release(self) -> None:
        """Resume it."""
        self.admins[0].post(f"/channels/{CHANNEL}/resume").raise_for_status()

    def _settle(self) -> None:
        for admin in self.admins:
            while not any(one["paused"] for one in admin.get("/channels").json() if one["name"] == CHANNEL):
                pass

    def commits(self) -> int | None:
        """Not counted: the nodes' writers have three each."""
        return None

    def unsent(self) -> int:
        """Messages that no channel has taken yet."""
        with psycopg.connect(self.database) as connection:
            (count,) = connection.execute(_SETTLED).fetchone() or (0,)
        return int(count)

    def load(self, plan: Plan) -> Load:
        """A share of the calls to each node, at the same time; the slowest share counts."""
        count = len(self.urls)
        shares = [
            replace(
                plan,
                url=url,
                calls=plan.calls // count,
                connections=max(1, plan.connections // count),
                first=plan.first + place * (plan.calls // count) * plan.numbers,
            )
            for place, url in enumerate(self.urls)
        ]
        with ThreadPoolExecutor(count) as pool:
            loads = list(pool.map(run_load, shares))
        whole = Load(elapsed_s=max(load.elapsed_s for load in loads))
        for load in loads:
            whole.latencies_s.extend(load.latencies_s)
            whole.sent_ns.extend(load.sent_ns)
        whole.sent_ns = type(whole.sent_ns)("q", sorted(whole.sent_ns))
        return whole


def server_there(address: str) -> bool:
    """Whether a PostgreSQL of the bench's own machine answers there."""
    try:
        with psycopg.connect(address, connect_timeout=2) as connection:
            return connection.info.host in ("127.0.0.1", "::1", "localhost") or connection.info.host.startswith("/")
    except psycopg.OperationalError:
        return False


@contextlib.contextmanager
def running(sink: Sink, *, server: str, count: int, **environ: str) -> Iterator[Nodes]:
    """So many nodes on a database of their own at ``server``, which goes afterwards."""
    name = f"yizhan_bench_{secrets.token_hex(4)}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        row = admin.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
        postmaster = int(str(row[0] if row else "").split()[0])
    database = psycopg.conninfo.make_conninfo(server, dbname=name)
    info = psycopg.conninfo.conninfo_to_dict(database)
    url = f"postgresql://{info.get('user', '')}@{info.get('host', '')}:{info.get('port', 5432)}/{name}"
    environ |= {"YIZHAN_STORE__URL": url, "YIZHAN_CHANNELS": json.dumps([channel_to(sink)])}
    try:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="yizhan-bench-")))
            started: list[tuple[str, int, httpx.Client]] = []
            for number in range(count):
                (folder / f"node{number}").mkdir()
                started.append(stack.enter_context(process(folder / f"node{number}" / "data", environ)))
                if number == 0:
                    _furnish(started[0][2])
            meters = [Meter(f"node {number + 1}", pid) for number, (_, pid, _) in enumerate(started)]
            yield Nodes(
                tuple(one[0] for one in started),
                (*meters, ServerMeter("PostgreSQL", postmaster)),
                tuple(one[2] for one in started),
                url,
            )
    finally:
        with psycopg.connect(server, autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _furnish(admin: httpx.Client) -> None:
    body: dict[str, Any] = {"account": "bench", "password": "bench", "credit": CREDITS}
    admin.post("/accounts", json=body).raise_for_status()
    admin.post("/keywords", json={"words": words_of(KEYWORDS)}).raise_for_status()

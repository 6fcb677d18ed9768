"""Several nodes on one PostgreSQL, HAProxy before them, and two carriers behind."""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from postgres import Cluster, free_port
from river.program import Customer, Program
from river.smsc import Smsc

from .driver import Log
from .verdict import SENT, Judge
from .wire import Wire

LEASE_S = 2.0
# What SQLite calls so: the judge asks both engines with the same words.
_GROUP_CONCAT = """
CREATE FUNCTION add_to_group(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT CASE WHEN $2 IS NULL THEN $1 WHEN $1 IS NULL THEN $2 ELSE $1 || ',' || $2 END $$;
CREATE FUNCTION add_to_group(text, bigint) RETURNS text LANGUAGE sql IMMUTABLE AS
    $$ SELECT add_to_group($1, $2::text) $$;
CREATE AGGREGATE group_concat(text) (sfunc = add_to_group, stype = text);
CREATE AGGREGATE group_concat(bigint) (sfunc = add_to_group, stype = text);
"""
_PROXY = """
defaults
    mode tcp
    timeout connect 1s
    timeout client 60s
    timeout server 60s
    retries 3
    option redispatch
    default-server check inter 200ms fall 1 rise 1
listen sdk2
    bind 127.0.0.1:{port}
    balance roundrobin
{servers}
"""


@dataclass
class Nodes:
    """What a client, and the judge, see of them: one gateway."""

    programs: list[Program]
    database: str
    port: int  # of the proxy

    @property
    def address(self) -> tuple[str, int]:
        """Where clients call."""
        return "127.0.0.1", self.port

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database, which may be away for a moment."""

        deadline = time.monotonic() + 60
        while True:
            try:
                with psycopg.connect(self.database, autocommit=True, connect_timeout=2) as connection:
                    return connection.execute(sql).fetchall()  # type: ignore[call-overload, unused-ignore]
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def api(self, method: str, path: str, **options: Any) -> Any:
        """The admin API of the first node."""
        return self.programs[0].api(method, path, **options)

    def account(self, corp_id: str, **settings: Any) -> Customer:
        """A new account."""
        return self.programs[0].account(corp_id, **settings)

    def unfinished(self) -> list[tuple[Any, ...]]:
        """Some messages that have not ended, with their parts and with the parked reports of their numbers."""
        return self.query(
            "SELECT m.id, m.number, m.state, m.channel, m.attempts, m.epoch, m.uncertain,"
            " (SELECT group_concat(attempt || ':' || carrier_key || ':' || state) FROM parts WHERE message_id = m.id),"
            " (SELECT group_concat(channel || ':' || carrier_key) FROM parked_receipts p WHERE p.number = m.number)"
            f" FROM messages m WHERE m.state <= {SENT} LIMIT 5"
        )

    def berths(self, node: int) -> list[str]:
        """The channels of a node, and those that it has a share of."""
        rows = self.query(
            "SELECT split_part(substr(berths.name, 9), '/', 1) FROM berths JOIN nodes ON nodes.id = node_id"
            f" WHERE berths.name LIKE 'channel:%' AND nodes.name = '{name_of(node)}'"
        )
        return [row[0] for row in rows]


def name_of(node: int) -> str:
    """What a node calls itself."""
    return f"node{node}"


class SharedJudge(Judge):
    """Of all nodes together, and two carriers that do not die."""

    def __init__(self, nodes: Nodes, carriers: list[Smsc], wires: list[Wire], log: Log, credit_milli: int) -> None:
        super().__init__(nodes, carriers[0], wires[0], log, credit_milli)
        self._carriers, self._wires = carriers, wires
        self._offsets = dict.fromkeys(range(len(carriers)), 0)

    def settled(self) -> bool:
        """Whether all is at rest, and every report has come."""
        if self._us.query(f"SELECT 1 FROM messages WHERE state <= {SENT} LIMIT 1"):
            return False
        return not any(carrier.tell(do="stats")["undelivered"] for carrier in self._carriers)

    def _read_log(self) -> None:
        for place, carrier in enumerate(self._carriers):
            self._carrier, self._log_offset = carrier, self._offsets[place]
            super()._read_log()
            self._offsets[place] = self._log_offset
        for wire in self._wires[1:]:
            with wire.lock:
                self._wire.note(list(wire.submitted.elements()), list(wire.delivered.elements()), [*wire.acknowledged])
                for noted in (wire.submitted, wire.delivered, wire.acknowledged):
                    noted.clear()


@contextlib.contextmanager
def proxy(folder: Path, programs: list[Program]) -> Iterator[int]:
    """HAProxy in front of them: its port."""
    found = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if found is None:
        pytest.skip("no HAProxy here (Debian: haproxy)")
    port, file = free_port(), folder / "haproxy.cfg"
    servers = [f"    server node{n} {p.address[0]}:{p.address[1]}" for n, p in enumerate(programs)]
    file.write_text(_PROXY.format(port=port, servers="\n".join(servers)))
    with (folder / "haproxy.log").open("w") as log:
        process = subprocess.Popen([found, "-db", "-f", str(file)], stdout=log, stderr=log)
        try:
            time.sleep(0.3)
            assert process.poll() is None, (folder / "haproxy.log").read_text()
            yield port
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def nodes(cluster: Cluster, folder: Path, count: int, **environ: str) -> Iterator[Nodes]:
    """So many, on a database of their own, each always at its port."""
    database = cluster.new_store()
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_GROUP_CONCAT)
    programs: list[Program] = []
    try:
        for number in range(count):
            own = {"YIZHAN_STORE__URL": database, "YIZHAN_NODE__NAME": name_of(number)}
            listen = ("--listen", f"127.0.0.1:{free_port()}")
            program = Program(
                folder / f"node{number}", listen, {**own, "YIZHAN_NODE__LEASE_S": f"{LEASE_S}", **environ}
            )
            programs.append(program.start())
        with proxy(folder, programs) as port:
            yield Nodes(programs, database, port)
        for program in programs:
            assert program.stop() == 0
    finally:
        for program in programs:
            if program.process is not None and program.process.poll() is None:
                program.process.kill()
                program.process.wait()
            if program.log is not None:
                program.log.close()

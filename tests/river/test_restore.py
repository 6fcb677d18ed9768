"""A backup takes the place of the store: whole or not at all, without an id given out twice, and nothing sent twice."""

import json
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from yizhan.store.migrate import HEAD
from yizhan.store.verify import verify_file

from .program import TEXT, Customer, Program, eventually, run_cli, running
from .test_console import LISTEN, Browser, url_of
from .test_mailings import done, drafted, result, settle_in

# Dies by SIGKILL before the n-th of the things that change names in the data directory, open a database or sync names.
DYING = """
import os, runpy, signal, sys
left, data = int(sys.argv.pop(1)), sys.argv[-1]
def counts(event, args):
    if event == "open":
        return str(args[0]) == data
    return event in ("os.link", "os.rename", "sqlite3.connect") or event == "os.remove" and os.path.exists(args[0])
def watch(event, args):
    global left
    if counts(event, args):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
runpy.run_module("yizhan", run_name="__main__")
"""


def restored(data: Path, *words: str) -> dict[str, object]:
    """What ``yizhan restore`` says that it has done."""
    done = run_cli(data, "restore", *words, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


@contextmanager
def sending(program: Program, customer: Customer) -> Iterator[list[int]]:
    """Calls go on while the block lasts; the ids that they got."""
    done, ids = threading.Event(), []

    def send() -> None:
        while not done.is_set():
            ids.append(program.send(customer))

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield ids
    finally:
        done.set()
        sender.join()
    assert min(ids) > 0


def test_there_and_back_under_load(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    with running(data) as program:
        customer = program.account("C1", credit=10_000)
        with sending(program, customer) as ids:
            eventually(lambda: len(ids) > 20)
            assert run_cli(data, "backup", str(copy)).returncode == 0
            eventually(lambda: len(ids) > 60)
        program.account("later")
    done = restored(data, str(copy))
    with closing(sqlite3.connect(str(done["kept"]))) as former:
        assert {row[0] for row in former.execute("SELECT client_id FROM submissions")} == set(ids)
    with running(data) as program:
        kept = {row[0] for row in program.query("SELECT client_id FROM submissions")}
        assert kept < set(ids)
        assert program.balance(customer) == 10_000 - len(kept)
        assert [account["account"] for account in program.api("GET", "/accounts")] == ["C1"]
        assert program.api("GET", "/ledger/check")["faults"] == []
        assert program.api("GET", "/audit")[0]["action"] == "restore"
        after = [program.send(customer) for _ in range(5)]
        assert after[0] == done["next_submission"]
        assert not set(after) & set(ids), "no client gets an id twice"
        eventually(lambda: not program.query("SELECT 1 FROM messages WHERE state IN (2, 3)"))
        assert len(program.messages(state="uncertain")) == done["held"]
    assert stat.S_IMODE((data / "yizhan.db").stat().st_mode) == 0o600


@pytest.fixture
def queue(tmp_path: Path) -> Path:
    """A data directory whose store has three messages that wait and one that is scheduled; ``copy.db`` is beside it."""
    data = tmp_path / "data"
    with running(data) as program:
        customer = program.account("C1", credit=100)
        program.api("POST", "/channels/simulator/pause")
        for _ in range(3):
            assert program.send(customer) > 0
        assert program.send(customer, SendTime="20991231235959") > 0
        assert run_cli(data, "backup", str(tmp_path / "copy.db")).returncode == 0
        program.api("POST", "/channels/simulator/resume")
        program.wait_for("delivered", 3)
    return data


def test_what_may_have_been_sent_since_is_held_until_somebody_decides(queue: Path) -> None:
    assert restored(queue, str(queue.parent / "copy.db"))["held"] == 3
    with running(queue) as program:
        program.api("POST", "/channels/simulator/resume")
        held = program.messages(state="uncertain")
        assert len(held) == 3 and len(program.messages(state="scheduled")) == 1
        assert "backup that was restored" in run_cli(queue, "message", "show", str(held[0]["id"]), "--json").stdout
        assert run_cli(queue, "message", "give-up", str(held[0]["id"])).returncode == 0
        assert run_cli(queue, "message", "resend").returncode == 2
        again = run_cli(queue, "message", "resend", "--held", "--json")
        assert json.loads(again.stdout) == {"queued": 2}, again.stderr
        program.wait_for("delivered", 2)
        assert program.balance(Customer("C1", "")) == 100 - 3
        assert program.api("GET", "/ledger/check")["faults"] == []


def test_it_is_sent_again_when_asked(queue: Path) -> None:
    assert restored(queue, str(queue.parent / "copy.db"), "--send-again")["held"] == 0
    with running(queue) as program:
        program.api("POST", "/channels/simulator/resume")
        program.wait_for("delivered", 3)


@pytest.mark.parametrize("again", [False, True], ids=["stopped", "sent again when asked"])
def test_a_mailing_under_way(tmp_path: Path, again: bool) -> None:
    """What the backup does not know to be sent has been sent since."""
    data, copy, count = tmp_path / "data", tmp_path / "copy.db", 5_000
    with running(data, **LISTEN) as program:
        settle_in(program, 100_000)
        with Browser(url_of(program)) as cui:
            cui.log_in("cui")
            path = drafted(cui, "\n".join(f"{13800010000 + n},{n}" for n in range(count)), f"{{2}}{TEXT}")
            assert cui.fill(path, step="send").status_code == 303
            program.api("POST", "/backup", json={"file": str(copy)})
            done(cui, path)
    restore = restored(data, str(copy), *(["--send-again"] if again else []))
    assert restore["stopped"] == (0 if again else 1)
    with running(data, **LISTEN) as program, Browser(url_of(program)) as cui:
        cui.log_in("cui")
        if again:
            done(cui, path)
        accepted = sum(said == "accepted" for _, _, said, _ in result(cui, path))
        assert (accepted == count) == again
        assert program.query("SELECT count(*) FROM messages") == [(accepted,)]
        assert program.api("GET", "/ledger/check")["faults"] == []


def names(data: Path) -> list[str]:
    """What stands in a data directory beside the things of a node."""
    return sorted(path.name for path in data.iterdir() if "yizhan.db" in path.name)


def test_a_running_gateway_is_not_restored(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        customer = program.account("C1")
        assert run_cli(program.data, "backup", str(tmp_path / "copy.db")).returncode == 0
        refused = run_cli(program.data, "restore", str(tmp_path / "copy.db"))
        assert refused.returncode == 1 and "stop the gateway first" in refused.stderr
        assert program.send(customer) > 0


def damaged(file: Path) -> None:
    """Zeros in the middle of it."""
    whole = file.read_bytes()
    file.write_bytes(whole[:8192] + bytes(8192) + whole[16384:])


def of_a_newer_program(file: Path) -> None:
    """A schema that is not known yet, and not for programs like this one."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.execute("UPDATE schema_floor SET revision = '9999'")


def with_wrong_books(file: Path) -> None:
    """Money from nowhere."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("UPDATE accounts SET balance_milli = balance_milli + 1")


def no_database(file: Path) -> None:
    """Something else."""
    file.write_text("no database at all, but long enough to be looked at" * 99, encoding="utf-8")


WRONG = {
    damaged: "malformed|damaged",
    of_a_newer_program: "newer program",
    with_wrong_books: "ledger",
    no_database: "read",
}


def test_wrong_files_change_nothing(queue: Path) -> None:
    copy, before = queue.parent / "copy.db", names(queue)
    for spoil, why in WRONG.items():
        wrong = queue.parent / "wrong.db"
        shutil.copy(copy, wrong)
        spoil(wrong)
        refused = run_cli(queue, "restore", str(wrong))
        assert refused.returncode == 1 and re.search(why, refused.stderr), refused.stderr
    assert "no such file" in run_cli(queue, "restore", str(queue.parent / "nothing.db")).stderr
    assert "is the store itself" in run_cli(queue, "restore", str(queue / "yizhan.db")).stderr
    assert names(queue) == before
    left = queue / "yizhan.db.restoring"
    shutil.copy(copy, left)
    assert "name a backup" in run_cli(queue, "restore", str(left)).stderr
    assert left.read_bytes() == copy.read_bytes()
    assert {row[0] for row in Program(queue).query("SELECT state FROM messages")} == {1, 10}


def test_an_older_backup_in_a_new_place(tmp_path: Path) -> None:
    old, place = tmp_path / "old.db", tmp_path / "new place" / "data"
    upgrade = (
        "import sys; from alembic import command; from alembic.config import Config\n"
        "from sqlalchemy import create_engine\n"
        "config = Config(); config.set_main_option('script_location', 'yizhan.store:migrations')\n"
        "with create_engine('sqlite:///' + sys.argv[1]).connect() as connection:\n"
        "    config.attributes['connection'] = connection; command.upgrade(config, sys.argv[2]); connection.commit()"
    )
    subprocess.run([sys.executable, "-c", upgrade, str(old), "0003"], check=True)
    assert restored(place, str(old)) | {"store": ""} == {
        "file": str(old),
        "store": "",
        "schema": HEAD,
        "kept": None,
        "held": 0,
        "stopped": 0,
        "next_submission": 110_000_000,
    }
    with running(place) as program:
        assert program.send(program.account("C1")) == 110_000_000


def test_a_damaged_store_is_kept_with_its_log(queue: Path) -> None:
    store, log = queue / "yizhan.db", queue / "yizhan.db-wal"
    store.write_bytes(b"damaged beyond repair" * 1_000)
    log.write_bytes(b"and its log")
    kept = Path(str(restored(queue, str(queue.parent / "copy.db"))["kept"]))
    assert kept.read_bytes().startswith(b"damaged beyond repair")
    assert kept.with_name(kept.name + "-wal").read_bytes() == b"and its log"
    assert not {"yizhan.db-wal", "yizhan.db.restoring"} & set(names(queue))
    with running(queue) as program:
        assert program.send(Customer("C1", "secret of C1")) > 110_000_000 - 1


def test_a_store_that_somebody_has_open_is_left_alone(queue: Path) -> None:
    with closing(sqlite3.connect(queue / "yizhan.db", isolation_level=None)) as somebody:
        somebody.execute("BEGIN").close()
        assert somebody.execute("SELECT count(*) FROM messages").fetchone() == (4,)
        refused = run_cli(queue, "restore", str(queue.parent / "copy.db"))
    assert refused.returncode == 1 and "close it first" in refused.stderr


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_killed_at_any_step_it_leaves_the_old_store_or_the_new_one(queue: Path, tmp_path: Path) -> None:
    copy, results = tmp_path / "copy.db", set()
    for step in range(1, 100):
        data = tmp_path / f"killed at {step}"
        shutil.copytree(queue, data)
        command = [sys.executable, "-c", DYING, str(step), "restore", str(copy), "--data", str(data)]
        status = subprocess.run(command, capture_output=True, timeout=60, check=False).returncode
        states = {row[0] for row in Program(data).query("SELECT state FROM messages")}
        assert states in ({1, 10}, {1, 4})
        results.add((status, tuple(states)))
        assert verify_file(data / "yizhan.db").faults == []
        if any("restoring" in name for name in names(data)):
            restored(data, str(copy))
            assert not any("restoring" in name for name in names(data)), "the next one tidies up"
        shutil.rmtree(data)
        if status == 0:
            break
    assert results == {(-signal.SIGKILL, (1, 10)), (-signal.SIGKILL, (1, 4)), (0, (1, 4))}, "killed on both sides of it"

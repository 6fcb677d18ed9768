"""A backup of a running gateway: one consistent file, whose books balance."""

import json
import shutil
import sqlite3
import stat
import threading
from pathlib import Path

from .program import Program, run_cli, running


def test_a_backup_under_load_opens_elsewhere_with_its_books_in_order(tmp_path: Path) -> None:
    copy, elsewhere = tmp_path / "copy.db", tmp_path / "elsewhere"
    with running(tmp_path / "data") as program:
        customer = program.account("load", credit=10_000)
        before = [program.send(customer) for _ in range(5)]
        done = threading.Event()

        def load() -> None:
            while not done.is_set():
                assert program.send(customer) > 0

        sending = threading.Thread(target=load)
        sending.start()
        try:
            made = run_cli(program.data, "backup", str(copy))
            again = run_cli(program.data, "backup", str(copy))
        finally:
            done.set()
            sending.join()
        assert made.returncode == 0, made.stderr
        assert again.returncode == 1 and "exists already" in again.stderr
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600
        assert run_cli(program.data, "ledger", "verify").returncode == 0
    good = run_cli(tmp_path, "verify", str(copy), "--json")
    assert good.returncode == 0 and json.loads(good.stdout)["rows"]["accounts"] == 1
    assert "the ledger holds" in run_cli(tmp_path, "verify", str(copy)).stdout
    elsewhere.mkdir()
    shutil.copy(copy, elsewhere / "yizhan.db")
    assert run_cli(elsewhere, "ledger", "verify").returncode == 0
    kept = Program(elsewhere).query("SELECT client_id FROM submissions")
    assert {(id_,) for id_ in before} <= set(kept)
    ((balance,),) = Program(elsewhere).query("SELECT balance_milli FROM accounts WHERE corp_id = 'load'")
    assert balance == 10_000_000 - 1_000 * len(kept)


def test_verify_says_what_is_wrong_with_a_copy(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        customer = program.account("C1", credit=500)
        for _ in range(50):
            assert program.send(customer) > 0
        assert run_cli(program.data, "backup", str(tmp_path / "good.db")).returncode == 0
    whole = (tmp_path / "good.db").read_bytes()

    def told(name: str, content: bytes) -> str:
        file = tmp_path / name
        file.write_bytes(content)
        done = run_cli(tmp_path, "verify", str(file), "--json")
        assert done.returncode == 1 and json.loads(done.stdout)["faults"]
        return done.stderr

    cut = told("cut.db", whole[: len(whole) // 2 // 4096 * 4096])
    assert "damaged" in cut or "cannot be read" in cut
    assert "cannot be read" in told("text.db", b"no database at all, but long enough to be looked at" * 99)
    assert "no store of Yizhan" in told("empty.db", b"")
    assert "no such file" in run_cli(tmp_path, "verify", str(tmp_path / "nothing.db")).stderr
    with sqlite3.connect(tmp_path / "good.db") as db:
        db.execute("UPDATE accounts SET balance_milli = balance_milli + 1")
    db.close()
    assert "the ledger does not hold" in run_cli(tmp_path, "verify", str(tmp_path / "good.db")).stderr

"""A backup of a running gateway: one consistent file, whose books balance."""

import shutil
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
    elsewhere.mkdir()
    shutil.copy(copy, elsewhere / "yizhan.db")
    assert run_cli(elsewhere, "ledger", "verify").returncode == 0
    kept = Program(elsewhere).query("SELECT client_id FROM submissions")
    assert {(id_,) for id_ in before} <= set(kept)
    ((balance,),) = Program(elsewhere).query("SELECT balance_milli FROM accounts WHERE corp_id = 'load'")
    assert balance == 10_000_000 - 1_000 * len(kept)


def test_the_doctor_says_when_the_disk_is_nearly_full(tmp_path: Path) -> None:
    with running(tmp_path / "data", YIZHAN_STORE__LOW_DISK_BYTES=str(2**62)) as program:
        ill = run_cli(program.data, "doctor")
        assert ill.returncode == 1 and "make room" in ill.stderr

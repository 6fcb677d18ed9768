"""The doctor exits with 1 for what needs somebody's hand, and says what to do."""

import json
import socket
from pathlib import Path

from .program import Program, eventually, run_cli, running


def complaint(program: Program) -> str:
    """What the doctor says on standard error; it exits with 1, also when it is asked for JSON."""
    ill = run_cli(program.data, "doctor", "--json")
    assert ill.stdout, ill.stderr
    assert ill.returncode == 1 and json.loads(ill.stdout)["well"] is False
    return ill.stderr


def test_the_disk_is_nearly_full(tmp_path: Path) -> None:
    with running(tmp_path / "data", YIZHAN_STORE__LOW_DISK_BYTES=str(2**62)) as program:
        assert "make room" in complaint(program)


def test_the_log_has_grown(tmp_path: Path) -> None:
    with running(tmp_path / "data", YIZHAN_STORE__LARGE_LOG_BYTES="1") as program:
        program.account("C1")
        assert "SQLite's log has" in complaint(program)


def test_a_carrier_is_down_until_somebody_pauses_it(tmp_path: Path) -> None:
    with socket.socket() as nobody, running(tmp_path / "data") as program:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        words = ("channel", "add", "carrier", "--host", "127.0.0.1", "--port", str(nobody.getsockname()[1]))
        assert run_cli(program.data, *words, "--system-id", "esme", "--source", "10690000").returncode == 0
        eventually(lambda: "refused" in complaint(program))
        assert "channel carrier is not bound" in complaint(program)
        assert "yizhan channel test carrier" in complaint(program)
        assert run_cli(program.data, "channel", "pause", "carrier").returncode == 0
        well = run_cli(program.data, "doctor")
        assert well.returncode == 0, well.stderr
        assert "paused" in well.stdout
    assert run_cli(program.data, "doctor").returncode == 0, "no channel is bound while no gateway runs"


def test_events_are_parked(tmp_path: Path) -> None:
    once = {"YIZHAN_PUSH__MAX_ATTEMPTS": "1", "YIZHAN_CHANNELS": '[{"name": "simulator", "receipt_delay_s": 0.05}]'}
    with running(tmp_path / "data", **once) as program:
        customer = program.account("C1")
        assert run_cli(program.data, "webhook", "set", "C1", "https://127.0.0.1/not-allowed").returncode == 0
        assert program.send(customer) > 0
        eventually(lambda: program.query("SELECT 1 FROM pushes WHERE parked"))
        assert "1 webhook events are parked" in complaint(program)
        assert "yizhan webhook replay" in complaint(program)


def test_the_store_is_damaged(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(data) as program:
        customer = program.account("C1")
        for _ in range(40):
            assert program.send(customer) > 0
        ((page,),) = program.query("SELECT rootpage FROM sqlite_master WHERE name = 'messages'")
    whole = (data / "yizhan.db").read_bytes()
    (data / "yizhan.db").write_bytes(whole[: (page - 1) * 4096] + b"\xff" * 4096 + whole[page * 4096 :])
    assert "go back to a backup: yizhan restore" in complaint(program)

"""Files and sockets are for their owner only, whatever the umask of whoever starts the program."""

import os
import shlex
import stat
import subprocess
import sys
from pathlib import Path

from .program import first_run, run_cli


def open_to_others(folder: Path) -> dict[str, str]:
    """Everything below ``folder``, itself included, that its group or others may touch."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode & 0o077:
            found[path.name] = oct(mode)
    return found


def test_a_node_started_under_umask_000(tmp_path: Path) -> None:
    former = os.umask(0)
    try:
        with first_run(tmp_path / "data", "--demo") as gateway:
            customer = gateway.account("acme")
            assert gateway.send(customer) > 0
            gateway.wait_for("delivered")
            names = {path.name for path in gateway.data.iterdir()}
            assert names >= {"yizhan.db", "yizhan.db-wal", "admin.sock", "lock", "node.json"}
            assert any(name.endswith(".jsonl") for name in names), "the simulator's journal"
            assert not open_to_others(gateway.data)
    finally:
        os.umask(former)


def test_commands_under_umask_000(tmp_path: Path) -> None:
    data = tmp_path / "made" / "data"
    command = f"umask 000; exec {shlex.quote(sys.executable)} -m yizhan account add acme --credit 1"
    environ = {**os.environ, "YIZHAN_DATA": str(data)}
    subprocess.run(["sh", "-c", command], env=environ, check=True, capture_output=True, timeout=60)
    assert (data / "yizhan.db").exists() and not open_to_others(data)


def test_a_directory_that_everybody_may_write_in_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o777)
    done = run_cli(data, "account", "list")
    assert done.returncode == 1 and "chmod o-w" in done.stderr
    assert not (data / "yizhan.db").exists()

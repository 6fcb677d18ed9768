"""systemd, HAProxy and Docker's parser read what is meant for them, and find nothing to complain of."""

import os
import subprocess
from pathlib import Path

import pytest

from peers.roster import HAPROXY, SYSTEMD, Stack

from .manifests import DEPLOY, HAPROXY_CFG, UNIT, compose, containerfile

# What is left is what the program needs: the network, sockets, the system's files to read (systemd-analyze(1); a tenth
# of a point each step, 0 is closed).
EXPOSURE_TENTHS = 12


def run(stack: Stack, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """The program of ``stack``; skips the test where there is none."""
    if reason := stack.missing():
        pytest.skip(reason)
    words = [*stack.command, *arguments]
    return subprocess.run(words, env={**os.environ, **environ}, capture_output=True, text=True, check=False)


def installed(tmp_path: Path, old: str = "", new: str = "") -> str:
    """The unit on a machine where its program is there, with ``old`` made ``new``."""
    program = tmp_path / "yizhan"
    program.touch(0o755)
    text = UNIT.read_text().replace("/opt/yizhan/.venv/bin/yizhan", str(program))
    assert old in text
    (tmp_path / UNIT.name).write_text(text.replace(old, new))
    return str(tmp_path / UNIT.name)


@pytest.mark.parametrize(
    "old, new, complaints",
    [
        pytest.param("", "", 0, id="as it stands"),
        pytest.param("ProtectClock", "ProtectClocks", 1, id="a misspelt key"),
        pytest.param("TimeoutStopSec=30", "TimeoutStopSec=30q", 1, id="a wrong value"),
        pytest.param("@privileged", "@privilege", 1, id="no such group of system calls"),
        pytest.param("/yizhan serve", "/yizhan-gone serve", 1, id="no such program"),
    ],
)
def test_systemd_takes_the_unit(tmp_path: Path, old: str, new: str, complaints: int) -> None:
    """It reads other units of this machine too; what it says of those is not ours."""
    done = run(SYSTEMD, "verify", installed(tmp_path, old, new))
    assert len([line for line in done.stderr.splitlines() if UNIT.name in line]) == complaints, done.stderr


def test_the_unit_is_closed_but_for_what_it_needs(tmp_path: Path) -> None:
    words = ("security", "--offline=true", f"--threshold={EXPOSURE_TENTHS}")
    done = run(SYSTEMD, *words, installed(tmp_path))
    assert done.returncode == 0, done.stdout
    assert run(SYSTEMD, *words, installed(tmp_path, "CapabilityBoundingSet=\n")).returncode != 0, "one line less"


@pytest.mark.parametrize(
    "environ, right",
    [
        pytest.param({}, True, id="as it stands: one node"),
        pytest.param(compose()["services"]["proxy"]["environment"], True, id="the nodes of compose.yaml"),
        pytest.param({"NODE2": "10.83.0.12:no"}, False, id="a wrong second node is read"),
    ],
)
def test_haproxy_takes_its_file(environ: dict[str, str], right: bool) -> None:
    done = run(HAPROXY, "-c", "-f", str(HAPROXY_CFG), **environ)
    assert (done.returncode == 0) is right, done.stderr


def test_docker_reads_the_containerfile_as_these_tests_do() -> None:
    docker = pytest.importorskip("dockerfile", reason="its wheels are for x86-64: make install has it there")
    commands = docker.parse_file(str(DEPLOY / "Containerfile"))
    assert [(command.cmd, command.value) for command in commands] == containerfile()

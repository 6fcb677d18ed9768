"""What systemd hears."""

import socket
from pathlib import Path

import pytest

from yizhan.kit.supervisor import tell_supervisor


@pytest.mark.parametrize("abstract", [False, True], ids=["a file", "an abstract name"])
def test_it_hears(tmp_path: Path, abstract: bool) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        name = f"@{tmp_path}/n" if abstract else f"{tmp_path}/n"
        supervisor.bind(name.replace("@", "\0"))
        supervisor.settimeout(5)
        tell_supervisor("READY=1", {"NOTIFY_SOCKET": name})
        assert supervisor.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "environ",
    [
        pytest.param({}, id="nobody there"),
        pytest.param({"NOTIFY_SOCKET": ""}, id="an empty name"),
        pytest.param({"NOTIFY_SOCKET": "relative"}, id="no address"),
        pytest.param({"NOTIFY_SOCKET": "/nowhere/at/all"}, id="nobody listens"),
    ],
)
def test_nobody_hears_and_nothing_breaks(environ: dict[str, str]) -> None:
    tell_supervisor("READY=1", environ)

"""The real program, started with the words and the variables of ``deploy/``: it takes calls, and probes hear of it."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from postgres import Cluster
from river.program import TEXT, Program, form, md5, running

from .manifests import ROOT, Node, compose, copies, image, in_compose, in_kubernetes, in_unit, options, unit


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_image_runs_makes_a_gateway(tmp_path: Path) -> None:
    """Its COPY and RUN in a folder, with this Python, by pip's own configuration; the user is the image's business."""
    for source, place in copies():
        target = tmp_path / place.lstrip("/")
        target.parent.mkdir(exist_ok=True)
        (shutil.copytree if (ROOT / source).is_dir() else shutil.copy)(ROOT / source, target)
    steps = image()["RUN"][0].split(" && ")
    assert "useradd" in steps.pop()
    script = " && ".join(steps).replace("python -m venv", f"{sys.executable} -m venv")
    (tmp_path / "opt").mkdir()
    for folder in ("/src", "/opt"):
        script = re.sub(rf"(?<=\s){folder}", f"{tmp_path}{folder}", script)
    made = subprocess.run(["sh", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    program = f"{tmp_path}{image()['ENTRYPOINT'][0]}"
    add = [program, "account", "add", "acme", "--password-stdin", "--data", str(tmp_path / "data")]
    told = subprocess.run(add, input="secret", capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    parts = [f"{Path(program).parent}/python", "-c", "import psycopg, yizhan.node.serve"]
    assert subprocess.run(parts, cwd=tmp_path, check=False).returncode == 0
    shutil.rmtree(tmp_path / "opt")  # pytest keeps the folder, which is a large one


@pytest.mark.parametrize(
    "node", [pytest.param(in_compose(), id="compose"), pytest.param(in_kubernetes(), id="kubernetes")]
)
def test_a_node_runs_as_it_says(node: Node, cluster: Cluster, tmp_path: Path) -> None:
    """The image's words and the manifest's environment, with a database of ours; its probes ask."""
    environ = {name: "" if value is None else value for name, value in node.environ.items()}
    environ["YIZHAN_STORE__URL"] = cluster.new_database()
    command = " ".join(image()["ENTRYPOINT"][2:]).replace(node.data, str(tmp_path / "data"))
    with running(tmp_path / "data", *command.replace(f":{node.port}", ":0").split(), **environ) as program:
        for path in node.probes.values():
            assert httpx.get(f"http://127.0.0.1:{program.address[1]}{path}").status_code == 200
        call_goes_through(program)


def test_the_unit_starts_and_says_when_it_is_ready(tmp_path: Path) -> None:
    """Its ``ExecStart`` with the sample configuration; somebody stands where systemd listens."""
    program, command, *words = shlex.split(unit()["ExecStart"][0])
    assert (Path(program).name, command, unit()["Type"]) == ("yizhan", "serve", ["notify"])
    paths = {options(words)["--config"]: str(ROOT / "etc" / "yizhan.toml"), in_unit().data: str(tmp_path / "data")}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(20)
        environ = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        with running(tmp_path / "data", *(paths.get(word, word) for word in words), **environ) as node:
            assert systemd.recv(100) == b"READY=1"
            call_goes_through(node)
        assert systemd.recv(100) == b"STOPPING=1"


def test_compose_asks_as_written(tmp_path: Path) -> None:
    """The healthcheck's own words, asked of a program and of nobody."""
    test = compose()["services"]["node1"]["healthcheck"]["test"]
    assert test[:2] == ["CMD", image()["ENTRYPOINT"][0].replace("yizhan/bin/yizhan", "yizhan/bin/python")]
    with running(tmp_path / "data") as program:
        script = test[-1].replace(f":{in_compose().port}", f":{program.address[1]}")
        assert subprocess.run([sys.executable, *test[2:-1], script], env=os.environ, check=False).returncode == 0
    assert subprocess.run([sys.executable, *test[2:-1], script], capture_output=True, check=False).returncode != 0


def call_goes_through(program: Program) -> None:
    """An account is made, and its call is charged."""
    account = program.account("acme")
    body = form(CorpID="acme", Pwd=md5(account.password), Mobile="13800000000", Content=TEXT, Cell="", SendTime="")
    answer = httpx.post(f"http://127.0.0.1:{program.address[1]}/sdk2/IntlSend.aspx", content=body)
    assert int(answer.text) > 0
    program.wait_for("delivered")

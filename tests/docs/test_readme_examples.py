"""Every example of the README, run as written against a real gateway (only the port is another)."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .pages import README

PATIENCE_S = 30.0
SHELL_TOOLS = ("sh", "curl", "iconv", "md5sum")
IDS = re.compile(r"[1-9][0-9]{8}")


class Bench:
    """A running gateway with the demo account, and a place to run examples beside it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        # No proxy between the examples and loopback; no interval, so that the order of the tests does not matter.
        self._environ = {name: value for name, value in os.environ.items() if not name.startswith("YIZHAN_")}
        self._environ |= {"NO_PROXY": "*", "no_proxy": "*", "YIZHAN_POLICY__QUERY_INTERVAL_S": "0"}
        self._environ |= {"YIZHAN_DATA": str(data), "PYTHONUTF8": "1", "YIZHAN_ADMIN__API_LISTEN": "none"}
        self._environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{self._environ['PATH']}"
        self._log = (data.parent / "node.log").open("w+", encoding="utf-8")
        self._node = subprocess.Popen(
            [sys.executable, "-m", "yizhan", "serve", "--demo", "--listen", "127.0.0.1:0"],
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=self._log,
        )

    def wait_until_ready(self) -> None:
        """Read the node's address from its log."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._node.poll() is None:
            self._log.seek(0)
            if ready := [line for line in self._log.read().splitlines() if '"event": "ready"' in line]:
                self.host = json.loads(ready[0])["url"].split("/")[2]
                return
            time.sleep(0.05)
        self._log.seek(0)
        raise AssertionError(f"the node is not ready: {self._log.read()}")

    def run(self, *command: str, example: str = "") -> str:
        """Run a command with an example as its standard input; what it prints."""
        own = example.replace("127.0.0.1:8080", self.host)
        done = subprocess.run(
            command, input=own, capture_output=True, text=True, env=self._environ, timeout=PATIENCE_S, check=False
        )
        assert done.returncode == 0, (own, done.stdout, done.stderr)
        return done.stdout

    @property
    def folder(self) -> Path:
        """Where an example may leave files."""
        return self._data.parent

    @contextmanager
    def beside(self, *command: str) -> Iterator[str]:
        """A program that runs while the block lasts: the first line that it prints."""
        process = subprocess.Popen(command, env=self._environ, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield process.stdout.readline()
        finally:
            process.terminate()
            assert process.wait(PATIENCE_S) == 0
            process.stdout.close()

    def stop(self) -> int:
        """End the node: its exit status."""
        self._node.terminate()
        status = self._node.wait(PATIENCE_S)
        self._log.close()
        return status


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One gateway for all examples."""
    bench = Bench(tmp_path_factory.mktemp("readme") / "data")
    try:
        bench.wait_until_ready()
        yield bench
    finally:
        status = bench.stop()
    assert status == 0


def shell_example(word: str) -> str:
    """The only shell block that holds ``word``."""
    (block,) = [block for block in README.blocks_in("sh") if word in block]
    return block


needs_shell = pytest.mark.skipif(not all(map(shutil.which, SHELL_TOOLS)), reason=f"needs {', '.join(SHELL_TOOLS)}")


@needs_shell
def test_the_quick_start(bench: Bench) -> None:
    (submission,) = IDS.findall(bench.run("sh", "-eu", example=shell_example("curl -d 'CorpID")))
    follow_up = shell_example("message show").replace(". .venv/bin/activate\n", "").replace("100000000", submission)
    told = bench.run("sh", "-eu", example=follow_up)
    assert "您的验证码是123456【测试】" in told
    assert f"of submission {submission}" in told


@needs_shell
def test_curl(bench: Bench) -> None:
    lines = bench.run("sh", "-eu", example=shell_example("KEY=")).splitlines()
    assert len(lines) == 3
    assert all(IDS.fullmatch(line) for line in lines[:2]), lines
    assert int(lines[2]) > 0
    listed = json.loads(bench.run("yizhan", "message", "list", "--json", "--limit", "2"))
    assert [message["text"] for message in listed] == ["您的订单已发货【测试】"] * 2


@needs_shell
def test_json(bench: Bench) -> None:
    example = shell_example("Idempotency-Key").replace(
        "yizhan-data/admin.sock", str(bench.folder / "data" / "admin.sock")
    )
    first, again = (json.loads(bench.run("sh", "-eu", example=example)) for _ in range(2))
    assert [one["repeated"] for one in (first, again)] == [False, True]
    assert first["submission"] == again["submission"] and first["numbers"][0]["number"] == "+8613800000000"


@needs_shell
def test_curl_with_the_plain_password(bench: Bench) -> None:
    answer = bench.run("sh", "-eu", example=shell_example("BatchSend2.aspx")).strip()
    (newest,) = json.loads(bench.run("yizhan", "message", "list", "--json", "--limit", "1"))
    assert (answer, newest["text"]) == (str(newest["submission"]), "您的订单已发货【测试】")


TESTS = [block for block in README.blocks_in("python") if "sms_inbox" in block]
PROGRAMS = [block for block in README.blocks_in("python") if block not in TESTS]


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_python(bench: Bench, program: str) -> None:
    assert IDS.fullmatch(bench.run(sys.executable, example=program).strip())


def test_the_example_of_the_pytest_plugin(bench: Bench) -> None:
    (example,) = TESTS
    file = bench.folder / "test_example.py"
    file.write_text(example, encoding="utf-8")
    assert "1 passed" in bench.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(file))


def test_php(bench: Bench) -> None:
    php = shutil.which("php")
    if php is None or "soap" not in bench.run(php, "-m"):
        pytest.skip("needs php with its soap extension")
    (example,) = README.blocks_in("php")
    assert IDS.fullmatch(bench.run(php, "-d", "soap.wsdl_cache_enabled=0", example=example).strip())


@needs_shell
def test_accounts_and_ledger(bench: Bench) -> None:
    bench.run("sh", "-eu", example=shell_example("account add"))
    (account,) = [
        one for one in json.loads(bench.run("yizhan", "account", "list", "--json")) if one["account"] == "acme"
    ]
    assert (account["balance"], account["signature"], account["lane"]) == (1500, "【某某商城】", "urgent")
    assert account["batch_send_id"] is True
    assert account["allow_ips"] == ["198.51.100.7/32", "203.0.113.0/24"]
    assert "order 42" in bench.run("sh", "-eu", example=shell_example("ledger verify"))


@needs_shell
def test_connecting_a_carrier(bench: Bench) -> None:
    """The section's blocks one behind the other, with an SMSC at the port that they name."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start = shell_example("yizhan simulate smsc").replace("2775", str(port)).replace("127.0.0.1:2776", "127.0.0.1:0")
    with bench.beside(*start.split(), "--json") as ready:
        control = json.loads(ready)["control"]

        def run(word: str) -> str:
            example = shell_example(word).replace("2775", str(port)).replace("127.0.0.1:2776", control)
            return bench.run("sh", "-eu", example=example.replace("carrier.pcap", str(bench.folder / "carrier.pcap")))

        told = run("yizhan channel add")
        assert "carrier" in told and "answers" in told
        bench.run("yizhan", "channel", "add", "simulator", "--kind", "simulator")
        deadline = time.monotonic() + PATIENCE_S
        while "bound 1 of 1" not in bench.run("yizhan", "channel", "list"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        told = run("yizhan route add")
        assert "code" in told and "over carrier (75%)" in told.replace("over simulator (25%), ", "")
        (submission,) = IDS.findall(bench.run("sh", "-eu", example=shell_example("curl -d 'CorpID")))
        assert "收到" not in bench.run("yizhan", "message", "replies")
        assert '"submits"' in run("simulate tell")
        while "收到" not in bench.run("yizhan", "message", "replies"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert submission in bench.run("yizhan", "message", "list", "--json")
        assert "bind_transceiver" in run("channel trace")
        assert (bench.folder / "carrier.pcap").stat().st_size > 24
        for route in json.loads(bench.run("yizhan", "route", "list", "--json")):
            bench.run("yizhan", "route", "remove", str(route["id"]))
        bench.run("yizhan", "channel", "remove", "carrier")


@needs_shell
def test_sending_from_the_command_line(bench: Bench) -> None:
    assert IDS.search(bench.run("sh", "-eu", example=shell_example("yizhan send")))

"""The commands beside a running node: sent messages, their stories, refusals, cancelling."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import httpx
import pytest

from yizhan.cli.show import local_time

from .shell import Shell

PASSWORD = "secret"
MESSAGE_KEYS = {"id", "submission", "account", "number", "text", "parts", "price", "state", "channel", "accepted_at"}


class Node:
    """A running node, and the commands beside it."""

    def __init__(self, shell: Shell, address: str) -> None:
        self.shell = shell
        self.address = address

    def send(self, mobile: str, content: str, **more: str) -> int:
        """IntlSend by HTTP as the manual says; the answer as a number."""
        pwd = md5(PASSWORD.encode()).hexdigest()
        values = {"CorpID": "C1", "Pwd": pwd, "Mobile": mobile, "Content": content, **more}
        response = httpx.post(f"{self.address}/sdk2/utf8/IntlSend.aspx", data=values)
        return int(response.text)

    def messages(self, *switches: str) -> list[dict[str, Any]]:
        """``message list --json``."""
        rows: list[dict[str, Any]] = self.shell.json("message", "list", *switches)
        return rows

    def wait_for(self, state: str, submission: int) -> dict[str, Any]:
        """The first message of a submission once it is in ``state``."""
        for _ in range(100):
            rows = self.messages("--submission", str(submission), "--state", state)
            if rows:
                return rows[0]
            time.sleep(0.1)
        raise AssertionError(self.messages("--submission", str(submission)))


def wait_until_ready(log: Path, process: "subprocess.Popen[bytes]") -> None:
    """Until the node says so. No command is asked: it would hold the lock when the node wants it."""
    for _ in range(200):
        if b'"ready"' in log.read_bytes():
            return
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node on a deep data directory with a socket left over from kill -9, and an account with 100 条."""
    data: Path = tmp_path_factory.mktemp("node") / ("d" * 100)
    data.mkdir()
    shell = Shell(data)
    shell.run("account", "add", "C1", "--credit", "100", "--password-stdin", stdin=PASSWORD)
    (data / "admin.sock").touch()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [sys.executable, "-m", "yizhan", "serve", "--data", str(data), "--listen", listen]
    log = data.parent / "node.log"
    environ = {**os.environ, "YIZHAN_ADMIN__API_LISTEN": "none"}
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environ) as process:
        try:
            wait_until_ready(log, process)
            yield Node(shell, f"http://{listen}")
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def test_doctor_reaches_the_node(node: Node) -> None:
    health = node.shell.json("doctor")
    assert (health["node"], health["well"]) == ("running", True)
    assert [channel["name"] for channel in health["channels"]] == ["simulator"]


def test_a_message_and_its_story(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "您好[red]验证码 1234【测试】"
    submission = node.send("13800000000", text)
    assert submission >= 100_000_000
    row = node.wait_for("delivered", submission)
    assert row.keys() >= MESSAGE_KEYS
    assert (row["account"], row["number"], row["text"]) == ("C1", "+8613800000000", text)
    assert (row["parts"], row["price"], row["channel"]) == (1, 1, "simulator")
    (story,) = node.shell.json("message", "show", str(submission))
    assert story["message"] == row
    assert node.shell.json("message", "show", str(row["id"])) == [story]
    assert len(story["steps"]) >= 3
    assert all(step.keys() == {"at", "station", "what", "why"} for step in story["steps"])
    for columns in ("80", "120"):
        monkeypatch.setenv("COLUMNS", columns)
        out = node.shell.run("message", "show", str(submission)).stdout
        assert text in out
        assert "DELIVRD" in out


def test_list_is_newest_first_and_filtered(node: Node) -> None:
    first = node.send("13800000001,13800000002,13800000003", "一【测试】")
    second = node.send("13800000004", "二【测试】")
    rows = node.messages("--limit", "4")
    assert [row["submission"] for row in rows] == [second, first, first, first]
    assert [row["id"] for row in rows] == sorted((row["id"] for row in rows), reverse=True)
    assert {row["submission"] for row in node.messages("--submission", str(first))} == {first}
    assert [row["number"] for row in node.messages("--number", "+8613800000004")] == ["+8613800000004"]
    assert node.messages("--account", "C1", "--limit", "1") == rows[:1]
    assert "+8613800000004" in node.shell.run("message", "list").stdout


def test_pages_join_without_a_gap(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    submission = node.send(",".join(f"1390000{n:04}" for n in range(10, 17)), "页【测试】")
    monkeypatch.setattr("yizhan.cli.message.PAGE", 3)
    rows = node.messages("--submission", str(submission), "--limit", "6")
    assert len({row["id"] for row in rows}) == 6


@pytest.mark.parametrize(("numbers", "told"), [pytest.param(100, False, id="all"), pytest.param(101, True, id="cut")])
def test_stories_that_are_left_out_are_not_hidden(node: Node, numbers: int, told: bool) -> None:
    node.shell.run("account", "topup", "C1", str(numbers))
    submission = node.send(",".join(f"1391000{n:04}" for n in range(10, 10 + numbers)), "多【测试】")
    shown = node.shell.run("message", "show", str(submission))
    assert shown.stdout.count("1 part (ucs2)") == 100
    assert ("the last 100 messages of the submission only" in shown.stdout) is told


def test_cancel(node: Node) -> None:
    balance = node.shell.json("account", "show", "C1")["balance"]
    submission = node.send("13800000005,13800000006", "晚【测试】", SendTime="20991231235959")
    assert [row["state"] for row in node.messages("--submission", str(submission))] == ["scheduled"] * 2
    listed = node.shell.run("message", "list", "--state", "scheduled").stdout
    assert listed.startswith("to be sent ")
    assert listed.count(local_time("2099-12-31T15:59:59.000Z")) == 2
    assert node.shell.json("account", "show", "C1")["balance"] == balance - 2
    assert node.shell.json("message", "cancel", str(submission)) == {"submission": submission, "cancelled": 2}
    assert [row["state"] for row in node.messages("--submission", str(submission))] == ["cancelled"] * 2
    assert node.shell.json("account", "show", "C1")["balance"] == balance
    result = node.shell.run("message", "cancel", str(submission), "--json", code=1)
    assert json.loads(result.stdout)["cancelled"] == 0
    assert "waits" in result.stderr
    assert node.shell.json("ledger", "verify")["holds"] is True


def test_refused(node: Node) -> None:
    node.shell.run("keyword", "add", "视频")
    assert node.send("13800000000", "看视*频【测试】") == -12
    for _ in range(50):  # written in the background
        refusals = node.shell.json("message", "refused", "--limit", "5")
        if refusals:
            break
        time.sleep(0.1)
    assert refusals[0].keys() == {"at", "operation", "account", "address", "reject", "code", "hit", "text", "id"}
    assert (refusals[0]["reject"], refusals[0]["code"]) == ("keyword", -12)
    assert "视" in refusals[0]["hit"]
    assert "keyword" in node.shell.run("message", "refused").stdout


def test_the_socket_is_private(node: Node) -> None:
    assert (node.shell.data / "admin.sock").stat().st_mode & 0o777 == 0o600

"""The commands on a real store, without a node: what they print, as JSON and for people, and their exit status."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .shell import Shell

ACCOUNT_KEYS = {
    "account",
    "enabled",
    "balance",
    "lane",
    "signature_rule",
    "signature",
    "allow_ips",
    "batch_send_id",
    "extension",
    "opt_out",
    "agent",
    "made_by",
    "created_at",
}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


class TestAccount:
    def test_add_prints_a_generated_password(self, shell: Shell) -> None:
        made = shell.json("account", "add", "C1", "--credit", "10.5")
        assert made.keys() == ACCOUNT_KEYS | {"password"}
        assert re.fullmatch(r"[A-Za-z0-9]{24}", made["password"])
        assert made["balance"] == 10.5
        assert (made["account"], made["enabled"], made["lane"], made["signature_rule"]) == (
            "C1",
            True,
            "auto",
            "required",
        )
        assert RFC3339.fullmatch(made["created_at"])
        assert shell.json("account", "add", "C2")["password"] != made["password"]

    def test_add_shows_the_password_to_people_too(self, shell: Shell) -> None:
        out = shell.run("account", "add", "C1").stdout
        assert re.search(r"^password +[A-Za-z0-9]{24} *$", out, re.MULTILINE)

    @pytest.mark.parametrize("how", ["stdin", "file"])
    def test_add_with_a_password_never_prints_it(self, shell: Shell, tmp_path: Path, how: str) -> None:
        secret = "geheim 密码"
        (tmp_path / "secret").write_text(secret + "\n", encoding="utf-8")
        switch = ["--password-stdin"] if how == "stdin" else ["--password-file", str(tmp_path / "secret")]
        made = shell.json("account", "add", "C1", *switch, stdin=f"{secret}\n")
        assert made.keys() == ACCOUNT_KEYS
        assert secret not in json.dumps(made, ensure_ascii=False)

    def test_all_switches(self, shell: Shell) -> None:
        switches = "--lane urgent --signature-rule bound --signature 【驿站】 --allow-ip 10.0.0.0/8 --allow-ip ::1"
        made = shell.json("account", "add", "C1", *switches.split())
        assert (made["lane"], made["signature_rule"], made["signature"]) == ("urgent", "bound", "【驿站】")
        assert [network.split("/")[0] for network in made["allow_ips"]] == ["10.0.0.0", "::1"]
        changed = shell.json("account", "set", "C1", "--lane", "auto", "--no-allow-ip")
        assert (changed["lane"], changed["allow_ips"], changed["signature"]) == ("auto", [], "【驿站】")
        assert shell.json("account", "show", "C1") == changed

    def test_list(self, shell: Shell) -> None:
        assert shell.json("account", "list") == []
        assert "account add" in shell.run("account", "list").stdout
        shell.run("account", "add", "C1", "--credit", "3")
        shell.run("account", "add", "C2")
        accounts = shell.json("account", "list")
        assert [account["account"] for account in accounts] == ["C1", "C2"]
        assert all(account.keys() == ACCOUNT_KEYS for account in accounts)
        assert re.search(r"^C1 +3 +yes", shell.run("account", "list").stdout, re.MULTILINE)

    def test_a_profile(self, shell: Shell) -> None:
        shell.run("account", "add", "C1")
        nothing = dict.fromkeys(("corp_name", "link_man", "tel", "mobile", "email", "memo"), "")
        assert shell.json("account", "profile", "C1") == nothing
        changed = nothing | {"corp_name": "门店", "memo": "合同 42"}
        assert shell.json("account", "profile", "C1", "--corp-name", "门店", "--memo", "合同 42") == changed
        assert shell.json("account", "profile", "C1", "--corp-name", "") == changed | {"corp_name": ""}
        assert "500 characters" in shell.error("account", "profile", "C1", "--memo", "x" * 501)
        assert "no account C2" in shell.error("account", "profile", "C2", "--memo", "x")
        assert shell.json("account", "profile", "C1")["memo"] == "合同 42"
        assert "合同 42" in shell.run("account", "profile", "C1").stdout

    def test_topup_and_its_ledger(self, shell: Shell) -> None:
        shell.run("account", "add", "C1", "--credit", "5")
        assert shell.json("account", "topup", "C1", "2.125", "--note", "paid [red]")["balance"] == 7.125
        assert shell.json("account", "topup", "C1", "-2")["balance"] == 5.125
        assert json.loads(shell.run("account", "topup", "C1", "--json", "--", "-5.125").stdout)["balance"] == 0
        assert "balance" in shell.error("account", "topup", "C1", "-0.001")
        entries = shell.json("ledger", "show", "--account", "C1")
        assert [entry["amount"] for entry in entries] == [-5.125, -2, 2.125, 5]
        assert entries[2]["note"] == "paid [red]"
        assert {"id", "at", "account", "kind", "amount", "other", "submission", "note"} == entries[0].keys()
        assert len(shell.json("ledger", "show", "--limit", "2")) == 2
        assert "paid [red]" in shell.run("ledger", "show").stdout
        check = shell.json("ledger", "verify")
        assert check["holds"] is True
        assert check["faults"] == []
        assert "holds" in shell.run("ledger", "verify").stdout

    def test_enable_and_disable(self, shell: Shell) -> None:
        shell.run("account", "add", "C1")
        assert shell.json("account", "disable", "C1")["enabled"] is False
        assert shell.json("account", "enable", "C1")["enabled"] is True

    @pytest.mark.parametrize(
        "words",
        [
            pytest.param(["account", "add", "C1"], id="an account that exists"),
            pytest.param(["account", "show", "C9"], id="show an unknown one"),
            pytest.param(["account", "set", "C9", "--lane", "auto"], id="set an unknown one"),
            pytest.param(["account", "topup", "C9", "1"], id="top up an unknown one"),
            pytest.param(["account", "disable", "C9"], id="disable an unknown one"),
            pytest.param(["account", "add", "C2", "--allow-ip", "10.0.0.0/33"], id="a network that is none"),
            pytest.param(["account", "set", "C1", "--signature", "no brackets"], id="a signature that is none"),
            pytest.param(["account", "add", "C2", "--password-stdin"], id="an empty password"),
            pytest.param(["account", "show", "../ledger"], id="a path"),
        ],
    )
    def test_what_fails_says_why_and_exits_1(self, shell: Shell, words: list[str]) -> None:
        shell.run("account", "add", "C1")
        assert shell.error(*words).startswith("yizhan: ")
        assert [account["account"] for account in shell.json("account", "list")] == ["C1"]


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["account", "add"], id="no account"),
        pytest.param(["account", "add", "C1", "--password", "x"], id="a password in the process list"),
        pytest.param(["account", "add", "C1", "--credit", "-1"], id="negative credit"),
        pytest.param(["account", "add", "C1", "--credit", "1.0001"], id="four decimals"),
        pytest.param(["account", "add", "C1", "--credit", "sNaN"], id="not a number"),
        pytest.param(["account", "add", "C1", "--credit", "1e999999"], id="an absurd exponent"),
        pytest.param(["account", "add", "C1", "--lane", "slow"], id="no such lane"),
        pytest.param(["account", "set", "C1"], id="nothing to change"),
        pytest.param(["account", "set", "C1", "--no-allow-ip", "--allow-ip", "::1"], id="a contradiction"),
        pytest.param(["account", "topup", "C1", "--amount"], id="an unknown switch where a number is due"),
        pytest.param(["message", "show", "abc"], id="an id that is none"),
        pytest.param(["message", "list", "--limit", "0"], id="no messages at all"),
        pytest.param(["keyword", "import", "does-not-exist"], id="no such file"),
        pytest.param(["nonsense"], id="no such command"),
    ],
)
def test_wrong_usage_exits_2(shell: Shell, words: list[str]) -> None:
    shell.error(*words, code=2)
    assert list(shell.data.iterdir()) == []


class TestKeyword:
    def test_add_list_remove(self, shell: Shell) -> None:
        assert shell.json("keyword", "list") == []
        assert shell.json("keyword", "add", "视频", "[red]", "视频") == {"given": 3, "added": 2}
        assert shell.json("keyword", "add", "视频") == {"given": 1, "added": 0}
        assert sorted(shell.json("keyword", "list")) == ["[red]", "视频"]
        assert "[red]" in shell.run("keyword", "list").stdout.splitlines()
        assert shell.json("keyword", "remove", "[red]") == {"given": 1, "removed": 1}
        assert "list" in shell.error("keyword", "remove", "[red]")

    @pytest.mark.parametrize(
        "raw",
        [
            pytest.param("视频\n镕基\n".encode(), id="utf-8"),
            pytest.param("\ufeff视频\r\n\r\n  镕基  ".encode(), id="utf-8 with mark and CRLF"),
            pytest.param("视频\n镕基\n".encode("gb18030"), id="gb18030"),
        ],
    )
    def test_import(self, shell: Shell, tmp_path: Path, raw: bytes) -> None:
        shell.run("keyword", "add", "视频")
        (tmp_path / "words.txt").write_bytes(raw)
        assert shell.json("keyword", "import", str(tmp_path / "words.txt")) == {"given": 2, "added": 1}
        assert shell.json("keyword", "import", "-", stdin=raw) == {"given": 2, "added": 0}
        assert sorted(shell.json("keyword", "list")) == sorted(["视频", "镕基"])

    @pytest.mark.parametrize("raw", [b"", b"\n \n", b"\xff\xff\xff"], ids=["empty", "blank", "no charset"])
    def test_import_of_nothing(self, shell: Shell, tmp_path: Path, raw: bytes) -> None:
        (tmp_path / "words.txt").write_bytes(raw)
        shell.error("keyword", "import", str(tmp_path / "words.txt"))

    def test_test_shows_the_hit_and_its_place(self, shell: Shell) -> None:
        shell.run("keyword", "add", "视频")
        (hit,) = shell.json("keyword", "test", "看视*频吧")
        assert hit == {"keyword": "视频", "start": 1, "end": 4}
        assert shell.run("keyword", "test", "看视*频吧").stdout == "视频: characters 2 to 4, written 视*频\n"
        assert shell.json("keyword", "test", "您好") == []
        assert "no forbidden keyword" in shell.run("keyword", "test", "您好").stdout


def test_ip(shell: Shell) -> None:
    entry = shell.json("ip", "block", "10.1.0.0/16", "--minutes", "5", "--reason", "\x1b[2J[red]")
    assert entry.keys() == {"network", "reason", "until", "created_at"}
    assert entry["network"] == "10.1.0.0/16"
    assert RFC3339.fullmatch(entry["until"])
    assert entry["until"] > entry["created_at"]
    assert shell.json("ip", "block", "192.0.2.1")["until"] is None
    assert len(shell.json("ip", "list")) == 2
    out = shell.run("ip", "list").stdout
    assert "␛[2J[red]" in out
    assert "\x1b[2J" not in out
    assert shell.json("ip", "unblock", "10.1.0.0/16") == {"network": "10.1.0.0/16", "blocked": False}
    shell.run("ip", "unblock", "192.0.2.1")
    assert shell.json("ip", "list") == []
    shell.error("ip", "unblock", "192.0.2.1")
    shell.error("ip", "block", "300.1.1.1")


def test_number(shell: Shell) -> None:
    shell.run("account", "add", "C1")
    everybody = shell.json("number", "block", "13800000000", "--reason", "asked")
    assert everybody.keys() == {"number", "account", "reason", "created_at"}
    assert (everybody["number"], everybody["account"]) == ("+8613800000000", None)
    assert shell.json("number", "block", "+85290000000", "--account", "C1")["account"] == "C1"
    assert len(shell.json("number", "list")) == 2
    assert "+85290000000" in shell.run("number", "list", "--account", "C1").stdout
    answer = shell.json("number", "unblock", "+85290000000", "--account", "C1")
    assert answer == {"number": "+85290000000", "account": "C1", "blocked": False}
    shell.run("number", "unblock", "13800000000")
    assert shell.json("number", "list") == []
    shell.error("number", "unblock", "13800000000")
    shell.error("number", "block", "\x1b[31m")
    shell.error("number", "block", "13800000000", "--account", "C9")


def test_message_commands_on_an_empty_store(shell: Shell) -> None:
    assert shell.json("message", "list") == []
    assert shell.run("message", "list").stdout == "no messages\n"
    assert shell.json("message", "refused") == []
    shell.error("message", "show", "100000000")
    shell.error("message", "show", str(2**63))
    shell.error("message", "cancel", "100000000")
    shell.error("message", "list", "--state", "nonsense")


def test_doctor(shell: Shell) -> None:
    shell.run("account", "add", "C1", "--credit", "1")
    health = shell.json("doctor")
    assert (health["well"], health["node"], health["store"], health["accounts"]) == (True, "not running", "ok", 1)
    assert health["ledger"]["faults"] == []
    assert isinstance(health["channels"], list)
    assert re.search(r"^store +ok *$", shell.run("doctor").stdout, re.MULTILINE)


def test_a_missing_data_directory(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "new")
    assert "no data directory" in shell.error("account", "list")
    assert "no data directory" in shell.error("doctor")
    shell.run("account", "add", "C1")
    assert len(shell.json("account", "list")) == 1


def test_data_switch_wins_over_the_environment(shell: Shell, tmp_path: Path) -> None:
    shell.run("account", "add", "C1", "--data", str(tmp_path / "other"))
    assert shell.json("account", "list") == []
    assert len(shell.json("account", "list", "--data", str(tmp_path / "other"))) == 1


@pytest.mark.parametrize("words", [["version"], ["--version"]])
def test_version(shell: Shell, words: list[str]) -> None:
    assert re.fullmatch(r"yizhan \d+\.\d+\.\d+\n", shell.run(*words).stdout)


def test_version_json(shell: Shell) -> None:
    assert shell.json("version").keys() == {"version"}


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys; from yizhan.cli.app import app\n"
        "heavy = {'fastapi', 'sqlalchemy', 'httpx', 'rich', 'uvicorn', 'structlog'} & sys.modules.keys()\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_real_command_in_a_chinese_locale(tmp_path: Path) -> None:
    """Over the process border: bytes, exit status, and a terminal that cannot show everything."""
    words = [sys.executable, "-m", "yizhan", "keyword", "add", "视频", "--data", str(tmp_path), "--json"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii", "LANG": "C.UTF-8"}
    done = subprocess.run(words, capture_output=True, check=False, env=env)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {"given": 1, "added": 1}
    done = subprocess.run(
        [*words[:3], "keyword", "list", "--data", str(tmp_path)], capture_output=True, check=False, env=env
    )
    assert (done.returncode, done.stdout) == (0, b"\\u89c6\\u9891\n")

"""``yizhan send`` and ``yizhan balance`` against a foreign platform: output, standard error and exit status."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import typer
from typer.testing import CliRunner, Result

from yizhan.cli import fetch
from yizhan.cli.send import register
from yizhan.client.numbers import read_numbers

from .foreign import MD5_OF_SECRET, HangUp, Platform, Say

TEXT = "您好【公司】"
app = typer.Typer(pretty_exceptions_enable=False)
register(app)
fetch.register(app)


def run(*words: str, stdin: str | bytes | None = "secret\n", env: dict[str, str | None] | None = None) -> Result:
    return CliRunner().invoke(app, list(words), input=stdin, env=env or {"YIZHAN_PASSWORD": None})


def send(platform: Platform, *words: str, **how: Any) -> Result:
    return run("send", "--url", platform.url, "--corp", "C1", "--password-stdin", *words, **how)


def balance(platform: Platform, *words: str, **how: Any) -> Result:
    return run("balance", "--url", platform.url, "--corp", "C1", *words, **how)


def many(count: int) -> list[str]:
    return [f"138{n:08d}" for n in range(count)]


def test_one_number(platform: Platform) -> None:
    platform.will_say(b"159653393")
    result = send(platform, "--to", "13800000000", "--cell", "12", "--send-time", "20300101080000", TEXT)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "accepted 159653393: 1 number, 13800000000\n"
    assert platform.heard[0].body.decode() == (
        f"CorpID=C1&Pwd={MD5_OF_SECRET}&Mobile=13800000000&Content=%C4%FA%BA%C3%A1%BE%B9%AB%CB%BE%A1%BF&Cell=12"
        "&SendTime=20300101080000"
    )


def test_charset_and_soap_are_passed_on(platform: Platform) -> None:
    platform.will_say(b"1", b"<IntlSendResult>2</IntlSendResult>")
    assert send(platform, "--to", "13800000000", "--charset", "utf-8", TEXT).exit_code == 0
    assert b"%E6%82%A8" in platform.heard[0].body
    assert send(platform, "--to", "13800000000", "--soap", TEXT).stdout.startswith("accepted 2:")
    assert f"<Content>{TEXT}</Content>".encode() in platform.heard[1].body


def test_a_file_is_split_at_500_and_repeated_numbers_are_left_out(platform: Platform, tmp_path: Path) -> None:
    numbers = many(501)
    file = tmp_path / "numbers.txt"
    file.write_bytes("\r\n".join(["\ufeff# 客户", *numbers, "+86" + numbers[0]]).encode())
    platform.will_say(b"11", b"12")
    result = send(platform, "--file", str(file), "--to", numbers[3], TEXT)
    assert result.exit_code == 0
    assert result.stderr == "yizhan: 2 repeated numbers left out\n"
    assert result.stdout.splitlines()[1] == f"accepted 12: 1 number, {numbers[500]}"
    sent = [parse_qs(heard.body.decode())["Mobile"][0].split(",") for heard in platform.heard]
    assert [len(numbers) for numbers in sent] == [500, 1]
    assert sorted(sent[0] + sent[1]) == numbers


@pytest.mark.parametrize(
    "failure, said, resendable",
    [
        pytest.param(
            b"-5", "yizhan: -5 余额不足,请充值 (the balance is too low for this call)\n", (500, 1100), id="refused"
        ),
        pytest.param(HangUp(), "yizhan: no answer: 127.0.0.1:", (1000, 1100), id="uncertain"),
        pytest.param(Say(b"down", 502), "a LinkWS platform: HTTP 502: down\n", (1000, 1100), id="502"),
    ],
)
def test_a_failure_in_the_middle_names_every_number(
    platform: Platform, tmp_path: Path, failure: Any, said: str, resendable: tuple[int, int]
) -> None:
    numbers = many(1100)
    file = tmp_path / "numbers.txt"
    file.write_text("\n".join(numbers))
    platform.will_say(b"11", failure, b"13")
    result = send(platform, "--file", str(file), TEXT)
    assert result.exit_code == 1
    assert len(platform.heard) == 2
    assert result.stdout == f"accepted 11: 500 numbers, {numbers[0]} to {numbers[499]}\n"
    assert said in result.stderr
    # What follows the messages is a list for --file: only numbers that were certainly not sent.
    block = "".join(line for line in result.stderr.splitlines(keepends=True) if not line.startswith("yizhan: "))
    assert read_numbers(block) == numbers[slice(*resendable)]
    assert ",".join(numbers[500:1000]) in block
    assert ("UNCERTAIN" in block) == (resendable[0] == 1000)


def test_json_names_every_number(platform: Platform) -> None:
    numbers = many(501)
    platform.will_say(b"11", b"-12")
    result = send(platform, "--to", ",".join(numbers), "--json", TEXT)
    assert result.exit_code == 1
    document = json.loads(result.stdout)
    assert (document["accepted"], document["repeated"]) == (500, 0)
    first, second = document["calls"]
    assert first == {"fate": "accepted", "id": 11, "code": None, "error": None, "numbers": numbers[:500]}
    assert (second["fate"], second["id"], second["code"], second["numbers"]) == ("refused", None, -12, numbers[500:])
    assert second["error"].startswith("-12 关键字")
    assert result.stderr == f"yizhan: {second['error']}\n"


def test_interrupted_while_a_call_is_under_way(platform: Platform) -> None:
    """Ctrl-C while the platform works on the second call: that one is uncertain, the third was not tried."""
    numbers = many(1001)
    script = "import typer; from yizhan.cli.send import register; app = typer.Typer(); register(app); app()"
    command = [
        sys.executable,
        "-c",
        script,
        "send",
        "--url",
        platform.url,
        "--corp",
        "C1",
        "--password-stdin",
        "--json",
    ]
    child = subprocess.Popen(
        [*command, "--password-stdin", "--to", ",".join(numbers), TEXT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONUTF8": "1"},
    )

    def interrupt(heard: object) -> None:
        if len(platform.heard) == 2:
            child.send_signal(signal.SIGINT)
            platform.over.wait(10)

    platform.before = interrupt
    platform.will_say(b"11")
    stdout, stderr = child.communicate(b"secret\n", timeout=30)
    platform.over.set()
    assert child.returncode == 1, stderr
    assert [call["fate"] for call in json.loads(stdout)["calls"]] == ["accepted", "uncertain", "not_tried"]
    assert stderr.decode() == "yizhan: interrupted while a call was under way\n"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--to", "13800000000", "--charset", "latin1", TEXT], id="charset"),
        pytest.param(["--to", "Alice", TEXT], id="no number"),
        pytest.param([TEXT], id="no numbers"),
        pytest.param(["--file", "does-not-exist.txt", TEXT], id="no file"),
        pytest.param(["--to", "13800000000"], id="no text"),
        pytest.param(["--to", "13800000000", "\ud800"], id="text that no charset has"),
        pytest.param(["--to", "13800000000", "--url", "127.0.0.1/sdk2/", TEXT], id="no address"),
        pytest.param(["--to", "13800000000", "--password", "secret", TEXT], id="password on the command line"),
    ],
)
def test_wrong_usage_exits_2_and_sends_nothing(platform: Platform, words: list[str]) -> None:
    result = send(platform, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr
    assert platform.heard == []


def test_balance(platform: Platform) -> None:
    platform.will_say(b"42", b"42")
    result = balance(platform, "--password-stdin")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "42\n", "")
    assert json.loads(balance(platform, "--password-stdin", "--json").stdout) == {"balance": 42}


def test_balance_by_soap(platform: Platform) -> None:
    platform.will_say(b"<GetBalanceResult>-101</GetBalanceResult>")
    result = balance(platform, "--password-stdin", "--soap", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["code"] == -101
    assert result.stderr.startswith("yizhan: -101 调用接口速度太快(大于30s) ")


def test_what_a_platform_says_cannot_steer_the_terminal(platform: Platform) -> None:
    platform.will_say(b"\x1b[2J\x1b]0;gotcha\x07")
    result = balance(platform, "--password-stdin")
    assert result.exit_code == 1
    assert "\x1b" not in result.stderr
    assert "\x07" not in result.stderr


@pytest.mark.parametrize(
    "words, stdin, variable",
    [
        pytest.param(["--password-stdin"], "secret\r\nrest", None, id="first line only"),
        pytest.param(["--password-stdin"], "\ufeffsecret", None, id="BOM, no line end"),
        pytest.param(["--password-stdin"], "secret\n", "wrong", id="standard input before the environment"),
        pytest.param([], "", "secret", id="environment"),
    ],
)
def test_where_the_password_comes_from(platform: Platform, words: list[str], stdin: str, variable: str | None) -> None:
    platform.will_say(b"1")
    assert balance(platform, *words, stdin=stdin, env={"YIZHAN_PASSWORD": variable}).exit_code == 0
    assert platform.heard[0].body.decode() == f"CorpID=C1&Pwd={MD5_OF_SECRET}"


@pytest.mark.parametrize(
    "words, stdin",
    [
        pytest.param([], "secret\n", id="none given"),
        pytest.param(["--password-stdin"], "", id="empty"),
        pytest.param(["--password-stdin"], b"\xff\xff\n", id="not UTF-8"),
    ],
)
def test_no_password_exits_2(platform: Platform, words: list[str], stdin: str | bytes) -> None:
    result = balance(platform, *words, stdin=stdin)
    assert (result.exit_code, platform.heard) == (2, [])
    assert "password" in result.stderr

"""``yizhan channel`` and ``yizhan route`` on a store without a node; what needs one is in tests/river."""

import json
import sqlite3
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from .shell import Shell

SMPP = ("--host", "smsc.example.com", "--system-id", "me", "--source", "1069")


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An account and two channels."""
    shell = Shell(tmp_path_factory.mktemp("furnished") / "data")
    shell.json("account", "add", "C1", "--credit", "5")
    shell.json("channel", "add", "a", *SMPP, "--password-stdin", stdin="topsecret\n")
    shell.json("channel", "add", "b", "--kind", "simulator")
    return shell.data


@pytest.fixture
def two(furnished: Path, shell: Shell) -> Shell:
    """The same, for one test alone."""
    copytree(furnished, shell.data, dirs_exist_ok=True)
    return shell


def test_a_channel_comes_back_without_its_password(two: Shell) -> None:
    card = two.json("channel", "show", "a")
    assert (
        card["settings"]
        | {
            "name": "a",
            "kind": "smpp",
            "host": "smsc.example.com",
            "port": 2775,
            "password": "***",
            "window": 32,
        }
        == card["settings"]
    )
    assert "receipt_delay_s" not in card["settings"] and card["in_file"] is False
    everything = two.run("channel", "show", "a").stdout + two.run("channel", "list").stdout
    everything += json.dumps(two.json("channel", "list"))
    with sqlite3.connect(two.data / "yizhan.db") as db:
        everything += str(db.execute("SELECT before, after FROM audit").fetchall())
    db.close()
    assert "topsecret" not in everything
    assert "smsc.example.com" in everything
    assert two.json("channel", "show", "b")["settings"].keys() >= {"receipt_delay_s"}


def test_set_changes_what_is_named_and_keeps_the_rest(two: Shell) -> None:
    card = two.json("channel", "set", "a", "--set", "window=50", "--set", "tls=true", "--set", "rate_per_s=12.5")
    assert (card["settings"]["window"], card["settings"]["tls"], card["settings"]["rate_per_s"]) == (50, True, 12.5)
    assert card["settings"]["host"] == "smsc.example.com" and card["settings"]["password"] == "***"
    with sqlite3.connect(two.data / "yizhan.db") as db:
        (kept,) = db.execute("SELECT settings FROM channels WHERE name = 'a'").fetchone()
    db.close()
    assert json.loads(kept)["password"] == "topsecret" and "port" not in json.loads(kept), "no defaults are kept"


WRONG: dict[str, tuple[list[str], str]] = {
    "an unknown key": (["set", "a", "--set", "windw=3"], "windw: unknown key, did you mean window?"),
    "a number out of range": (["set", "a", "--set", "window=0"], "window"),
    "a word that is none of them": (
        ["set", "a", "--set", "uncertain=maybe"],
        'uncertain: must be one of "resend", "hold", not \'maybe\'',
    ),
    "text for a number": (
        ["set", "a", "--set", "port=http"],
        "port: must be a whole number from 1 to 65535, not 'http'",
    ),
    "a key of the other kind": (["set", "b", "--set", "host=x"], 'host: only with kind = "smpp"'),
    "the other kind": (["set", "a", "--set", "kind=simulator"], 'host, system_id, password: only with kind = "smpp"'),
    "no host": (["add", "c", "--system-id", "me"], "needs host and system_id"),
    "half a certificate": (["set", "a", "--set", "tls_cert=/x.pem"], "both or neither"),
    "a name that is none": (["add", "a b", *SMPP], "name"),
    "a name that is taken": (["add", "a", *SMPP], "there is a channel a already"),
    "an unknown channel": (["pause", "nobody"], "no channel nobody"),
    "no node to try it with": (["test", "a"], "only while the node runs"),
    "no channel to trace": (["trace", "nobody"], "no channel nobody"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG.keys())
def test_mistakes_are_told_and_change_nothing(two: Shell, words: list[str], said: str) -> None:
    before = two.json("channel", "list")
    assert said in two.error("channel", *words)
    assert two.json("channel", "list") == before


@pytest.mark.parametrize(
    "words",
    [
        pytest.param([], id="nothing to change"),
        pytest.param(["--set", "window"], id="no value"),
        pytest.param(["--set", "name=b"], id="another name"),
        pytest.param(["--set", "password=x"], id="a password for everybody to read"),
        pytest.param(["--password-env", "X", "--password-stdin"], id="two passwords"),
    ],
)
def test_wrong_usage(two: Shell, words: list[str]) -> None:
    two.error("channel", "set", "a", *words, code=2)


def test_values_that_look_like_numbers(two: Shell) -> None:
    words = ("--set", "system_id=12345", "--set", "source=0106", "--set", "system_type=true", "--set", "data_coding=8")
    settings = two.json("channel", "set", "a", *words)["settings"]
    wanted = {"system_id": "12345", "source": "0106", "system_type": "true", "data_coding": 8}
    assert settings | wanted == settings
    two.json("channel", "set", "a", "--password-stdin", stdin="0815\n")
    with sqlite3.connect(two.data / "yizhan.db") as db:
        (kept,) = db.execute("SELECT settings FROM channels WHERE name = 'a'").fetchone()
        (told,) = db.execute("SELECT after FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    db.close()
    assert json.loads(kept)["password"] == "0815" and json.loads(told)["password"] == "*** (changed)"


def test_one_place_of_the_password_after_another(two: Shell) -> None:
    settings = two.json("channel", "set", "a", "--password-file", "secret")["settings"]
    assert (settings["password"], settings["password_file"]) == ("", str(Path("secret").absolute()))
    settings = two.json("channel", "set", "a", "--password-env", "CARRIER")["settings"]
    assert (settings["password"], settings["password_file"], settings["password_env"]) == ("", None, "CARRIER")
    settings = two.json("channel", "set", "a", "--password-stdin", stdin="x\n")["settings"]
    assert (settings["password"], settings["password_file"], settings["password_env"]) == ("***", None, "")


def test_pause_resume_remove(two: Shell) -> None:
    two.json("channel", "pause", "a")
    with sqlite3.connect(two.data / "yizhan.db") as db:
        assert db.execute("SELECT name FROM paused_channels").fetchall() == [("a",)]
    two.json("channel", "resume", "a")
    with sqlite3.connect(two.data / "yizhan.db") as db:
        assert db.execute("SELECT name FROM paused_channels").fetchall() == []
    db.close()
    assert two.json("channel", "remove", "a") == {"channel": "a", "removed": True}
    assert [one["name"] for one in two.json("channel", "list")] == ["b"]
    assert "no channel a" in two.error("channel", "remove", "a")


def test_routes(two: Shell) -> None:
    made = two.json(
        "route", "add", "--to", "a=3,b=1", "--to", "b", "--account", "C1", "--class", "code", "--reason", "why"
    )
    assert made == {
        "id": 1,
        "position": 1,
        "account": "C1",
        "prefix": None,
        "country": None,
        "network": None,
        "text_class": "code",
        "tiers": [{"a": 3, "b": 1}, {"b": 1}],
        "note": "why",
    }
    two.json("route", "add", "--to", "b", "--prefix", "+86139", "--network", "cm", "--country", "86")
    two.json("route", "move", "2", "--to", "1")
    listed: list[dict[str, Any]] = two.json("route", "list")
    assert [(one["position"], one["id"]) for one in listed] == [(1, 2), (2, 1)]
    assert "prefix 86139, country 86, network cm" in two.run("route", "list").stdout
    assert "a=3 + b=1, else b=1" in two.run("route", "list").stdout
    assert "rule 1, 2 names the channel b" in two.error("channel", "remove", "b")
    two.json("route", "remove", "1")
    assert [one["id"] for one in two.json("route", "list")] == [2]
    told = two.json("route", "explain", "--to", "13912345678", "--account", "C1", "--text", "您的验证码是1【驿站】")
    assert (told["number"], told["country"], told["network"], told["text_class"]) == (
        "+8613912345678",
        "86",
        "cm",
        "code",
    )
    assert (told["rule"]["id"], told["open"], told["rejected"]) == (
        2,
        {},
        [{"channel": "b", "why": "there is no such channel", "reason": "missing", "detail": ""}],
    )


WRONG_ROUTES: dict[str, tuple[list[str], str]] = {
    "a channel that is not there": (["add", "--to", "nobody"], "no channel nobody"),
    "an account that is not there": (["add", "--to", "a", "--account", "X"], "no account X"),
    "a prefix that is none": (["add", "--to", "a", "--prefix", "12x"], "a prefix"),
    "a country that is none": (["add", "--to", "a", "--country", "0852"], "calling code"),
    "a network that is none": (["add", "--to", "a", "--network", "xx"], "cm, cu, ct, cb"),
    "a class that is none": (["add", "--to", "a", "--class", "spam"], "code, notice, marketing"),
    "a weight out of range": (["add", "--to", "a=0"], "a weight"),
    "a rule that is not there": (["remove", "9"], "no route 9"),
    "moving nothing": (["move", "9", "--to", "1"], "no route 9"),
    "explaining no number": (["explain", "--to", "x", "--account", "C1"], "not a telephone number"),
}


@pytest.mark.parametrize(("words", "said"), WRONG_ROUTES.values(), ids=WRONG_ROUTES.keys())
def test_wrong_routes_are_told(two: Shell, words: list[str], said: str) -> None:
    assert said in two.error("route", *words)
    assert two.json("route", "list") == []


@pytest.mark.parametrize("to", ["", "a=", "=3", "a=x", "a,,b"])
def test_tiers_that_cannot_be_read(two: Shell, to: str) -> None:
    two.error("route", "add", "--to", to, code=2)


@pytest.mark.parametrize("words", [["resend", "10000000001"], ["give-up", "10000000001"]])
def test_there_is_nothing_to_decide(two: Shell, words: list[str]) -> None:
    assert "10000000001 is n" in two.error("message", *words)

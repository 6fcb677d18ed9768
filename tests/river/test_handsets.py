"""Handsets: the fate of their messages is chosen, and seen by the client that sent them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .program import Customer, Program, eventually, form, md5, run_cli, running
from .smsc import smsc
from .test_carrier import channels


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for all tests of this file."""
    with running(tmp_path_factory.mktemp("handsets") / "data") as program:
        yield program


@pytest.fixture(scope="module")
def customer(program: Program) -> Customer:
    """Who sends."""
    return program.account("C1")


def ends(program: Program, customer: Customer, number: str) -> tuple[str, str]:
    """The state and the word that a message to ``number`` ends with."""
    submission = program.send(customer, Mobile=number)

    def ended() -> Any:
        (message,) = program.messages(submission=submission)
        return message if message["finished_at"] else None

    message = eventually(ended)
    return message["state"], message["word"]


@pytest.mark.parametrize(
    ("fate", "state", "word"),
    [
        pytest.param("undelivered", "failed", "UNDELIV", id="undelivered"),
        pytest.param("expired", "expired", "EXPIRED", id="expired"),
        pytest.param("rejected", "rejected", "REJECTD", id="rejected"),
        pytest.param("refused", "failed", "RINVDSTADR", id="refused at once"),
        pytest.param("delivered", "delivered", "DELIVRD", id="delivered, whatever the digits say"),
    ],
)
def test_the_next_message_only(program: Program, customer: Customer, fate: str, state: str, word: str) -> None:
    number = "13800000001" if fate == "delivered" else "13800000000"
    chosen = program.api("POST", "/simulator/fates", json={"fate": fate, "to": number})
    assert chosen == {"to": f"+86{number}", "fate": fate, "left": 1, "delay_s": 0.0}
    assert ends(program, customer, number) == (state, word)
    assert program.api("GET", "/simulator/fates") == []
    usual = ("failed", "UNDELIV") if fate == "delivered" else ("delivered", "DELIVRD")
    assert ends(program, customer, number) == usual


def test_by_the_command_line_until_it_is_forgotten(program: Program, customer: Customer) -> None:
    made = run_cli(program.data, "simulate", "fate", "rejected", "--always")
    assert made.returncode == 0, made.stderr
    assert made.stdout.split()[-4:] == ["any", "rejected", "all", "0"]
    assert [ends(program, customer, f"1380000001{n}")[1] for n in range(2)] == ["REJECTD", "REJECTD"]
    gone = run_cli(program.data, "simulate", "fate", "--forget")
    assert "nothing is chosen" in gone.stdout + gone.stderr
    again = run_cli(program.data, "simulate", "fate", "--forget")
    assert again.returncode == 1
    assert "nothing is chosen for any number" in again.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["lost"], "a fate is one of delivered, undelivered,", id="no such fate"),
        pytest.param(["expired", "--to", "12"], "not a telephone number", id="no number"),
    ],
)
def test_what_cannot_be_chosen(program: Program, words: list[str], says: str) -> None:
    told = run_cli(program.data, "simulate", "fate", *words)
    assert told.returncode == 1
    assert says in told.stderr


def test_a_message_is_released_to_a_real_channel(tmp_path: Path) -> None:
    """On purpose, once, free of charge; its story and that of the copy tell, its program hears nothing."""
    with smsc(tmp_path / "smsc") as carrier:
        sandbox = {"name": "sandbox", "kind": "simulator", "receipt_delay_s": 0}
        both = channels(sandbox, carrier.channel(name="real"))
        with running(tmp_path / "data", **both) as us:
            customer = us.account("C1")
            us.api("POST", "/routes", json={"tiers": [{"sandbox": 1}]})
            submission = us.send(customer, Mobile="13800000000", Cell="12")
            (message,) = us.wait_for("delivered", submission=submission)
            assert message["channel"] == "sandbox"
            assert carrier.submits() == []
            released = run_cli(us.data, "message", "release", str(message["id"]), "--channel", "real")
            assert released.returncode == 0, released.stderr
            (copy,) = us.wait_for("delivered", count=2)[:1]
            assert {key: copy[key] for key in ("channel", "text", "number", "price", "account")} == {
                "channel": "real",
                "text": message["text"],
                "number": "+8613800000000",
                "price": 0,
                "account": "C1",
            }
            assert len(carrier.submits()) == 1
            assert us.balance(customer) == 999
            assert us.api("GET", "/ledger/check")["faults"] == []

            twice = run_cli(us.data, "message", "release", str(message["id"]), "--channel", "real")
            assert twice.returncode == 1
            assert f"released over real before, as message {copy['id']}" in twice.stderr
            for id, channel, says in (
                (message["id"], "sandbox", "is a simulator"),
                (message["id"], "nowhere", "no channel nowhere"),
                (copy["id"], "real", "was in no simulator"),
                (1, "real", "no message 1"),
            ):
                told = run_cli(us.data, "message", "release", str(id), "--channel", channel)
                assert told.returncode == 1
                assert says in told.stderr
            assert len(us.messages()) == 2

            (story,) = us.api("GET", f"/messages/{message['id']}")
            assert f"released over channel real as message {copy['id']}" in [step["what"] for step in story["steps"]]
            (story,) = us.api("GET", f"/messages/{copy['id']}")
            assert story["steps"][0]["what"] == f"released: a copy of message {message['id']}, for the real telephone"
            (entry,) = [one for one in us.api("GET", "/audit") if one["action"] == "message release"]
            assert (entry["actor"][:4], entry["subject"]) == ("cli:", str(message["id"]))
            assert json.loads(entry["after"]) == {
                "channel": "real",
                "message": copy["id"],
                "submission": copy["submission"],
            }

            fetch = form(CorpID="C1", Pwd=md5(customer.password))
            reports = us.post("GetReportSMS", fetch).text
            assert f"{submission}$$$$$" in reports
            assert str(copy["submission"]) not in reports


def test_a_blocked_number_gets_no_release(tmp_path: Path) -> None:
    sandbox = {"name": "sandbox", "kind": "simulator", "receipt_delay_s": 0}
    real = {"name": "real", "kind": "smpp", "host": "127.0.0.1", "port": 9, "system_id": "us", "password": "x"}
    with running(tmp_path / "data", **channels(sandbox, real)) as us:
        us.send(us.account("C1"), Mobile="13800000000")
        (message,) = us.wait_for("delivered")
        us.api("POST", "/numbers", json={"number": "13800000000"})
        told = run_cli(us.data, "message", "release", str(message["id"]), "--channel", "real")
        assert told.returncode == 1
        assert "+8613800000000 is blocked" in told.stderr

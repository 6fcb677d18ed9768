"""Handsets: the fate of their messages is chosen, and seen by the client that sent them."""

from collections.abc import Iterator
from typing import Any

import pytest

from .program import Customer, Program, eventually, run_cli, running


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

"""People who log in at the console: made, changed and removed by API and command."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from .program import Program, run_cli, running

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for all tests of this file."""
    with running(tmp_path_factory.mktemp("people") / "data") as program:
        program.account("C1")
        yield program


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        pytest.param({"name": "a b", "role": "admin"}, "a name has", id="a name with a space"),
        pytest.param({"name": "a" * 33, "role": "admin"}, "a name has", id="a name too long for the audit log"),
        pytest.param({"name": "x", "role": "root"}, "Input should be", id="no such role"),
        pytest.param({"name": "x", "role": "customer"}, "a customer has an account", id="without an account"),
        pytest.param({"name": "x", "role": "admin", "account": "C1"}, "and nobody else", id="an admin with one"),
        pytest.param({"name": "x", "role": "customer", "account": "C9"}, "no account C9", id="no such account"),
        pytest.param({"name": "x", "role": "admin", "password": "x" * 14}, "15 to 256", id="14 characters"),
        pytest.param({"name": "taken", "role": "admin"}, "there is a person taken", id="the name is taken"),
    ],
)
def test_wrong_wishes(program: Program, wish: dict[str, str], said: str) -> None:
    if not program.api("GET", "/people"):
        program.api("POST", "/people", json={"name": "taken", "role": "admin", "password": PASSWORD})
    with pytest.raises(AssertionError) as refused:
        program.api("POST", "/people", json={"password": PASSWORD, **wish})
    assert said in str(refused.value) and PASSWORD not in str(refused.value)
    assert [one["name"] for one in program.api("GET", "/people")] == ["taken"]


def test_the_command(program: Program) -> None:
    def run(*words: str, stdin: str = "") -> Any:
        done = run_cli(program.data, "person", *words, "--json", stdin=stdin)
        return json.loads(done.stdout) if done.returncode == 0 else done.stderr

    made = run("add", "li", "--role", "customer", "--account", "C1")
    assert len(made["password"]) == 24 and (made["role"], made["account"], made["disabled"]) == (
        "customer",
        "C1",
        False,
    )
    assert run("set-password", "li", "--password-stdin", stdin=f"{PASSWORD}\n") == {"name": "li"}
    assert run("disable", "li") == {"name": "li", "disabled": True}
    (li,) = [one for one in run("list") if one["name"] == "li"]
    assert li["disabled"] is True and li["seen_at"] is None
    assert run("enable", "li") == {"name": "li", "disabled": False}
    (credential,) = program.query("SELECT credential FROM people WHERE name = 'li'")[0]
    assert credential.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert run("remove", "li") == {"name": "li", "removed": True}
    for deed in (("remove", "li"), ("disable", "li"), ("enable", "li"), ("set-password", "li")):
        assert "no person li" in run(*deed)
    log = [one for one in program.api("GET", "/audit") if one["subject"] == "li"]
    assert [one["action"].split()[1] for one in reversed(log)] == ["add", "set-password", "disable", "enable", "remove"]
    assert PASSWORD not in str(log) and made["password"] not in str(log)

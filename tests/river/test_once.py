"""Changes by the admin API that come again under their key are done once, and answered the same again."""

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from .program import Program, running

PASSWORD = "correct horse battery"
SMPP = {"kind": "smpp", "host": "127.0.0.1", "port": 1, "system_id": "x", "password": "x"}


def ask(program: Program, path: str, body: Any, key: str | None, actor: str = "test") -> httpx.Response:
    """POST with a key."""
    headers = {"X-Yizhan-Actor": actor, **({} if key is None else {"Idempotency-Key": key})}
    transport = httpx.HTTPTransport(uds=str(program.data / "admin.sock"), verify=False)
    with httpx.Client(transport=transport, base_url="http://admin/api/v1", timeout=20) as client:
        return client.post(path, json=body, headers=headers)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One for all tests of this file."""
    with running(tmp_path_factory.mktemp("once") / "data") as program:
        program.account("C1", credit=10)
        yield program


@pytest.mark.parametrize(
    ("path", "body", "rows"),
    [
        pytest.param("/accounts", {"account": "N1", "password": "x", "credit": 5}, "accounts", id="an account"),
        pytest.param("/accounts/C1/topup", {"amount": 7}, "ledger", id="a top-up"),
        pytest.param("/accounts/C1/disable", None, "audit", id="an account disabled"),
        pytest.param("/people", {"name": "li", "role": "auditor", "password": PASSWORD}, "people", id="a person"),
        pytest.param("/channels", {"name": "c1", "settings": SMPP}, "audit", id="a channel"),
        pytest.param("/channels/c1/pause", None, "audit", id="a channel paused"),
        pytest.param("/routes", {"tiers": [{"c1": 1}]}, "routes", id="a route"),
        pytest.param("/keywords", {"words": ["某词"]}, "audit", id="keywords"),
        pytest.param("/numbers", {"number": "13800000009"}, "audit", id="a blocked number"),
        pytest.param("/addresses", {"network": "192.0.2.1", "minutes": 5}, "audit", id="a blocked address"),
        pytest.param("/webhooks/replay", {}, "audit", id="events sent again"),
    ],
)
def test_it_is_done_once(program: Program, path: str, body: Any, rows: str) -> None:
    def count() -> int:
        return int(program.query(f"SELECT count(*) FROM {rows}")[0][0])

    before = count()
    first = ask(program, path, body, f"key-of-{path}")
    assert first.is_success and count() == before + 1, first.text
    again = ask(program, path, body, f"key-of-{path}")
    assert (again.status_code, again.content) == (first.status_code, first.content) and count() == before + 1
    assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers


@pytest.mark.parametrize(
    ("path", "body", "rows"),
    [
        pytest.param("/tokens", {"name": "t1", "role": "auditor"}, "tokens", id="a token"),
        pytest.param("/cards", {"count": 2, "credit": 1}, "cards", id="cards"),
    ],
)
def test_a_secret_is_told_once(program: Program, path: str, body: Any, rows: str) -> None:
    made = ask(program, path, body, f"secret-of-{path}")
    assert made.status_code == 201 and made.headers["cache-control"] == "no-store"
    count = program.query(f"SELECT count(*) FROM {rows}")
    again = ask(program, path, body, f"secret-of-{path}")
    assert again.status_code == 409 and "secret" in again.json()["detail"]
    assert program.query(f"SELECT count(*) FROM {rows}") == count
    answer = made.json()
    secret = answer["token"] if path == "/tokens" else answer[0]["password"]
    assert secret not in str(program.query("SELECT * FROM answers"))


TOPUP = ("/accounts/C1/topup", {"amount": 1})


def test_a_key_stands_for_one_request_of_one_caller(program: Program) -> None:
    path, body = TOPUP
    assert ask(program, path, body, "mine").status_code == 200
    for other in ({"amount": 2}, {"amount": 1, "note": "x"}):
        refused = ask(program, path, other, "mine")
        assert refused.status_code == 422 and "another request" in refused.json()["detail"]
    assert ask(program, "/accounts/C1/enable", None, "mine").status_code == 422
    theirs = ask(program, path, body, "mine", actor="somebody else")
    assert theirs.status_code == 200 and "idempotent-replayed" not in theirs.headers
    plain = ask(program, path, body, None)
    assert plain.json()["balance"] == theirs.json()["balance"] + 1, "without a key it is done each time"


def test_what_was_refused_leaves_its_key_free(program: Program) -> None:
    account, body = "/accounts", {"account": "N2", "password": "x", "credit": 5}
    assert ask(program, "/accounts/N2/topup", {"amount": -8}, "take").status_code == 404
    assert ask(program, account, {**body, "colour": 1}, "make").status_code == 422
    assert ask(program, account, body, "make").status_code == 201
    assert ask(program, "/accounts/N2/topup", {"amount": -8}, "take").status_code == 409, "the balance is too low"
    program.api("POST", "/accounts/N2/topup", json={"amount": 5})
    assert ask(program, "/accounts/N2/topup", {"amount": -8}, "take").json()["balance"] == 2


@pytest.mark.parametrize(
    "key", [pytest.param("", id="empty"), pytest.param("a b", id="a space"), pytest.param("x" * 65, id="too long")]
)
def test_what_is_no_key(program: Program, key: str) -> None:
    refused = ask(program, *TOPUP, key)
    assert refused.status_code == 422 and refused.headers["content-type"] == "application/problem+json"


def test_many_at_once(program: Program) -> None:
    before = program.api("GET", "/accounts/C1")["balance"]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: ask(program, *TOPUP, "at-once"), range(24)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert program.api("GET", "/accounts/C1")["balance"] == before + 1
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert ask(program, *TOPUP, "at-once").headers["idempotent-replayed"] == "true"


def test_it_is_known_after_a_crash(tmp_path: Path) -> None:
    with running(tmp_path / "data") as program:
        program.account("C1", credit=10)
        first = ask(program, *TOPUP, "kept")
        program.stop(signal.SIGKILL)
        program.start()
        again = ask(program, *TOPUP, "kept")
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert program.api("GET", "/accounts/C1")["balance"] == 11

"""The admin API over the network: who has no token gets nothing, and each role what it may, on every path."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from .program import TEXT, Program, run_cli, running

ROLES = {"a": "admin", "o": "operator", "r": "auditor", "c": "customer"}
# Every path with those who may call it.
TABLE = {
    "GET /accounts": "aor",
    "POST /accounts": "ao",
    "GET /accounts/{account}/profile": "aor",
    "PATCH /accounts/{account}/profile": "ao",
    "GET /accounts/{account}": "aorc",
    "PATCH /accounts/{account}": "ao",
    "POST /accounts/{account}/topup": "ao",
    "POST /accounts/{account}/enable": "ao",
    "POST /accounts/{account}/disable": "ao",
    "GET /ledger": "aorc",
    "GET /ledger/check": "aor",
    "GET /keywords": "aor",
    "POST /keywords": "ao",
    "POST /keywords/remove": "ao",
    "POST /keywords/test": "aor",
    "GET /addresses": "aor",
    "POST /addresses": "ao",
    "DELETE /addresses": "ao",
    "GET /numbers": "aor",
    "POST /numbers": "ao",
    "DELETE /numbers": "ao",
    "GET /cards": "aor",
    "POST /cards": "ao",
    "GET /messages": "aorc",
    "POST /messages": "aoc",
    "GET /messages/{id}": "aorc",
    "POST /messages/{id}/resend": "ao",
    "POST /messages/{id}/give-up": "ao",
    "POST /messages/{id}/release": "ao",
    "POST /explain": "aorc",
    "GET /replies": "aorc",
    "POST /simulator/replies": "ao",
    "GET /simulator/fates": "aor",
    "POST /simulator/fates": "ao",
    "DELETE /simulator/fates": "ao",
    "GET /inbox": "aor",
    "GET /inbox/wait": "aor",
    "GET /submissions/{id}": "aorc",
    "POST /submissions/{id}/cancel": "ao",
    "GET /refusals": "aor",
    "GET /audit": "aor",
    "GET /health": "aor",
    "GET /nodes": "aor",
    "GET /settings": "aor",
    "POST /backup": "a",
    "GET /webhooks": "aor",
    "PUT /webhooks": "ao",
    "DELETE /webhooks": "ao",
    "GET /webhooks/events": "aor",
    "POST /webhooks/replay": "ao",
    "GET /channels": "aor",
    "POST /channels": "ao",
    "GET /channels/{name}": "aor",
    "PATCH /channels/{name}": "ao",
    "DELETE /channels/{name}": "ao",
    "POST /channels/{name}/pause": "ao",
    "POST /channels/{name}/resume": "ao",
    "POST /channels/{name}/test": "ao",
    "GET /channels/{name}/trace": "aor",
    "GET /routes": "aor",
    "POST /routes": "ao",
    "GET /routes/explain": "aor",
    "POST /routes/{id}/move": "ao",
    "DELETE /routes/{id}": "ao",
    "GET /tokens": "a",
    "POST /tokens": "a",
    "DELETE /tokens/{name}": "a",
    "GET /people": "a",
    "POST /people": "a",
    "PUT /people/{name}/password": "a",
    "POST /people/{name}/disable": "a",
    "POST /people/{name}/enable": "a",
    "DELETE /people/{name}/second-factor": "a",
    "DELETE /people/{name}": "a",
}


class Office:
    """A gateway, and a client for each role."""

    def __init__(self, program: Program) -> None:
        self.program = program
        (line,) = [line for line in program.said().splitlines() if '"event": "admin api"' in line]
        self.url = json.loads(line)["at"]
        for name in ("C1", "C2"):
            program.account(name, credit=100)
        self.tokens = {role: self.create(f"{role}-1", role) for role in ROLES.values()}

    def create(self, name: str, role: str, **more: Any) -> str:
        """A token."""
        account = {"account": "C1"} if role == "customer" else {}
        body = {"name": name, "role": role, **account, **more}
        token: str = self.program.api("POST", "/tokens", json=body)["token"]
        return token

    def call(self, token: str | None, method: str, path: str, **options: Any) -> httpx.Response:
        """Over the network."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return httpx.request(method, f"{self.url}/api/v1{path}", headers=headers, timeout=20, **options)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """One for all tests of this file."""
    with running(tmp_path_factory.mktemp("tokens") / "data", YIZHAN_ADMIN__API_LISTEN="127.0.0.1:0") as program:
        yield Office(program)


def test_the_table_knows_every_path(office: Office) -> None:
    document = httpx.get(
        f"{office.url}/api/openapi.json", headers={"Authorization": f"Bearer {office.tokens['auditor']}"}
    ).json()
    assert document["openapi"].startswith("3.1")
    declared = {
        f"{method.upper()} {path.removeprefix('/api/v1')}"
        for path, ways in document["paths"].items()
        for method in ways
    }
    assert declared == set(TABLE)


@pytest.mark.parametrize("name", TABLE)
def test_each_role_on_each_path(office: Office, name: str) -> None:
    """Nothing is asked for good: whoever may, is told that there is no such thing, or that a body is missing."""
    method, path = name.split()
    path = path.format(account="nobody", id=1, name="nothing")
    if path.startswith("/inbox/wait"):
        path += "?to=13800000000&timeout_s=0"
    wanted: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {}}
    if path.endswith(("/resume", "/pause", "/test", "/resend", "/give-up", "/cancel", "able")):
        wanted = {}
    for letter, role in ROLES.items():
        status = office.call(office.tokens[role], method, path, **wanted).status_code
        assert (status == 403) == (letter not in TABLE[name]), (role, status)
        assert status not in (401, 500), (role, status)
    assert office.call(None, method, path, **wanted).status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="none"),
        pytest.param("Bearer", id="an empty one"),
        pytest.param("Bearer yz_wrong", id="a wrong one"),
        pytest.param("Basic eXo6eXo=", id="another scheme"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/accounts", "/api/openapi.json", "/metrics", "/api/nothing"])
def test_nobody_gets_in_without_a_token(office: Office, header: str | None, path: str) -> None:
    headers = {} if header is None else {"Authorization": header}
    refused = httpx.get(f"{office.url}{path}", headers={**headers, "X-Yizhan-Actor": "root"})
    assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
    assert refused.headers["content-type"] == "application/problem+json"


def test_a_customer_sees_only_its_own(office: Office) -> None:
    own, admin = office.tokens["customer"], office.tokens["admin"]

    def send(token: str, account: str) -> httpx.Response:
        return office.call(token, "POST", "/messages", json={"account": account, "to": ["13800000000"], "text": TEXT})

    theirs = send(admin, "C2").json()
    mine = send(own, "C1").json()
    assert send(own, "C2").status_code == 404
    assert office.call(own, "GET", "/accounts/C1").json()["account"] == "C1"
    assert office.call(own, "GET", "/accounts/C2").status_code == 404
    for path in ("/messages", "/ledger"):
        assert {one["account"] for one in office.call(own, "GET", path).json()} == {"C1"}
        assert office.call(own, "GET", f"{path}?account=C2").status_code == 404
    for id in (theirs["submission"], theirs["numbers"][0]["message"]):
        assert office.call(own, "GET", f"/messages/{id}").status_code == 404
        assert office.call(own, "GET", f"/messages/{id}?account=C2").status_code == 404
    assert office.call(own, "GET", f"/messages/{mine['submission']}").status_code == 200
    assert office.call(own, "GET", "/replies?nobodys=true").json() == []
    told = office.call(own, "POST", "/explain", json={"account": "C2", "to": ["13800000000"], "text": TEXT})
    assert told.status_code == 404


def test_who_it_was_stands_in_the_audit_log(office: Office) -> None:
    done = office.call(office.tokens["operator"], "POST", "/keywords", json={"words": ["某词"]})
    assert done.status_code == 200
    newest = office.program.api("GET", "/audit")[0]
    assert (newest["actor"], newest["action"]) == ("token operator-1", "keyword add")


def test_tokens_end(office: Office) -> None:
    token = office.create("short", "auditor", until=(datetime.now(UTC) + timedelta(hours=1)).isoformat())
    assert office.call(token, "GET", "/accounts").status_code == 200
    office.program.api("DELETE", "/tokens/short")
    assert office.call(token, "GET", "/accounts").status_code == 401
    past = office.call(
        office.tokens["admin"], "POST", "/tokens", json={"name": "x", "role": "admin", "until": "2020-01-01T00:00:00Z"}
    )
    assert past.status_code == 422


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        pytest.param({"name": "admin-1", "role": "admin"}, 409, id="the name is taken"),
        pytest.param({"name": "a b", "role": "admin"}, 422, id="a name with a space"),
        pytest.param({"name": "x", "role": "root"}, 422, id="no such role"),
        pytest.param({"name": "x", "role": "customer"}, 422, id="a customer without an account"),
        pytest.param({"name": "x", "role": "admin", "account": "C1"}, 422, id="an admin with an account"),
        pytest.param({"name": "x", "role": "customer", "account": "C9"}, 404, id="an account that there is not"),
    ],
)
def test_wrong_wishes(office: Office, wish: dict[str, str], status: int) -> None:
    assert office.call(office.tokens["admin"], "POST", "/tokens", json=wish).status_code == status


def test_the_command(office: Office) -> None:
    made = run_cli(office.program.data, "token", "create", "cli-1", "--role", "auditor")
    assert office.call(made.stdout.strip(), "GET", "/health").status_code == 200
    listed = run_cli(office.program.data, "token", "list")
    assert "cli-1" in listed.stdout and made.stdout.strip() not in listed.stdout
    assert run_cli(office.program.data, "token", "revoke", "cli-1").returncode == 0
    assert office.call(made.stdout.strip(), "GET", "/health").status_code == 401
    assert made.stdout.strip() not in office.program.said()
    stored = office.program.query("SELECT hash FROM tokens") + office.program.query("SELECT after FROM audit")
    assert not any(token in str(stored) for token in office.tokens.values())

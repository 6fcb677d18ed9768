"""The admin API over the real flow: shapes, errors as problem documents, the actor in the audit log."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from hashlib import md5
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from yizhan.node.build import offline

T = TypeVar("T")
Use = Callable[[httpx.AsyncClient], Awaitable[T]]


def use(data: Path, act: Use[T]) -> T:
    """Open the store of ``data`` and let ``act`` talk to its API."""

    async def run() -> T:
        async with offline(data) as app:
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://yizhan/api/v1") as client:
                return await act(client)

    return asyncio.run(run())


NEW = {"account": "C1", "password": "secret", "credit": "5"}


def problem(response: httpx.Response, status: int) -> str:
    """Check that ``response`` is a problem document of this status; its detail."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document.keys() == {"type", "title", "status", "detail"}
    assert document["status"] == status
    assert document["detail"]
    return str(document["detail"])


@pytest.fixture(scope="module")
def with_account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the account C1 and 5 条, for calls that change nothing."""
    data = tmp_path_factory.mktemp("api")

    async def act(client: httpx.AsyncClient) -> None:
        assert (await client.post("/accounts", json=NEW)).status_code == 201

    use(data, act)
    return data


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        pytest.param("GET", "/nothing", None, 404, "", id="no such path"),
        pytest.param("PUT", "/accounts", {}, 405, "", id="no such method"),
        pytest.param("GET", "/accounts/C9", None, 404, "C9", id="no such account"),
        pytest.param("POST", "/accounts", NEW, 409, "C1", id="the account exists"),
        pytest.param("POST", "/accounts/C1/topup", {"amount": "-5.001"}, 409, "", id="more than there is"),
        pytest.param("POST", "/accounts", {**NEW, "colour": 1}, 422, "colour", id="an unknown key"),
        pytest.param("POST", "/accounts", {"account": "C2"}, 422, "password", id="no password"),
        pytest.param("POST", "/accounts", {**NEW, "password_md5": "a" * 32}, 422, "both", id="two passwords"),
        pytest.param("POST", "/accounts", {"account": "C2", "password_md5": "xyz"}, 422, "password_md5", id="no MD5"),
        pytest.param("POST", "/accounts", {**NEW, "account": "C2", "credit": -1}, 422, "credit", id="negative credit"),
        pytest.param("POST", "/accounts", {**NEW, "account": "C2", "lane": "x"}, 422, "lane", id="no such lane"),
        pytest.param("POST", "/accounts/C1/topup", {"amount": "1.0001"}, 422, "three decimals", id="four decimals"),
        pytest.param("POST", "/accounts/C1/topup", {"amount": "NaN"}, 422, "amount", id="NaN"),
        pytest.param("POST", "/accounts/C1/topup", {"amount": "1e999999"}, 422, "amount", id="absurd exponent"),
        pytest.param("POST", "/accounts/C1/topup", {"amount": True}, 422, "amount", id="no number"),
        pytest.param("POST", "/accounts/C1/topup", None, 422, "", id="no body"),
        pytest.param("POST", "/keywords", {"words": []}, 422, "words", id="no words"),
        pytest.param("POST", "/keywords", {"words": ["\ud800"]}, 422, "words", id="lone surrogate"),
        pytest.param("POST", "/addresses", {"network": "x"}, 422, "", id="no network"),
        pytest.param("POST", "/addresses", {"network": "::1", "minutes": 0}, 422, "minutes", id="no time at all"),
        pytest.param("DELETE", "/addresses?network=192.0.2.1", None, 404, "", id="not blocked"),
        pytest.param("POST", "/numbers", {"number": "12"}, 422, "", id="too short for a number"),
        pytest.param("POST", "/numbers", {"number": "13800000000", "account": "C9"}, 404, "C9", id="for nobody"),
        pytest.param("GET", "/messages?limit=1001", None, 422, "limit", id="too large a page"),
        pytest.param("GET", "/messages?state=lost", None, 422, "state must be one of", id="no such state"),
        pytest.param("GET", f"/messages/{2**63}", None, 422, "id", id="an id beyond 64 bits"),
        pytest.param("GET", "/messages/100000000", None, 404, "100000000", id="no such submission"),
        pytest.param("GET", "/audit?before=0", None, 422, "before", id="no such page"),
        pytest.param("GET", "/nodes", None, 409, "none runs", id="no node to ask for others"),
        pytest.param("GET", "/settings", None, 409, "none runs", id="no node with a configuration"),
        pytest.param("GET", "/submissions/100000000", None, 404, "100000000", id="no such call"),
        pytest.param("POST", "/submissions/100000000/cancel", {}, 404, "100000000", id="nothing to cancel"),
    ],
)
def test_errors(with_account: Path, method: str, path: str, body: Any, status: int, says: str) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        before = (await client.get("/accounts")).json()
        content = None if body is None else json.dumps(body).encode()
        response = await client.request(method, path, content=content, headers={"content-type": "application/json"})
        assert says in problem(response, status)
        assert (await client.get("/accounts")).json() == before

    use(with_account, act)


def test_a_password_never_comes_back(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        answers = [
            await client.post("/accounts", json=NEW),
            await client.post("/accounts", json={**NEW, "account": {}}),
            await client.post("/accounts", json={**NEW, "password": ["secret"]}),
            await client.get("/accounts/C1"),
            await client.get("/audit"),
        ]
        digest = md5(b"secret").hexdigest()
        assert not any("secret" in answer.text or digest in answer.text for answer in answers)

    use(tmp_path, act)


def test_the_actor_stands_in_the_audit_log(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        await client.post("/accounts", json=NEW, headers={"X-Yizhan-Actor": "cli:alice"})
        await client.post("/accounts/C1/disable")
        entries = (await client.get("/audit")).json()
        assert [(entry["actor"], entry["subject"]) for entry in entries] == [("api", "C1"), ("cli:alice", "C1")]

    use(tmp_path, act)


def test_blocks_end(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> None:
        entry = (await client.post("/addresses", json={"network": "192.0.2.0/24", "minutes": 1.5})).json()
        assert entry["created_at"] < entry["until"]
        assert (await client.delete("/addresses", params={"network": "192.0.2.0/24"})).status_code == 204
        assert (await client.get("/addresses")).json() == []

    use(tmp_path, act)


def test_what_is_written_stays(tmp_path: Path) -> None:
    async def write(client: httpx.AsyncClient) -> None:
        await client.post("/accounts", json=NEW)
        await client.post("/keywords", json={"words": ["视频"]})

    async def read(client: httpx.AsyncClient) -> tuple[Any, Any]:
        return (await client.get("/accounts/C1")).json()["balance"], (await client.get("/keywords")).json()

    use(tmp_path, write)
    assert use(tmp_path, read) == (5, ["视频"])


def test_the_document_describes_every_path(tmp_path: Path) -> None:
    async def act(client: httpx.AsyncClient) -> set[str]:
        document = (await client.get("http://yizhan/api/openapi.json")).json()
        return set(document["paths"])

    paths = use(tmp_path, act)
    first = {path.split("/")[3] for path in paths}
    assert first == {
        "accounts",
        "explain",
        "inbox",
        "ledger",
        "tokens",
        "people",
        "cards",
        "keywords",
        "channels",
        "routes",
        "replies",
        "simulator",
        "webhooks",
        "addresses",
        "numbers",
        "messages",
        "submissions",
        "refusals",
        "audit",
        "health",
        "nodes",
        "settings",
        "backup",
    }

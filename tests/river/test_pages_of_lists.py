"""Long lists of the admin API come in pages, and messages are looked for by what people know of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from yizhan.kit.clock import BEIJING

from .program import PATIENCE_S, Customer, Program, eventually, run_cli, running

ACCESS = "10690000"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """With some of everything that lists show; C1 has sent one code, C2 five calls of two numbers."""
    with running(tmp_path_factory.mktemp("pages") / "data") as program:
        one, two = program.account("C1", extension="1"), program.account("C2")
        program.api("PUT", "/webhooks", json={"account": "C2", "url": "https://yizhan.invalid/"})
        program.api("POST", "/cards", json={"count": 5, "credit": 1})
        program.send(one, Mobile="13800000009", Content="Your Code is 123456【测试】")
        for number in range(5):
            program.send(two, Mobile=f"1380000001{number},1390000001{number}", Content=f"第{number}条【测试】")
            program.send(Customer("C1", "wrong"))
            program.api("POST", "/simulator/replies", json={"number": "13800000009", "to": ACCESS + "1", "text": "好"})
        program.wait_for("delivered", 11)
        eventually(lambda: len(program.api("GET", "/refusals")) == 5)
        yield program


def ask(program: Program, path: str) -> httpx.Response:
    """On the socket."""
    transport = httpx.HTTPTransport(uds=str(program.data / "admin.sock"), verify=False)
    with httpx.Client(transport=transport, base_url="http://admin", timeout=PATIENCE_S) as client:
        return client.get(path)


def pages(program: Program, path: str, limit: int) -> list[list[Any]]:
    """A list, page by page along the Link headers."""
    found: list[list[Any]] = []
    following = f"/api/v1{path}{'&' if '?' in path else '?'}limit={limit}"
    while following:
        answer = ask(program, following)
        found.append(answer.json())
        following = answer.links.get("next", {}).get("url", "")
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/messages",
        "/messages?account=C2&state=delivered",
        "/refusals",
        "/audit",
        "/ledger",
        "/ledger?account=C2",
        "/replies",
        "/replies?account=C1",
        "/webhooks/events",
        "/cards?used=false",
        "/inbox",
    ],
)
def test_a_list_page_by_page(program: Program, path: str) -> None:
    whole = pages(program, path, 1_000)
    assert len(whole) == 1 and len(whole[0]) >= 4
    in_pages = pages(program, path, 2)
    assert [one for page in in_pages for one in page] == whole[0]
    assert all(len(page) == 2 for page in in_pages[:-1])


_LONG = 600  # minutes, behind whatever a run of all tests takes: the moments are those of its beginning


def beijing(minutes: float) -> str:
    """A moment from now, as a clock on a wall in Beijing shows it."""
    return (datetime.now(BEIJING) + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat()


def utc(minutes: float) -> str:
    """The same with its zone."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        pytest.param({"text": "code IS"}, 1, id="a piece of the text, of another case"),
        pytest.param({"text": "第3条"}, 2, id="a piece in Chinese"),
        pytest.param({"text": "第%条"}, 0, id="no pattern"),
        pytest.param({"text": "第3条", "account": "C1"}, 0, id="another account's text"),
        pytest.param({"text": "第", "until": beijing(-1)}, 0, id="a text from before"),
        pytest.param({"since": beijing(-5)}, 11, id="since a moment in Beijing"),
        pytest.param({"since": utc(-5), "until": utc(_LONG)}, 11, id="between two moments with zones"),
        pytest.param({"since": utc(_LONG)}, 0, id="in the future"),
        pytest.param({"until": utc(-5), "number": "13800000009"}, 0, id="a number, before"),
        pytest.param({"number": "13900000013", "account": "C2", "state": "delivered"}, 1, id="a number of an account"),
        pytest.param({"channel": "simulator"}, 11, id="a channel"),
        pytest.param({"channel": "elsewhere"}, 0, id="another channel"),
    ],
)
def test_messages_are_found(program: Program, wanted: dict[str, str], count: int) -> None:
    assert len(program.messages(**wanted)) == count


@pytest.mark.parametrize(
    ("query", "says"),
    [
        pytest.param("since=yesterday", "since", id="no moment"),
        pytest.param("until=0.5", "until", id="seconds since 1970"),
        pytest.param("since=9999-12-31T23:59:59-23:59", "since", id="beyond the calendar"),
        pytest.param("text=", "text", id="no text"),
        pytest.param("number=", "number", id="no number"),
        pytest.param("text=" + "x" * 1_001, "text", id="too long a text"),
        pytest.param("since=2026-01-02T00:00&until=2026-01-02T00:00", "since must be earlier", id="an empty window"),
        pytest.param("before=0", "before", id="no id"),
    ],
)
def test_nonsense(program: Program, query: str, says: str) -> None:
    answer = ask(program, f"/api/v1/messages?{query}")
    assert answer.status_code == 422 and says in answer.json()["detail"]


def test_the_document_tells_of_pages(program: Program) -> None:
    paths = ask(program, "/api/openapi.json").json()["paths"]
    with_pages = {path.removeprefix("/api/v1") for path, ways in paths.items() if _headers(ways)}
    assert with_pages == {
        *("/messages", "/refusals", "/audit", "/ledger", "/replies", "/webhooks/events", "/cards", "/inbox"),
        *("/accounts", "/keywords", "/numbers"),
    }


def _headers(ways: dict[str, Any]) -> Any:
    return "Link" in ways.get("get", {}).get("responses", {}).get("200", {}).get("headers", {})


def test_the_command(program: Program) -> None:
    listed = run_cli(program.data, "message", "list", "--text", "CODE", "--since", beijing(-5), "--until", beijing(5))
    assert "123456" in listed.stdout and "第" not in listed.stdout
    newest = program.messages(limit=1)[0]
    rest = run_cli(program.data, "message", "list", "--before", str(newest["id"]), "--channel", "simulator")
    assert len(rest.stdout.splitlines()) == 11
    wrong = run_cli(program.data, "message", "list", "--since", "yesterday")
    assert wrong.returncode == 1 and "since" in wrong.stderr

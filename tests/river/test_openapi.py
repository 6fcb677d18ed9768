"""The admin API keeps what its document says, whatever it is asked, on either store.

``YIZHAN_TEST_API_EXAMPLES`` says how many calls schemathesis draws for each path, ``YIZHAN_TEST_SEED`` which.
"""

import json
import os
import subprocess
import sys
from collections.abc import Container, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from figures import tell

from .openapi_hooks import OWN_TOKEN
from .program import TEXT, Program, running

EXAMPLES = int(os.environ.get("YIZHAN_TEST_API_EXAMPLES", "4"))
SEED = os.environ.get("YIZHAN_TEST_SEED", "20261128")
HERE = Path(__file__).parent
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")  # in the order in which Allow names them

# Valid values for what bodies and queries require; a name is to be new each time.
GOOD: dict[str, Any] = {
    "account": "C1",
    "amount": 1,
    "count": 1,
    "credit": 1,
    "file": "relative",
    "network": "10.0.0.1",
    "number": "13800000000",
    "password": "secret",
    "position": 1,
    "role": "admin",
    "settings": {},
    "text": TEXT,
    "tiers": [{"simulator": 1}],
    "to": "13800000000",
    "url": "https://example.com/",
    "words": ["某词"],
}
# JSON as it is sent, and some that is none.
ODD_JSON = [
    r'"a\u0000b"',
    r'"a\ud800b"',
    json.dumps("长" * 200_000),
    "NaN",
    "1e999",
    "9" * 400,
    "9" * 5_000,
    "9223372036854775808",
    "-1.5",
    "null",
    "[[]]",
    r'["\u0000"]',
    r'{"\ud800": "\u0000"}',
    '[{"simulator": 1e400}]',
    '"9999-12-31T23:59:59-23:59"',
    '"0001-01-01T00:00:00+14:00"',
    '"1e5000"',
    "{",
]
ODD_BODIES = [b"", b"\xff\xfe", b"null", b"[" * 5_000, b'{"a":' * 30_000, b"1" * 6_000, b"\xef\xbb\xbf{}"]
ODD_KINDS = ["text/plain", "multipart/form-data", "application/json; charset=utf-16", ""]
ODD_TEXTS = ["", "\0", "\ud800", "长" * 3_000, "9" * 5_000, "a\r\nb: c", "\u202e", "%00"]


class Api:
    """The admin API of a gateway that has something to find, asked with an admin's token."""

    def __init__(self, program: Program) -> None:
        self.program = program
        (line,) = [line for line in program.said().splitlines() if '"event": "admin api"' in line]
        self.url = json.loads(line)["at"]
        for name in ("C1", "C2"):
            program.account(name, credit=100)
        program.api("POST", "/channels", json={"name": "second", "settings": {"kind": "simulator"}})
        program.api("POST", "/messages", json={"account": "C1", "to": ["13800000000", "13800000004"], "text": TEXT})
        wish = {"name": OWN_TOKEN, "role": "admin"}
        self.token = program.api("POST", "/tokens", json=wish)["token"]
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=30)
        self.document = self.client.get("/api/openapi.json").json()

    def ways(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Every method with its path and what the document says of it."""
        for path, ways in self.document["paths"].items():
            for method, way in ways.items():
                yield method.upper(), path, way

    def properties(self, way: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Of a body: all of them, and those that it must have."""
        schema = way["requestBody"]["content"]["application/json"]["schema"]
        name = schema.get("anyOf", [schema])[0]["$ref"].rpartition("/")[2]
        found = self.document["components"]["schemas"][name]
        return found["properties"], found.get("required", [])


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def api(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One for each store."""
    environ = {"YIZHAN_ADMIN__API_LISTEN": "127.0.0.1:0"}
    if request.param == "postgresql":
        environ["YIZHAN_STORE__URL"] = request.getfixturevalue("cluster").new_database()
    with running(tmp_path_factory.mktemp(request.param) / "data", **environ) as program:
        api = Api(program)
        with closing(api.client):
            yield api


def test_every_error_is_a_problem(api: Api) -> None:
    """In the document: each path names its errors, and all of them have one shape."""
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    answers = api.document["components"]["responses"]
    assert all(answer["content"] == problem for answer in answers.values())
    for method, path, way in api.ways():
        errors = {status for status in way["responses"] if status >= "4"}
        assert {"401", "403"} <= errors, (method, path)
        assert ("400" in errors) == ("requestBody" in way), (method, path)
        assert ("422" in errors) == ("requestBody" in way or "parameters" in way), (method, path)
        for status in errors:
            assert way["responses"][status] == {"$ref": f"#/components/responses/{status}"}, (method, path)
        for parameter in way.get("parameters", []):
            assert parameter["name"] != "before" or "page" in parameter["description"], (method, path)
    assert not {name for name in api.document["components"]["schemas"] if "ValidationError" in name}


def test_a_wrong_method_is_told_the_right_ones(api: Api) -> None:
    for path, ways in api.document["paths"].items():
        if path.startswith("/api/v1/accounts/{account}/"):
            continue  # a name may hold a slash: /accounts/C1/enable is the account C1/enable, too
        allowed = {method.upper() for method in ways}
        for wrong in {*METHODS, "HEAD", "OPTIONS"} - allowed:
            answer = api.client.request(wrong, filled(path))
            assert answer.status_code == 405, (wrong, path)
            assert answer.headers["allow"].split(", ") == [method for method in METHODS if method in allowed], path


@dataclass(frozen=True)
class Question:
    """A call, and the answers that the document has for it."""

    answers: Container[str]
    method: str
    path: str
    query: dict[str, str]
    body: bytes | None
    kind: str = "application/json"


def odd_parameters(asked: Question, places: list[dict[str, Any]], template: str) -> Iterator[Question]:
    """Each parameter of a path or a query, odd."""
    for place, odd in product(places, ODD_TEXTS):
        if place["in"] == "query" and place["name"] != "timeout_s":
            yield replace(asked, query={**asked.query, place["name"]: odd})
        elif place["in"] == "path" and odd:
            yield replace(asked, path=filled(template, **{place["name"]: odd}))


def odd_bodies(asked: Question, good: dict[str, Any], names: Iterable[str]) -> Iterator[Question]:
    """An odd body, and a body with each of its values odd."""
    for content in ODD_BODIES:
        yield replace(asked, body=content)
    for kind in ODD_KINDS:
        yield replace(asked, kind=kind)
    for name, odd in product(names, ODD_JSON):
        rest = {key: json.dumps(value) for key, value in good.items()} | {name: odd}
        yield replace(asked, body=f"{{{', '.join(f'{json.dumps(key)}: {rest[key]}' for key in rest)}}}".encode())


def questions(api: Api) -> Iterator[Question]:
    """Odd in one place each, the rest being as it should be; at last nothing odd, after all that."""
    plain = []
    for method, path, way in api.ways():
        places = way.get("parameters", [])
        query = {one["name"]: GOOD[one["name"]] for one in places if one["in"] == "query" and one["required"]}
        if path.endswith("/wait"):
            query["timeout_s"] = "0"
        asked = Question(way["responses"], method, filled(path), query, None)
        if "requestBody" in way:
            properties, required = api.properties(way)
            good = {name: GOOD.get(name, "@new") for name in required}
            if path.endswith("/accounts"):
                good["account"] = "@new"
            if properties.get("to", {}).get("type") == "array":
                good["to"] = [GOOD["to"]]
            asked = replace(asked, body=json.dumps(good).encode())
            yield from odd_bodies(asked, good, properties)
        yield from odd_parameters(asked, places, path)
        plain.append(asked)
    yield from plain


@pytest.mark.slow
def test_odd_values(api: Api) -> None:
    faults, count = [], 0
    for count, one in enumerate(questions(api), 1):
        words = "&".join(f"{name}={escaped(value)}" for name, value in one.query.items())
        content = None if one.body is None else one.body.replace(b"@new", b"new-%d" % count)
        sent = {"content-type": one.kind}
        answer = api.client.request(one.method, f"{one.path}?{words}", content=content, headers=sent)
        is_problem = answer.headers.get("content-type") == "application/problem+json"
        if str(answer.status_code) not in one.answers or is_problem != (answer.status_code >= 400):
            faults.append(f"{answer.status_code} {answer.text} to {str(one)[:500]}")
    tell(f"{count} calls")
    assert count > 1_000
    assert not faults, "\n".join(faults[:20])


@pytest.mark.slow
@pytest.mark.timeout(0)  # it has its own
def test_schemathesis_finds_nothing(api: Api, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "openapi.toml")]
    command += ["run", f"{api.url}/api/openapi.json", "--header", f"Authorization: Bearer {api.token}"]
    command += ["--seed", SEED, "--max-examples", str(EXAMPLES), "--generation-database", "none"]
    command += ["--continue-on-failure", "--warnings", "off"]
    environ = {"PYTHONPATH": str(HERE.parent), "YIZHAN_TEST_COPIES": str(tmp_path)}
    done = subprocess.run(
        command,
        env={**os.environ, **environ},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60 + 4 * EXAMPLES,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tell("\n".join(done.stdout.splitlines()[-25:]))
    # Else it would have heard 401 from some moment on, which every path may answer.
    assert api.client.get("/api/v1/health").status_code == 200


def filled(path: str, **chosen: str) -> str:
    """With something that there is in every place."""
    return path.format(**{"id": "1", "name": "simulator", "account": "C1"} | {k: escaped(v) for k, v in chosen.items()})


def escaped(value: str) -> str:
    """For a URL, with what UTF-8 does not have."""
    return quote(value.encode("utf-8", "surrogatepass"), safe="")

"""``compose.yaml`` and the Kubernetes manifest are what their programs would take, as far as schemas say."""

import copy
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from .manifests import compose, kubernetes, schema

VERSIONS = ("1.25", "1.37")
DOCUMENTS = [
    pytest.param("compose", "", compose(), id="compose"),
    *(
        pytest.param(f"kubernetes-{version}", f"{kind['apiVersion']}.{kind['kind']}", kind, id=f"{version} {number}")
        for version in VERSIONS
        for number, kind in enumerate(kubernetes())
    ),
]
# Names below these are the writer's own, and so are those that name a kind.
FREE = {
    *("services", "volumes", "networks", "x-node", "environment", "depends_on", "sysctls"),
    *("labels", "matchLabels", "selector", "requests", "limits"),
}
NAMING = {("apiVersion",), ("kind",), ("x-node",)}


@cache
def rules(name: str, kind: str) -> Draft202012Validator:
    """A schema of ``schemas/``, for ``v1.Service`` and the like if ``kind`` says so."""
    read = schema(name)
    if kind:
        group = kind if "/" in kind else f"core/{kind}"
        definition = f"io.k8s.api.{group.replace('/', '.')}"
        assert definition in read["$defs"], f"no schema of {definition}: name it in schemas/renew.py"
        read["$ref"] = f"#/$defs/{definition}"
    Draft202012Validator.check_schema(read)
    return Draft202012Validator(read)


def faults(name: str, kind: str, document: dict[str, Any]) -> list[str]:
    """What the schema has against it."""
    return [f"{error.json_path}: {error.message}" for error in rules(name, kind).iter_errors(document)]


@pytest.mark.parametrize("name, kind, document", DOCUMENTS)
def test_it_is_as_its_schema_says(name: str, kind: str, document: dict[str, Any]) -> None:
    assert faults(name, kind, document) == []


@pytest.mark.parametrize("name, kind, document", DOCUMENTS)
def test_any_key_misspelt_is_found(name: str, kind: str, document: dict[str, Any]) -> None:
    """Every key, one by one: so the schemas do bite."""
    paths = keys(document) - NAMING
    assert paths
    for path in paths:
        bad = copy.deepcopy(document)
        table: Any = bad
        for step in path[:-1]:
            table = table[step]
        table[f"{path[-1]}s"] = table.pop(path[-1])
        assert faults(name, kind, bad), path


def keys(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    """The path of every key that is not the writer's own."""
    if isinstance(value, list):
        return set().union(*(keys(item, (*path, number)) for number, item in enumerate(value)))
    if not isinstance(value, dict):
        return set()
    here = set() if path and path[-1] in FREE else {(*path, key) for key in value}
    return here.union(*(keys(item, (*path, key)) for key, item in value.items()))

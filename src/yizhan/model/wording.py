"""What is wrong with a configuration, in words that say what is allowed; derived from the settings' own schema."""

import difflib
from typing import Any

from pydantic import BaseModel, ValidationError

from yizhan.model.sentence import Sentence, spoken
from yizhan.model.settings import Settings

Where = tuple[int | str, ...]  # the path of a key: ("policy", "refund"), ("channels", 0, "name")

SECTIONS = {
    name: tuple(kind.model_fields)
    for name, info in Settings.model_fields.items()
    if isinstance(kind := info.annotation, type) and issubclass(kind, BaseModel)
}
WHOLE = frozenset(Settings.model_fields) - set(SECTIONS)  # channels and prices: overridden as a whole, as JSON

_NETWORK = "an IPv4 or IPv6 network without host bits, for example 10.0.0.0/8, 192.0.2.7 or ::1"
_TYPES = {
    "integer": Sentence.WHOLE_NUMBER,
    "number": Sentence.NUMBER,
    "array": Sentence.LIST,
    "object": Sentence.TABLE,
    "path": Sentence.FILE,
}


class Wording:
    """Words for the mistakes in one kind of settings, by that kind's own schema."""

    def __init__(self, kind: type[BaseModel]) -> None:
        self._root = kind.model_json_schema()
        self._definitions = self._root.get("$defs", {})

    def describe(self, error: ValidationError) -> dict[Where, str]:
        """One sentence for every wrong key; a key of several types fails once per type and is told once."""
        words: dict[Where, str] = {}
        for details in error.errors():
            where, schema = self._locate(details["loc"])
            words.setdefault(where, self._wording(dict(details), where, schema))
        return words

    def _locate(self, loc: Where) -> tuple[Where, dict[str, Any]]:
        """The part of a validator's location that is a path in the file, and the schema that holds there.

        For an unknown key it is the schema of the table that does not know it.
        """
        schema = self._root
        for depth, step in enumerate(loc):
            inner = _inner(schema, step)
            if inner is None:
                unknown = schema.get("additionalProperties") is False
                return loc[: depth + unknown], schema
            schema = self._resolve(inner)
        return loc, schema

    def _resolve(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self._definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def _wording(self, details: dict[str, Any], where: Where, schema: dict[str, Any]) -> str:
        if details["type"] == "extra_forbidden":
            return _unknown_key(str(where[-1]), schema)
        if details["type"] == "missing":
            return Sentence.MISSING(allowed=_allowed(schema))
        if details["loc"][-1:] == ("[key]",):
            return f"the key must be text that matches {details['ctx']['pattern']}"
        if details["type"] == "value_error" and "anyOf" not in schema:
            text = spoken(details["ctx"]["error"])
        elif details["type"] == "decimal_max_places":
            text = Sentence.DECIMALS(most=details["ctx"]["decimal_places"])
        else:
            text = Sentence.MUST_BE(allowed=_allowed(schema))
        if len(where) == 1 and where[0] in WHOLE and isinstance(details["input"], str):
            text = Sentence.IN_JSON(words=text)
        if self._secret(schema):
            return text  # what was given may be a secret, and this goes into logs
        given = repr(details["input"])
        return Sentence.NOT_GIVEN(words=text, given=given if len(given) <= 60 else given[:60] + "...")

    def _secret(self, schema: dict[str, Any]) -> bool:
        """Whether a value of this schema is a secret, or has one inside."""
        schema = self._resolve(schema)
        inside = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
        return schema.get("writeOnly") is True or any(self._secret(one) for one in inside)


def show_path(where: Where) -> str:
    """``channels[0].name``: as a person would write the path of a key."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where).removeprefix(".")


def _inner(schema: dict[str, Any], step: int | str) -> dict[str, Any] | None:
    if "properties" in schema:
        return schema["properties"].get(step)  # type: ignore[no-any-return]
    free = schema.get("patternProperties") or {"": schema.get("items")}
    return next(iter(free.values()))  # type: ignore[no-any-return]


def _unknown_key(key: str, schema: dict[str, Any]) -> str:
    known = list(schema["properties"])
    if close := difflib.get_close_matches(key, known, n=1):
        return f"unknown key, did you mean {close[0]}?"
    if elsewhere := [section for section, keys in SECTIONS.items() if key in keys]:
        return f"unknown key here, did you mean {key} in [{elsewhere[0]}]?"
    return f"unknown key, allowed here: {', '.join(known)}"


def _allowed(schema: dict[str, Any]) -> str:
    """A schema in words."""
    if "const" in schema:
        return f'"{schema["const"]}"'
    if "enum" in schema:
        return Sentence.ONE_OF(words=", ".join(f'"{word}"' for word in schema["enum"]))
    kinds = schema.get("anyOf", [schema])
    if any(kind.get("format") == "ipv4network" for kind in kinds):
        return _NETWORK
    schema = kinds[0]
    kind = _TYPES.get(str(schema.get("format", schema.get("type"))), Sentence.TEXT)()
    if "pattern" in schema:
        return Sentence.MATCHES(kind=kind, pattern=schema["pattern"])
    if "maximum" in schema and "minimum" in schema:
        return Sentence.BETWEEN(kind=kind, least=f"{schema['minimum']:g}", most=f"{schema['maximum']:g}")
    if "maximum" in schema:
        return Sentence.ABOVE(kind=kind, least=f"{schema['exclusiveMinimum']:g}", most=f"{schema['maximum']:g}")
    return Sentence.AT_LEAST(kind=kind, least=schema["minimum"]) if "minimum" in schema else kind

"""The JSON of BatchContentSms: several messages in one call (contract, section 4)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# The members of an item that are parameters of a message.
_PARAMETERS = ("content", "mobile", "cell", "sendtime")


@dataclass(frozen=True, slots=True)
class Item:
    """One message: the client's own name for it, and its parameters under lower-case names."""

    id: str
    values: Mapping[str, str]


def read_items(text: str, most: int) -> list[Item] | None:
    """The items of ``JsonString``, at most ``most``; None for anything that is no such list.

    Names of members count in any case; a number stands for its digits, null or a missing member for empty.
    """
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(parsed, list) or not 1 <= len(parsed) <= most:
        return None
    items = [_read_item(entry) for entry in parsed]
    return None if None in items else [item for item in items if item is not None]


def write_results(results: Sequence[tuple[str, str]]) -> str:
    """``[{"ID":"…","Result":"…"}, …]`` without spaces, in the order of the items."""
    rows = [{"ID": name, "Result": result} for name, result in results]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _read_item(entry: Any) -> Item | None:
    if not isinstance(entry, dict):
        return None
    members = {str(name).lower(): _text(value) for name, value in entry.items()}
    if None in members.values():
        return None
    return Item(members.get("id") or "", {name: members.get(name) or "" for name in _PARAMETERS})


def _text(value: Any) -> str | None:
    """A scalar as text; None for a list, an object or a truth value. A lone surrogate becomes U+FFFD."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    except ValueError:  # an integer of more digits than Python prints
        return None

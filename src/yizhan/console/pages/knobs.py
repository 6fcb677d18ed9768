"""A form of a channel's keys, made from the model itself: what it knows, the form asks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from yizhan.model.channel import HIDDEN, ChannelSettings, keys_of

_GROUPS = {
    "chan_carrier": ("host", "port", "system_id", "password", "password_file", "password_env", "system_type"),
    "chan_sending": ("source", "bind", "binds", "nodes", "rate_per_s", "window", "receipt_delay_s"),
    "chan_texts": ("alphabet", "data_coding", "long_text", "number_form", "service_type"),
    "chan_receipts": ("receipts", "receipt_ids", "receipt_wait_s", "uncertain", "uncertain_hold_s", "reassembly_s"),
    "chan_tls": ("tls", "tls_ca", "tls_cert", "tls_key", "tls_server_name"),
}
_REST = "chan_more"
_OPEN = frozenset({"chan_carrier", "chan_sending"})
_SCHEMA: Mapping[str, dict[str, Any]] = ChannelSettings.model_json_schema()["properties"]


@dataclass(frozen=True, slots=True)
class Knob:
    """One key: how it is asked for, and what it is now."""

    key: str
    type: str  # text, number, password, choice
    value: str
    default: str
    options: Sequence[str] = ()
    more: Mapping[str, str] = field(default_factory=dict)  # attributes of the field

    @property
    def is_set(self) -> bool:
        """Whether it is other than the default."""
        return self.value not in ("", self.default)


class Knobs:
    """The keys of one kind of channel, with what is known of them."""

    def __init__(self, kind: str, settings: Mapping[str, Any] | None = None) -> None:
        usual = ChannelSettings.model_construct(kind=kind) if kind == "simulator" else None
        self._settings = settings
        known = settings or {}
        keys = [key for key in ChannelSettings.model_fields if key in keys_of(kind) - {"name", "kind"}]
        self._knobs = {key: _knob(key, known.get(key), usual is None) for key in keys}

    def groups(self) -> list[tuple[str, bool, list[Knob]]]:
        """The word of each group, whether it stands open, and its keys."""
        placed = {key for keys in _GROUPS.values() for key in keys}
        wanted = {**_GROUPS, _REST: tuple(key for key in self._knobs if key not in placed)}
        groups = [(word, [self._knobs[key] for key in keys if key in self._knobs]) for word, keys in wanted.items()]
        return [(word, word in _OPEN, knobs) for word, knobs in groups if knobs]

    def read(self, typed: Callable[[str], str]) -> dict[str, str]:
        """What the form asks to be otherwise; an empty field means the default, an empty password that it stays."""
        wanted = {}
        for key, knob in self._knobs.items():
            said = typed(key) if knob.type == "password" else typed(key).strip()
            if knob.type == "password":
                if said:
                    wanted[key] = said
            elif (said or knob.default) != (knob.value or knob.default):
                wanted[key] = said or knob.default
        return wanted


def _knob(key: str, value: Any, is_smpp: bool) -> Knob:
    schema = _SCHEMA[key]
    default = "32" if key == "window" and is_smpp else _text(schema.get("default"))
    kind = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    if kind.get("writeOnly"):
        return Knob(key, "password", HIDDEN if value else "", default)
    said = _text(value)
    if kind.get("type") == "boolean":
        return Knob(key, "choice", said or default, default, ("false", "true"))
    if "enum" in kind:
        return Knob(key, "choice", said or default, default, kind["enum"])
    if kind.get("type") in ("integer", "number"):
        return Knob(key, "number", said, default, more=_bounds(kind))
    return Knob(key, "text", said, default, more={"maxlength": "500"})


def _bounds(schema: Mapping[str, Any]) -> dict[str, str]:
    edges = {"min": schema.get("minimum", schema.get("exclusiveMinimum")), "max": schema.get("maximum")}
    step = "1" if schema["type"] == "integer" else "any"
    return {"step": step, **{name: _text(edge) for name, edge in edges.items() if edge is not None}}


def _text(value: Any) -> str:
    """As a form writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)

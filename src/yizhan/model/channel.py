"""A channel's settings: the way to one carrier. They stand in the configuration file or live in the store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from yizhan.model.section import SECRET, Seconds, Section
from yizhan.model.sentence import Sentence

# Messages in flight when nothing else is said: the simulator answers at once, a carrier allows what the contract says.
_WINDOWS = {"simulator": 1_000, "smpp": 32}

Ton = Annotated[int, Field(ge=0, le=255)]
Wait = Annotated[float, Field(gt=0, le=86_400)]


class ChannelSettings(Section):
    """``[[channels]]``: one carrier each. Keys from ``host`` on belong to ``kind = "smpp"``.

    The password is one of three: in the settings, in a file, or in a variable of the gateway's environment; the last
    two are read at each bind.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
    kind: Literal["simulator", "smpp"] = "simulator"
    source: Annotated[str, Field(pattern=r"^[0-9]{0,20}$")] = "10690000"
    receipt_delay_s: Seconds = 1
    window: Annotated[int, Field(ge=1, le=10_000)] = 1_000
    uncertain: Literal["resend", "hold"] = "resend"
    uncertain_hold_s: Annotated[float, Field(gt=0, le=2_592_000)] = 172_800
    receipt_wait_s: Annotated[float, Field(gt=0, le=2_592_000)] = 259_200

    host: Annotated[str, Field(max_length=253)] = ""
    port: Annotated[int, Field(ge=1, le=65_535)] = 2775
    system_id: Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,15}$")] = ""
    password: Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,64}$", repr=False, json_schema_extra=SECRET)] = ""
    password_file: Path | None = None
    password_env: Annotated[str, Field(pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,127})?$")] = ""
    system_type: Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,12}$")] = ""
    bind: Literal["transceiver", "pair", "transmitter", "receiver"] = "transceiver"
    binds: Annotated[int, Field(ge=1, le=64)] = 1
    nodes: Annotated[int, Field(ge=1, le=64)] = 1
    rate_per_s: Annotated[float, Field(ge=0, le=100_000)] = 0
    tls: bool = False
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_server_name: Annotated[str, Field(max_length=253)] = ""
    alphabet: Literal["gsm", "gsm-packed", "latin1", "ascii", "ucs2"] = "gsm"
    data_coding: Annotated[int, Field(ge=0, le=255)] = 0
    long_text: Literal["udh8", "udh16", "sar", "payload"] = "udh8"
    number_form: Literal["digits", "plus", "mainland"] = "digits"
    service_type: Annotated[str, Field(pattern=r"^[\x20-\x7e]{0,5}$")] = ""
    source_ton: Ton = 0
    source_npi: Ton = 1
    destination_ton: Ton = 1
    destination_npi: Ton = 1
    receipts: Literal["all", "failures", "none"] = "all"
    receipt_ids: Literal["auto", "same", "hex", "decimal"] = "auto"
    bind_timeout_s: Wait = 10
    slot_timeout_s: Wait = 30
    answer_timeout_s: Wait = 60
    enquire_link_s: Wait = 30
    reassembly_s: Wait = 3_600
    trace_pdus: Annotated[int, Field(ge=0, le=100_000)] = 1_000

    @field_validator("password_file", "tls_ca", "tls_cert", "tls_key", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return None if value == "" else value  # TOML has no null, and the sample file shows every default

    @model_validator(mode="before")
    @classmethod
    def _window_of_its_kind(cls, values: Any) -> Any:
        if isinstance(values, dict) and "window" not in values:
            return {**values, "window": _WINDOWS.get(str(values.get("kind", "simulator")), 1_000)}
        return values

    @model_validator(mode="after")
    def _complete(self) -> Self:
        fields = type(self).model_fields
        strays = [key for key in fields if key not in keys_of(self.kind) and getattr(self, key) != fields[key].default]
        if strays:
            other = "smpp" if self.kind == "simulator" else "simulator"
            raise ValueError(Sentence.STRAY_KEYS(keys=", ".join(strays), other=other, kind=self.kind))
        if self.kind == "smpp" and not (self.host and self.system_id):
            raise ValueError(Sentence.NEEDS_HOST())
        if self.nodes > self.binds:
            raise ValueError(Sentence.NODES_OVER_BINDS(binds=self.binds))
        if sum(bool(getattr(self, key)) for key in PASSWORDS) > 1:
            raise ValueError(Sentence.ONE_OF_THEM(keys=", ".join(PASSWORDS)))
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError(Sentence.TLS_PAIR())
        return self


def shares_of(settings: ChannelSettings) -> dict[str, ChannelSettings]:
    """What each of a channel's ``nodes`` has of it, by the share's name: binds as even as can be, and of the rate as
    much as of the binds, so that all shares together are the contract. One node has the channel as it is.

    The name says how the channel is divided (``carrier/1of2``): shares of different divisions never work together.
    """
    if settings.nodes == 1:
        return {settings.name: settings}
    shares = {}
    for place in range(settings.nodes):
        binds = settings.binds // settings.nodes + (place < settings.binds % settings.nodes)
        own = {"binds": binds, "rate_per_s": settings.rate_per_s * binds / settings.binds}
        shares[f"{settings.name}/{place + 1}of{settings.nodes}"] = settings.model_copy(update=own)
    return shares


def channel_of_share(share: str) -> str:
    """The channel that a share belongs to."""
    return share.partition("/")[0]


PASSWORDS = ("password", "password_file", "password_env")
PATHS = ("password_file", "tls_ca", "tls_cert", "tls_key")
_COMMON = frozenset({"name", "kind", "source", "window", "uncertain", "uncertain_hold_s", "receipt_wait_s"})

HIDDEN = "***"  # what is shown in place of a password


def keys_of(kind: str) -> frozenset[str]:
    """The keys that mean something for a kind of channel."""
    every = frozenset(ChannelSettings.model_fields)
    return _COMMON | {"receipt_delay_s"} if kind == "simulator" else every - {"receipt_delay_s"}


def shown(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings for people: a password is there or not, and never what it is."""
    return {key: HIDDEN if key == "password" and value else value for key, value in settings.items()}

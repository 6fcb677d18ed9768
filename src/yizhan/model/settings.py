"""Static settings: what stands in the configuration file. Living ones (accounts, lists) are in the store.

Every knob has a default and its unit in its name; ``etc/yizhan.toml`` lists them all.
"""

import re
from decimal import Decimal
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from yizhan.model.access import Role
from yizhan.model.channel import HIDDEN, ChannelSettings
from yizhan.model.operation import FAMILY
from yizhan.model.section import Count, Seconds, Section

Prefix = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,14}$")]
Days = Annotated[float, Field(ge=0, le=36_500)]
Price = Annotated[Decimal, Field(ge=0, le=1_000, decimal_places=3)]  # money is an integer of 1/1000 条


def split_listen(listen: str) -> tuple[str, int]:
    """``HOST:PORT`` or ``[IPv6]:PORT`` in two. ValueError says what is allowed."""
    host, colon, port = listen.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError("must be HOST:PORT with a port from 0 to 65535, for example 127.0.0.1:8080 or [::1]:8080")
    return host.strip("[]"), int(port)


def _empty_or_listen(value: str) -> str:
    if value == "none":  # an empty variable of the environment counts as not set
        return ""
    if value:
        split_listen(value)
    return value


# HOST:PORT; "none" or empty: nothing listens.
Listen = Annotated[str, AfterValidator(_empty_or_listen)]


# Up to the last @: whoever writes a password does not always escape what is in it.
_PASSWORDS_OF_URLS = re.compile(r"(://[^:/@]*:).*(?=@)|([?&](?:ssl)?password=)[^&]*", re.IGNORECASE)


def without_password(url: str) -> str:
    """A database's address for people."""
    return _PASSWORDS_OF_URLS.sub(rf"\1\2{HIDDEN}", url) if "://" in url else url


class ServerSettings(Section):
    """``[server]``: the listener that clients call."""

    listen: str = "127.0.0.1:8080"
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    head_timeout_s: Seconds = 15
    body_timeout_s: Seconds = 30
    keep_alive_s: Seconds = 75
    drain_s: Seconds = 10
    max_target_bytes: Count = 65_536
    max_header_bytes: Count = 32_768
    max_body_bytes: Count = 1_048_576
    max_connections: Count = 10_000
    keep_request_bytes: Annotated[int, Field(ge=0, le=65_536)] = 2_048

    @field_validator("listen")
    @classmethod
    def _listen(cls, value: str) -> str:
        split_listen(value)
        return value

    @field_validator("tls_cert", "tls_key", mode="before")
    @classmethod
    def _none_when_empty(cls, value: object) -> object:
        return None if value == "" else value  # TOML has no null, and the sample file shows every default


class AdminSettings(Section):
    """``[admin]``: the node's control plane: a unix socket for its owner, a port for tokens and for who logs in."""

    listen: str = "unix:admin.sock"
    api_listen: Listen = "127.0.0.1:8081"
    session_idle_s: Annotated[float, Field(gt=0, le=86_400)] = 1_800
    session_max_s: Annotated[float, Field(gt=0, le=2_592_000)] = 43_200
    logins_per_minute: Count = 10
    require_totp: tuple[Role, ...] = ()
    setup_link_s: Annotated[float, Field(gt=0, le=86_400)] = 3_600
    max_upload_bytes: Annotated[int, Field(ge=1, le=15_000_000)] = 5_000_000
    max_upload_rows: Annotated[int, Field(ge=1, le=1_000_000)] = 100_000
    max_drafts: Count = 20
    max_streams: Count = 100
    max_streams_person: Count = 20

    @field_validator("listen")
    @classmethod
    def _unix_only(cls, value: str) -> str:
        if not value.startswith("unix:") or not value.removeprefix("unix:"):
            raise ValueError(
                "must be unix:PATH (relative to the data directory); it has no log-in; for TCP see api_listen"
            )
        return value


class MetricsSettings(Section):
    """``[metrics]``: where Prometheus asks, besides the admin socket."""

    listen: Listen = ""


_POSTGRESQL = ("postgresql://", "postgres://")


class StoreSettings(Section):
    """``[store]``: where everything durable lives."""

    url: str = "sqlite:yizhan.db"
    direct_url: str = ""
    batch_rows: Count = 4_000
    batch_ms: Annotated[float, Field(gt=0, le=1_000)] = 10
    max_waiting_rows: Count = 1_000_000
    max_refusals: Count = 100_000
    low_disk_bytes: Annotated[int, Field(ge=0)] = 1_000_000_000
    large_log_bytes: Annotated[int, Field(ge=0)] = 500_000_000
    readers: Annotated[int, Field(ge=1, le=64)] = 4

    wait_s: Seconds = 5
    upgrade_wait_s: Seconds = 300
    partition_rows: Annotated[int, Field(ge=10_000, le=1_000_000_000)] = 2_000_000
    replica_url: str = ""
    replica_max_lag_s: Annotated[float, Field(gt=0, le=86_400)] = 10

    @field_validator("url")
    @classmethod
    def _engine(cls, value: str) -> str:
        scheme, colon, rest = value.partition(":")
        known = scheme == "sqlite" or value.startswith(_POSTGRESQL)
        if not known or not colon or not rest:
            raise ValueError("must be sqlite:PATH (relative to the data directory) or postgresql://USER@HOST/DATABASE")
        return value

    @model_validator(mode="after")
    def _a_replica_of_a_server(self) -> Self:
        if self.replica_url and not (self.replica_url.startswith(_POSTGRESQL) and self.url.startswith(_POSTGRESQL)):
            raise ValueError("replica_url must be postgresql://USER@HOST/DATABASE, a replica of the one that url names")
        return self

    @field_validator("direct_url")
    @classmethod
    def _server(cls, value: str) -> str:
        if value and not value.startswith(_POSTGRESQL):
            raise ValueError("must be postgresql://USER@HOST/DATABASE, or empty")
        return value


class NodeSettings(Section):
    """``[node]``: this program among others on the same store."""

    name: Annotated[str, Field(max_length=64)] = ""
    lease_s: Annotated[float, Field(ge=1, le=300)] = 5
    look_s: Annotated[float, Field(ge=0.1, le=60)] = 0.5


class RefundRule(StrEnum):
    """What is paid back for a part that definitely failed."""

    FAILED = "failed"  # refused at submit, or UNDELIV, REJECTD, EXPIRED, DELETED
    REFUSED = "refused"  # refused at submit only
    NEVER = "never"


class PolicySettings(Section):
    """``[policy]``: the knobs of the contract's table (section 5) and of charging (section 8)."""

    query_interval_s: Seconds = 30
    report_interval_s: Seconds = 0
    replies_per_call: Annotated[int, Field(ge=1, le=10_000)] = 50
    reports_per_call: Annotated[int, Field(ge=1, le=10_000)] = 500
    lease_s: Annotated[float, Field(gt=0, le=86_400)] = 60
    opt_out_words: tuple[str, ...] = ("T", "TD", "N", "R", "退订", "拒收")
    open_operations: tuple[str, ...] = ()
    registrations_per_minute: Count = 10
    send_time_grace_s: Seconds = 300
    max_numbers: Count = 10_000
    max_content_chars: Count = 300
    sender_max_digits: Count = 20
    max_batch_items: Count = 1_000
    rows_at_once: Count = 2_000
    rows_waiting: Count = 500_000
    turn_wait_s: Annotated[float, Field(gt=0, le=3_600)] = 15
    urgent_max_numbers: Annotated[int, Field(ge=0)] = 5
    refund: RefundRule = RefundRule.FAILED
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 5
    busy_pause_s: Annotated[float, Field(gt=0, le=86_400)] = 5
    busy_max_pause_s: Annotated[float, Field(gt=0, le=86_400)] = 600
    failed_logins: Count = 20
    failed_login_window_s: Seconds = 600
    failed_login_block_s: Seconds = 600
    failed_login_ipv6_prefix: Annotated[int, Field(ge=32, le=128)] = 64
    failed_logins_per_account: Count = 100
    slow_checks_at_once: Annotated[int, Field(ge=1, le=64)] = 2
    slow_checks_waiting: Count = 64
    slow_checks_per_account_minute: Count = 60
    slow_checks_per_address_minute: Count = 60
    password_changes_per_minute: Count = 10

    @field_validator("open_operations")
    @classmethod
    def _closed_ones(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = {operation.name.lower(): operation.name for operation in FAMILY if operation.closed}
        for name in value:
            if name.lower() not in known:
                raise ValueError(f"knows only {', '.join(known.values())}; not {name}")
        return tuple(known[name.lower()] for name in value)


class RetentionSettings(Section):
    """``[retention]``: how long what has ended is kept, in days; 0 is for ever."""

    messages_days: Days = 90
    unfetched_days: Days = 90
    replies_days: Days = 90
    audit_days: Days = 0

    @model_validator(mode="after")
    def _nothing_waits_for_what_is_gone(self) -> Self:
        """Reports and replies that wait to be fetched name messages and replies."""
        for name in ("messages_days", "replies_days"):
            kept = getattr(self, name)
            if kept and not 0 < self.unfetched_days <= kept:
                raise ValueError(f"unfetched_days must be at least 1 and at most {name} ({kept:g})")
        return self


class PushSettings(Section):
    """``[push]``: webhooks."""

    allow_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    timeout_s: Annotated[float, Field(gt=0, le=300)] = 10
    at_once: Annotated[int, Field(ge=1, le=100)] = 4
    max_attempts: Annotated[int, Field(ge=1, le=1_000)] = 12
    first_delay_s: Annotated[float, Field(gt=0, le=86_400)] = 5
    max_delay_s: Annotated[float, Field(gt=0, le=86_400)] = 3_600


class LogSettings(Section):
    """``[log]``: what reaches standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    calls: bool = False


class OtelSettings(Section):
    """``[otel]``: traces; what else there is to say of them, the ``OTEL_...`` variables of the environment say."""

    enabled: bool = False


class Settings(Section):
    """The whole file. Without one, these defaults are the gateway."""

    server: ServerSettings = ServerSettings()
    admin: AdminSettings = AdminSettings()
    metrics: MetricsSettings = MetricsSettings()
    store: StoreSettings = StoreSettings()
    node: NodeSettings = NodeSettings()
    policy: PolicySettings = PolicySettings()
    retention: RetentionSettings = RetentionSettings()
    push: PushSettings = PushSettings()
    log: LogSettings = LogSettings()
    otel: OtelSettings = OtelSettings()
    channels: tuple[ChannelSettings, ...] = Field(default=(), validate_default=True)
    # Price of one segment in 条 by calling code or longer prefix, digits only: {"852" = 2, "1" = 1.5}. Default: 1.
    prices: dict[Prefix, Price] = Field(default_factory=dict)

    @field_validator("channels")
    @classmethod
    def _distinct(cls, value: tuple[ChannelSettings, ...]) -> tuple[ChannelSettings, ...]:
        names = [channel.name for channel in value]
        if len(set(names)) < len(names):
            raise ValueError("every channel needs a name of its own")
        return value or (ChannelSettings(name="simulator"),)

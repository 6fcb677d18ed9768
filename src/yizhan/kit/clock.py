"""The clock, passed in wherever time matters: UTC milliseconds for the store, monotonic seconds for timers."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

# The protocol's edge speaks Beijing time (contract, section 3). China has had one zone without daylight saving since
# 1991, so a fixed offset is right for every time this gateway can meet, and needs no zone database.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock(Protocol):
    """Two readings of time."""

    def now_ms(self) -> int:
        """Wall clock, UTC, milliseconds since 1970."""

    def monotonic_s(self) -> float:
        """Seconds that never jump, for timers and intervals."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Wall clock, UTC, milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(at: datetime) -> int:
    """A moment with a zone in UTC milliseconds since 1970."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def to_rfc3339(ms: int | None) -> str | None:
    """``ms`` as RFC 3339 in UTC with milliseconds, None for None."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def show_time(ms: int) -> str:
    """The time of day in Beijing, to the millisecond: ``08:00:00.000``."""
    return datetime.fromtimestamp(ms / 1000, BEIJING).strftime("%H:%M:%S.%f")[:-3]


def show_gap(gap: timedelta) -> str:
    """How long after the step before: ``+7 ms``, ``+1.02 s``, ``+3 min``, ``+4 h``, ``+6 d``; empty below 1 ms."""
    seconds = gap.total_seconds()
    if abs(seconds) < 0.001:
        return ""
    if abs(seconds) < 1:
        return f"{seconds * 1000:+.0f} ms"
    if abs(seconds) < 120:
        return f"{seconds:+.2f} s"
    for size, unit in ((60, "min"), (3_600, "h")):
        if abs(seconds) < 120 * size:
            return f"{seconds / size:+.0f} {unit}"
    return f"{seconds / 86_400:+.0f} d"

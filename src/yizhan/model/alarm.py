"""What an operator should look at now."""

from dataclasses import dataclass
from enum import StrEnum


class AlarmKind(StrEnum):
    """A closed set; the console has words for each."""

    CHANNEL_DOWN = "channel_down"
    CHANNEL_REFUSES = "channel_refuses"
    QUEUE_OLD = "queue_old"
    UNCERTAIN = "uncertain"
    EVENTS_PARKED = "events_parked"
    DISK_LOW = "disk_low"
    NODE_LOST = "node_lost"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One of them: which channel or node it is about (empty: none), and how much of it there is (None: it just is)."""

    kind: AlarmKind
    about: str = ""
    figure: int | None = None

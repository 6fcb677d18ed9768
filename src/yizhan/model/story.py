"""A message's story as values: what happened, when and why. ``console.telling`` tells it in a language."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, Union

from yizhan.model.views import MessageView

# What stands in a place of a sentence; of several names it is one or the other.
Value: TypeAlias = Union[str, int, Sequence[str], "Said"]


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence: its key among the words of the console, and what stands in its places."""

    key: str
    values: Mapping[str, Value] = field(default_factory=dict)


def say(key: str, **values: Value) -> Said:
    """A sentence, as it is written down."""
    return Said(key, values)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a story; without ``at`` it has not happened yet, or goes on."""

    at: str | None
    station: str
    what: Said
    why: Sequence[Said] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A message and its timeline, derived from the columns of its rows."""

    message: MessageView
    events: Sequence[Event]
    channels: Sequence[str] = ()  # that have been given it
    candidates: Sequence[Event] = ()  # channels by today's rules, where that is not among the events

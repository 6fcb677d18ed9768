"""What calls and messages go through, told to whoever follows them: the log, a tracing backend."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

About = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of the way, with its beginning and end (UTC ns). No number, no text and no password is ever in it."""

    name: str  # call, admission, commit, wait, submit, report
    begun_ns: int
    ended_ns: int
    about: About
    failed: bool = False
    # Names the submission for good, at every node and after every restart; None for a call that is none.
    submission: str | None = None


class Follower(Protocol):
    """Hears of each step when it is over."""

    def step(self, step: Step) -> None:
        """Take it; must not fail, and not wait."""

    def close(self) -> None:
        """No more comes."""

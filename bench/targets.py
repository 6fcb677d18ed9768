"""What was promised (the issue "Nothing lost, and faster than C"), held against the rows of one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.scenarios import Row


class Figures:
    """The rows of a run, to be asked by name."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def row(self, scenario: str, system: str = "Yizhan") -> Row | None:
        """The first row whose scenario begins so."""
        return next((row for row in self._rows if row.scenario.startswith(scenario) and row.system == system), None)

    def ratio(self, scenario: str, other: str = "Kannel", other_scenario: str = "") -> float | None:
        """Our rate as a multiple of another's, or of ours in another scenario."""
        ours, theirs = self.row(scenario), self.row(other_scenario or scenario, other)
        return ours.per_s / theirs.per_s if ours and theirs else None

    def slowest_ms(self, scenario: str) -> float | None:
        """The longest that anything took in the scenarios that begin so."""
        return max((row.max_ms for row in self._rows if row.scenario.startswith(scenario) and row.max_ms), default=None)

    def memory_growth(self) -> float | None:
        """The last third of the long run, as a multiple of its first."""
        first, last = (self.row(f"a long run, {third} third") for third in ("first", "last"))
        return last.peak_mb / first.peak_mb if first and last else None


@dataclass(frozen=True)
class Target:
    """A promise. ``wanted`` is the least that keeps it, or the most if ``at_most``."""

    name: str
    wanted: float
    unit: str
    measure: Callable[[Figures], float | None]
    at_most: bool = False

    def show(self, value: float) -> str:
        """A figure of its kind."""
        return f"{value:,.0f} {self.unit}" if self.unit in ("/s", "ms", "MB") else f"{value:.2f} {self.unit}"

    def met(self, value: float) -> bool:
        """Whether ``value`` keeps it."""
        return value <= self.wanted if self.at_most else value >= self.wanted


SINGLE = "single numbers, 64 connections"
_ONE = "PostgreSQL, 1 node"
_TIMES, _FLOOR, _OWN = "x Kannel", "x floor", "x itself"

TARGETS = (
    Target("single numbers, accepted and submitted, 64 connections", 1.0, _TIMES, lambda run: run.ratio(SINGLE)),
    Target("the same against the floor", 0.75, _FLOOR, lambda run: run.ratio(SINGLE, "floor")),
    Target("500 numbers a call, accepted", 10.0, _TIMES, lambda run: run.ratio("500 numbers a call")),
    Target("a backlog drained, window 500", 2.0, _TIMES, lambda run: run.ratio("a backlog of")),
    Target("everything with delivery reports", 2.0, _TIMES, lambda run: run.ratio("with delivery reports")),
    Target("SMSC that answers after 100 ms, window 500", 4_500, "/s", lambda run: _rate(run.row("SMSC answers"))),
    Target("SOAP 1.1 against our HTTP POST", 0.6, _OWN, lambda run: run.ratio(f"{SINGLE}, SOAP", "Yizhan", SINGLE)),
    Target("accepting with a full store", 0.8, _OWN, lambda run: _grown(run, "single numbers")),
    Target("draining with a full store", 0.8, _OWN, lambda run: _grown(run, "a backlog drained")),
    Target(
        "a code during a blast: call to submit_sm, p99", 100, "ms", lambda run: _p99(run.row("a code during")), True
    ),
    Target("memory with the backlog queued", 200, "MB", lambda run: _mb(run.row("queued")), True),
    Target("memory over a long run, last third to first", 1.1, _OWN, Figures.memory_growth, True),
    Target(
        "another account's p99 beside a flood of 500-number calls",
        3.0,
        "x unloaded",
        lambda run: _times(_p99(run.row("beside a flood")), _p99(run.row("without a flood"))),
        True,
    ),
    Target(
        "p99 while old messages are pruned",
        2.0,
        "x without",
        lambda run: _times(_p99(run.row("while old messages are pruned")), _p99(run.row("while nothing is pruned"))),
        True,
    ),
    Target("the slowest search in a full store", 300, "ms", lambda run: run.slowest_ms("search: "), at_most=True),
    Target(
        "one node on PostgreSQL, single numbers", 0.6, "x SQLite", lambda run: _shared(run, "nodes: single numbers")
    ),
    Target("one node on PostgreSQL, 500 a call", 0.5, "x SQLite", lambda run: _shared(run, "nodes: 500 numbers")),
)


def _shared(run: Figures, what: str) -> float | None:
    one, embedded = run.row(what, _ONE), run.row(what)
    return one.per_s / embedded.per_s if one and embedded else None


def _grown(run: Figures, what: str) -> float | None:
    return run.ratio(f"{what}: a full store", "Yizhan", f"{what}: an empty store")


def _rate(row: Row | None) -> float | None:
    return row.per_s if row else None


def _p99(row: Row | None) -> float | None:
    return row.p99_ms if row else None


def _mb(row: Row | None) -> float | None:
    return row.peak_mb if row else None


def _times(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None

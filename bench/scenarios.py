"""The scenarios: each starts its systems anew, one after the other, and gives a row for each."""

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from bench import floor, gateway, jasmin, kannel, nodes, reports, searches
from bench.gateway import Gateway
from bench.load import Dialect, Load, Plan, run_load
from bench.sink import MARK, Sink, running_sink, until
from bench.stored import fill
from bench.system import Reading, System, peak_mb

Start = Callable[..., AbstractContextManager[Any]]


@dataclass(frozen=True)
class Row:
    """What one system has shown in one scenario. Latencies are of calls, CPU is per message and process."""

    scenario: str
    system: str
    messages: int
    per_s: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    max_ms: float | None = None
    cpu_us: dict[str, float] = field(default_factory=dict)
    peak_mb: float = 0.0
    commits: int | None = None


@dataclass(frozen=True)
class Size:
    """How much of everything; ``FULL`` is what the targets are about."""

    singles: int = 20_000
    batches: int = 100_000
    backlog: int = 200_000
    receipts: int = 20_000
    blast: int = 200_000
    stored: int = 300_000
    keywords: int = 50_000
    soak_s: float = 20.0
    paced: int = 1_000
    old: int = 200_000
    searched: int = 300_000


FULL = Size(
    singles=60_000,
    batches=500_000,
    backlog=1_000_000,
    receipts=60_000,
    blast=1_000_000,
    stored=10_000_000,
    soak_s=600.0,
    paced=3_000,
    old=1_000_000,
    searched=10_000_000,
)


@dataclass(frozen=True)
class Field:
    """Who takes part."""

    size: Size
    kannel: bool  # it is installed and wanted
    jasmin: bool
    postgres: str = ""  # a server on this machine, as libpq reads it; empty: there is none

    def starters(self) -> dict[str, Start]:
        """The systems of a scenario, in the order of their turns."""
        return {"Yizhan": gateway.running, **({"Kannel": kannel.running} if self.kannel else {})}


def singles(field: Field) -> Iterator[Row]:
    """Single numbers, accepted and submitted at once, over 16, 64 and 256 connections."""
    for connections in (16, 64, 256):
        for start in field.starters().values():
            yield _at_once(f"single numbers, {connections} connections", start, field.size.singles, connections)
    yield _at_once(_SINGLE, floor.running, field.size.singles, 64)
    if field.jasmin:
        yield _at_once(_SINGLE, jasmin.running, field.size.singles // 10, 64)


def ways_to_call(field: Field) -> Iterator[Row]:
    """The same with the other ways to call."""
    for dialect in (Dialect.GET, Dialect.SOAP):
        yield _at_once(f"{_SINGLE}, {dialect.value}", gateway.running, field.size.singles, 64, dialect)


_SINGLE = "single numbers, 64 connections"


def _at_once(
    name: str, start: Start, calls: int, connections: int, dialect: Dialect | None = None, delay_ms: int = 0
) -> Row:
    with running_sink(delay_ms=delay_ms) as sink, start(sink) as system:
        plan = Plan(system.url, calls, connections=connections, dialect=dialect or system.dialect)
        _warm(plan, sink)
        reading = Reading(system)
        load = run_load(plan)
        took_s = (sink.submitted(_WARM + calls)["last_ns"] - load.sent_ns[0]) / 1e9
        return _row(name, system, calls, calls / took_s, load, reading.stop())


_WARM = 50


def _warm(plan: Plan, sink: Sink) -> None:
    """The first calls pay for the password check and for what is only made once."""
    run_load(replace(plan, calls=_WARM, numbers=1, first=90_000_000))
    sink.submitted(_WARM)


def batches(field: Field) -> Iterator[Row]:
    """100 and 500 numbers a call, accepted while nothing is sent."""
    for numbers in (100, 500):
        for start in field.starters().values():
            with running_sink(is_open=False) as sink, start(sink) as system:
                system.hold()
                calls = field.size.batches // numbers
                reading, plan = Reading(system), Plan(system.url, calls, numbers, 16, system.dialect)
                load = run_load(plan)
                per_s = calls * numbers / load.elapsed_s
                yield _row(f"{numbers} numbers a call, accepted", system, calls * numbers, per_s, load, reading.stop())


def backlogs(field: Field) -> Iterator[Row]:
    """A backlog, drained to one SMSC over one bind with a window of 500; ours over four binds of 100, too."""
    count = field.size.backlog
    for start in field.starters().values():
        yield _drained(f"a backlog of {count:,} drained, window 500", start, count)
    yield _drained(f"a backlog of {count:,} drained, 4 binds, window 100", gateway.running, count, window=100, binds=4)


def slow_smsc(field: Field) -> Iterator[Row]:
    """An SMSC that answers after 100 ms: window / delay is 5,000 a second."""
    for start in field.starters().values():
        yield _drained(_SLOW, start, field.size.singles, delay_ms=100)
    if field.jasmin:  # it has one message on its way at a time
        yield _at_once(_SLOW, jasmin.running, 100, 16, delay_ms=100)


_SLOW = "SMSC answers after 100 ms, window 500"


def _drained(name: str, start: Start, count: int, delay_ms: int = 0, **options: Any) -> Row:
    with running_sink(is_open=False, delay_ms=delay_ms) as sink, start(sink, **options) as system:
        if isinstance(system, Gateway):
            sink.open()
        system.hold()
        run_load(Plan(system.url, count // 500, 500, 16, system.dialect))
        reading = Reading(system)
        system.release()
        stats = sink.submitted(count // 500 * 500)
        took_s = (stats["last_ns"] - stats["first_ns"]) / 1e9
        if isinstance(system, Gateway):
            until(lambda: system.unsent() == 0, 60)
        return _row(name, system, count, count / took_s, None, reading.stop())


def with_reports(field: Field) -> Iterator[Row]:
    """Single numbers, submitted, reported by the SMSC, and the report in the client's hands."""
    for which in field.starters():
        with running_sink(receipts=True) as sink:
            if which == "Yizhan":
                with gateway.running(sink, receipts=True) as system, reports.fetching(system.url) as client:
                    yield _reported(system, client, field.size.receipts)
            else:
                with reports.receiving() as client, kannel.running(sink, report_url=client.url) as rival:
                    yield _reported(rival, client, field.size.receipts)


def _reported(system: System, client: reports.Client, count: int) -> Row:
    reading = Reading(system)
    load = run_load(Plan(system.url, count, dialect=system.dialect, reported=True))
    last_ns = until(lambda: client.last_ns if client.count >= count else None, 300)
    took_s = (last_ns - load.sent_ns[0]) / 1e9
    return _row("with delivery reports, to the client", system, count, count / took_s, load, reading.stop())


def verification_codes(field: Field) -> Iterator[Row]:
    """One code after another while a blast is queued and drained: from its call to its submit_sm."""
    count = field.size.blast
    for which, start in field.starters().items():
        with running_sink(is_open=False) as sink, start(sink) as system:
            if which == "Yizhan":
                sink.open()
            system.hold()
            run_load(Plan(system.url, count // 500, 500, 16, system.dialect))
            system.release()
            codes = Plan(system.url, 100, 1, 2, system.dialect, last_digit=MARK, calls_per_s=20)
            load = run_load(codes)
            marks = until(lambda: _marks(sink, 100), 300)
            taken_ms = sorted((at - sent) / 1e6 for at, sent in zip(marks, load.sent_ns, strict=True))
            yield Row(
                f"a code during a blast of {count:,}: call to submit_sm",
                system.name,
                100,
                20,
                taken_ms[50],
                taken_ms[98],
                taken_ms[-1],
                peak_mb=peak_mb(system),
            )


def _marks(sink: Sink, count: int) -> list[int] | None:
    """When each marked number came, in the order of the calls."""
    marks = sink.stats()["marks"]
    return [at for _, at in sorted(marks.items())] if len(marks) >= count else None


def flood(field: Field) -> Iterator[Row]:
    """One account's single numbers, a hundred a second, alone and beside another's calls of 500 numbers."""
    calls = Plan("", field.size.paced, connections=8, calls_per_s=100)
    with running_sink() as sink, gateway.running(sink, accounts=("bench", "flood")) as system:
        for name, numbers in (("without a flood", 0), ("beside a flood of 500-number calls", 500)):
            with ThreadPoolExecutor(1) as beside:
                if numbers:
                    count = field.size.paced * 2  # 200 calls a second would take as long
                    many = Plan(system.url, count, numbers, 16, account="flood", first=50_000_000 // numbers)
                    beside.submit(run_load, many)
                    until(lambda: sink.stats()["submits"] > 2 * field.size.paced, 60)
                reading = Reading(system)
                load = run_load(replace(calls, url=system.url, first=numbers * 1_000))
                yield _row(f"{name}: another account's calls", system, calls.calls, 100, load, reading.stop())


def pruning(field: Field) -> Iterator[Row]:
    """Single numbers, five hundred a second, while nothing is pruned and while a store full of old messages is."""
    size = field.size
    for name, days in (("while nothing is pruned", 0), ("while old messages are pruned", 90)):
        with (
            running_sink() as sink,
            gateway.running(
                sink,
                prepare=lambda file: fill(file, size.old),
                YIZHAN_RETENTION__MESSAGES_DAYS=str(days),
            ) as system,
        ):
            before = system.stored()
            reading = Reading(system)
            load = run_load(Plan(system.url, 5 * size.paced, connections=16, calls_per_s=500))
            pruned = before + 5 * size.paced - system.stored()
            label = f"{name} ({pruned:,} of {size.old:,} meanwhile)"
            yield _row(label, system, 5 * size.paced, 500, load, reading.stop())


def growth(field: Field) -> Iterator[Row]:
    """Accepting and draining with an empty store, and with a full one.

    That holds messages of 1,000 accounts, a tenth of them scheduled for later, and 50,000 keywords.
    """
    size, stored = field.size, field.size.stored
    full: dict[str, Any] = {"prepare": lambda file: fill(file, stored), "keywords": size.keywords}
    full["YIZHAN_RETENTION__MESSAGES_DAYS"] = "0"
    much = f"a full store ({stored:,} messages)"
    for name, options in (("an empty store", {}), (much, full)):
        yield _at_once(f"single numbers: {name}", _with(options), size.singles, 64)
        yield _drained(f"a backlog drained: {name}", _with(options), min(size.backlog, 200_000))


def _with(options: dict[str, Any]) -> Start:
    return lambda sink, **more: gateway.running(sink, **options, **more)


def memory(field: Field) -> Iterator[Row]:
    """Resident memory with the backlog queued, and over a long run of single numbers."""
    with running_sink() as sink, gateway.running(sink) as system:
        system.hold()
        count = field.size.backlog
        run_load(Plan(system.url, count // 500, 500, 16))
        yield Row(f"queued: {count:,} messages, resident memory", system.name, count, 0, peak_mb=system.meters[0].mb())
    with running_sink() as sink, gateway.running(sink) as system:
        held, end_s, first = [], time.monotonic() + field.size.soak_s, 0
        while time.monotonic() < end_s:
            run_load(Plan(system.url, 4_000, first=first, calls_per_s=2_000))
            first += 4_000
            held.append(system.meters[0].mb())
        third = max(1, len(held) // 3)
        for name, part in (("first", held[:third]), ("last", held[-third:])):
            label = f"a long run, {name} third: {field.size.soak_s:.0f} s at 2,000 calls/s"
            yield Row(label, system.name, first, 2_000, peak_mb=max(part))


def several_nodes(field: Field) -> Iterator[Row]:
    """One node on SQLite; one, two and four on a PostgreSQL: single numbers, 500 a call, and a backlog drained."""
    starts: list[Start] = [gateway.running]
    starts += [partial(nodes.running, server=field.postgres, count=number) for number in (1, 2, 4)]
    for start in starts if field.postgres else ():
        with running_sink() as sink, start(sink) as system:
            warm = _warm_each(system, sink)
            reading = Reading(system)
            load = system.load(Plan(system.url, field.size.singles, connections=64))
            count = len(load.sent_ns)
            took_s = (sink.submitted(count + warm)["last_ns"] - load.sent_ns[0]) / 1e9
            yield _row("nodes: single numbers, 64 connections", system, count, count / took_s, load, reading.stop())
        with running_sink() as sink, start(sink) as system:
            warm = _warm_each(system, sink)
            system.hold()
            reading = Reading(system)
            load = system.load(Plan(system.url, min(field.size.backlog, 200_000) // 500, 500, 16))
            count = len(load.sent_ns) * 500
            yield _row("nodes: 500 numbers a call", system, count, count / load.elapsed_s, load, reading.stop())
            reading, begun_ns = Reading(system), time.monotonic_ns()
            system.release()
            took_s = (sink.submitted(count + warm)["last_ns"] - begun_ns) / 1e9
            until(lambda: system.unsent() == 0, 60)
            yield _row("nodes: a backlog drained", system, count, count / took_s, None, reading.stop())


def _warm_each(system: Any, sink: Sink) -> int:
    """As ``_warm``, each of several nodes: with how many messages."""
    system.load(Plan(system.url, _WARM // 4 * 4, first=90_000_000, connections=16))
    sink.submitted(_WARM // 4 * 4)
    return _WARM // 4 * 4


def searching(field: Field) -> Iterator[Row]:
    """What people look for in a full store, and counting what waits; the latencies are of the store itself."""
    stored = field.size.searched
    with searches.on_sqlite(stored) as database:
        yield from _answers(searches.ask_all(database, "SQLite", stored))
    if field.postgres:
        with searches.on_postgresql(field.postgres, stored) as database:
            yield from _answers(searches.ask_all(database, "PostgreSQL", stored))


def _answers(answered: Iterable[searches.Answered]) -> Iterator[Row]:
    for one in answered:
        took_ms = one.took_ms
        middle, high = took_ms[len(took_ms) // 2], took_ms[-1]
        yield Row(f"search: {one.question}", one.system, len(took_ms), 0, p50_ms=middle, max_ms=high)


def _row(name: str, system: System, messages: int, per_s: float, load: Load | None, reading: Reading) -> Row:
    p50_ms, p99_ms, max_ms = (load.quantile_ms(share) if load else None for share in (0.5, 0.99, 1))
    return Row(
        name,
        system.name,
        messages,
        per_s,
        p50_ms,
        p99_ms,
        max_ms,
        reading.cpu_us(messages),
        peak_mb(system),
        reading.commits,
    )


ALL: dict[str, Callable[[Field], Iterator[Row]]] = {
    "singles": singles,
    "ways": ways_to_call,
    "batches": batches,
    "backlogs": backlogs,
    "reports": with_reports,
    "slow": slow_smsc,
    "codes": verification_codes,
    "flood": flood,
    "pruning": pruning,
    "growth": growth,
    "memory": memory,
    "nodes": several_nodes,
    "search": searching,
}

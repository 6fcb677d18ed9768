"""``make bench``: how fast the real program accepts, how many commits that takes, and what a message costs in CPU.

Load and gateway share the machine, so compare the figures of one run with each other, not with another machine's.
"""

import argparse
import json
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.drain import Drained, drain
from bench.gateway import running
from bench.load import Plan, run_load


@dataclass(frozen=True)
class Scenario:
    """``calls`` calls of ``numbers`` numbers over ``connections`` kept-alive connections."""

    name: str
    calls: int
    numbers: int
    connections: int
    later: bool  # with a far SendTime: accepted and stored, nothing dispatched


SCENARIOS = (
    Scenario("single numbers, accepted only", 20_000, 1, 64, later=True),
    Scenario("single numbers, delivered by the simulator", 20_000, 1, 64, later=False),
    Scenario("500 numbers a call, accepted only", 600, 500, 16, later=True),
)


# A backlog of so many messages, drained with these windows and binds.
DRAINED = 200_000
DRAINS = ((500, 1), (100, 4))


@dataclass(frozen=True)
class Result:
    """What one scenario has shown."""

    scenario: str
    calls_per_s: float
    numbers_per_s: float
    p50_ms: float
    p99_ms: float
    commits: int
    calls: int
    gateway_cpu_us_per_number: float
    gateway_peak_mb: float


def measure(scenario: Scenario) -> Result:
    """One scenario against a fresh gateway with default settings."""
    with running() as gateway:
        before, cpu_before_s = gateway.commits(), gateway.cpu_s()
        begun = time.monotonic()
        calls, numbers = scenario.calls, scenario.numbers
        load = run_load(Plan(gateway.url, "bench", "bench", calls, numbers, scenario.connections, scenario.later))
        elapsed_s = time.monotonic() - begun
        cpu_s = gateway.cpu_s() - cpu_before_s
        commits, peak_mb = gateway.commits() - before, gateway.peak_mb()
    if load.refused:
        raise SystemExit(f"{scenario.name}: {load.refused} calls were refused; the figures would mean nothing")
    latencies = sorted(load.latencies_s)
    return Result(
        scenario=scenario.name,
        calls_per_s=calls / elapsed_s,
        numbers_per_s=calls * numbers / elapsed_s,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        commits=commits,
        calls=calls,
        gateway_cpu_us_per_number=cpu_s / (calls * numbers) * 1e6,
        gateway_peak_mb=peak_mb,
    )


def main() -> None:
    """Run every scenario, print a table, and keep the figures as JSON where asked."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    results = _accepting()
    drains = _draining()
    if options.json:
        figures = [*(asdict(result) for result in results), *(asdict(found) for found in drains)]
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _accepting() -> list[Result]:
    results = []
    print(
        f"{'scenario':<44}{'calls/s':>9}{'numbers/s':>11}{'p50 ms':>8}{'p99 ms':>8}{'commits':>9}{'µs CPU':>8}{'MB':>6}"
    )
    for scenario in SCENARIOS:
        result = measure(scenario)
        results.append(result)
        print(
            f"{result.scenario:<44}{result.calls_per_s:>9.0f}{result.numbers_per_s:>11.0f}{result.p50_ms:>8.1f}"
            f"{result.p99_ms:>8.1f}{result.commits:>9}{result.gateway_cpu_us_per_number:>8.1f}{result.gateway_peak_mb:>6.0f}",
            flush=True,
        )
    print("µs CPU: of the gateway, per number; commits: of the whole scenario, dispatch and settlement included\n")
    return results


def _draining() -> list[Drained]:
    drains = []
    print(f"{'scenario':<44}{'messages':>10}{'messages/s':>12}{'µs CPU':>8}{'MB':>6}  SMSC")
    for window, binds in DRAINS:
        found = drain(DRAINED, window, binds)
        drains.append(found)
        print(
            f"{found.scenario:<44}{found.messages:>10}{found.messages_per_s:>12.0f}"
            f"{found.gateway_cpu_us_per_message:>8.1f}{found.gateway_peak_mb:>6.0f}  in {found.smsc}",
            flush=True,
        )
    print("µs CPU: of the gateway, per message: claim, encode, write, read the answer, settle")
    return drains


main()

"""``make bench``: how fast the real program accepts, how many commits that takes, and what a message costs in CPU.

Load and gateway share the machine, so compare the figures of one run with each other, not with another machine's.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from bench.load import Plan, run_load

_READY = re.compile(r'"event": "ready"')
_CREDITS = 100_000_000


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
    with tempfile.TemporaryDirectory() as folder:
        data, log_path = Path(folder) / "data", Path(folder) / "log"
        with log_path.open("w+") as log:
            command = [sys.executable, "-m", "yizhan", "serve", "--data", str(data), "--listen", "127.0.0.1:0"]
            gateway = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log)
            try:
                url = _wait_until_ready(log_path, gateway)
                transport = httpx.HTTPTransport(uds=str(data / "admin.sock"))
                with httpx.Client(transport=transport, base_url="http://admin/api/v1", timeout=60) as admin:
                    account = {"account": "bench", "password": "bench", "credit": _CREDITS}
                    admin.post("/accounts", json=account).raise_for_status()
                    before, cpu_before_s = admin.get("/health").json()["commits"], _cpu_s(gateway.pid)
                    begun = time.monotonic()
                    load = run_load(
                        Plan(
                            url,
                            "bench",
                            "bench",
                            scenario.calls,
                            scenario.numbers,
                            scenario.connections,
                            scenario.later,
                        )
                    )
                    elapsed_s = time.monotonic() - begun
                    cpu_s = _cpu_s(gateway.pid) - cpu_before_s
                    commits = admin.get("/health").json()["commits"] - before
                peak_mb = _peak_mb(gateway.pid)
            finally:
                gateway.terminate()
                gateway.wait(30)
    if load.refused:
        raise SystemExit(f"{scenario.name}: {load.refused} calls were refused; the figures would mean nothing")
    numbers = scenario.calls * scenario.numbers
    latencies = sorted(load.latencies_s)
    return Result(
        scenario=scenario.name,
        calls_per_s=scenario.calls / elapsed_s,
        numbers_per_s=numbers / elapsed_s,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[len(latencies) * 99 // 100] * 1000,
        commits=commits,
        calls=scenario.calls,
        gateway_cpu_us_per_number=cpu_s / numbers * 1e6,
        gateway_peak_mb=peak_mb,
    )


def _wait_until_ready(log_path: Path, gateway: "subprocess.Popen[bytes]") -> str:
    for _ in range(600):
        for line in log_path.read_text().splitlines():
            if _READY.search(line):
                return str(json.loads(line)["url"])
        if gateway.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"the gateway did not start:\n{log_path.read_text()}")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    match = re.search(r"VmHWM:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) / 1024 if match else 0.0


def main() -> None:
    """Run every scenario, print a table, and keep the figures as JSON where asked."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
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
    print("µs CPU: of the gateway, per number; commits: of the whole scenario, dispatch and settlement included")
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in results], indent=2) + "\n")


main()

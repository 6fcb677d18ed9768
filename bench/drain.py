"""How fast one SMPP channel drains a backlog, and what a message costs there: claim, encode, write, settle."""

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.gateway import Gateway, running
from bench.load import Plan, run_load

_SINK = Path(__file__).with_name("sink.c")
_PATIENCE_S = 300.0


@dataclass(frozen=True)
class Drained:
    """What a drain has shown."""

    scenario: str
    messages: int
    messages_per_s: float
    gateway_cpu_us_per_message: float
    gateway_peak_mb: float
    smsc: str


def drain(messages: int, window: int, binds: int) -> Drained:
    """Accept a backlog while the channel is paused, then let it go, and wait until every message is sent."""
    with smsc() as (port, kind):
        channel = {"name": "bench", "kind": "smpp", "host": "127.0.0.1", "port": port, "system_id": "bench"}
        channel |= {"window": window, "binds": binds, "receipts": "none", "trace_pdus": 0}
        with running(YIZHAN_CHANNELS=json.dumps([channel])) as gateway:
            gateway.admin.post("/channels/bench/pause").raise_for_status()
            load = run_load(Plan(gateway.url, "bench", "bench", messages // 500, 500, 16, later=False))
            if load.refused:
                raise SystemExit(f"{load.refused} calls were refused; the figures would mean nothing")
            cpu_s, begun = gateway.cpu_s(), time.monotonic()
            gateway.admin.post("/channels/bench/resume").raise_for_status()
            _wait_until_sent(gateway)
            elapsed_s, cpu_s = time.monotonic() - begun, gateway.cpu_s() - cpu_s
            return Drained(
                scenario=f"drain over SMPP, window {window}, {binds} bind{'s' if binds > 1 else ''}",
                messages=messages,
                messages_per_s=messages / elapsed_s,
                gateway_cpu_us_per_message=cpu_s / messages * 1e6,
                gateway_peak_mb=gateway.peak_mb(),
                smsc=kind,
            )


def _wait_until_sent(gateway: Gateway) -> None:
    """Asked rarely: the question costs the gateway CPU that would be counted."""
    end_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end_s:
        time.sleep(0.5)
        if gateway.unsent() == 0:
            return
    raise SystemExit("the backlog was not drained in time")


@contextlib.contextmanager
def smsc() -> Iterator[tuple[int, str]]:
    """The sink in C where there is a compiler, else the simulator's SMSC: its port and which it is."""
    compiler = shutil.which("cc")
    with tempfile.TemporaryDirectory() as folder:
        if compiler:
            binary = str(Path(folder) / "sink")
            subprocess.run([compiler, "-O2", "-o", binary, str(_SINK)], check=True)
            process = subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        else:
            words = ["simulate", "smsc", "--listen", "127.0.0.1:0", "--json"]
            process = subprocess.Popen(
                [sys.executable, "-m", "yizhan", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert process.stdout is not None and process.stdin is not None
        try:
            line = process.stdout.readline()
            port = int(line) if compiler else int(json.loads(line)["smpp"].rpartition(":")[2])
            yield port, "C" if compiler else "simulator"
        finally:
            process.stdin.close()
            process.terminate()
            process.wait(10)
            process.stdout.close()

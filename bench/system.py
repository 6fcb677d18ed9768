"""What is compared: a gateway of any make, run as it ships, with meters on its processes."""

import os
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.load import Dialect

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Meter:
    """One process."""

    name: str
    pid: int

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def mb(self, field: str = "VmRSS") -> float:
        """Resident memory now, or ``VmHWM``, the most it has held."""
        match = re.search(rf"{field}:\s+([0-9]+) kB", Path(f"/proc/{self.pid}/status").read_text())
        return int(match[1]) / 1024 if match else 0.0


class System(Protocol):
    """A running gateway."""

    @property
    def name(self) -> str:
        """Who it is."""

    @property
    def url(self) -> str:
        """Where it takes calls."""

    @property
    def dialect(self) -> Dialect:
        """How it is called."""

    @property
    def meters(self) -> tuple[Meter, ...]:
        """Its processes."""

    def hold(self) -> None:
        """Take messages and send none."""

    def release(self) -> None:
        """Send what waits."""

    def commits(self) -> int | None:
        """Commits so far, each with its fsync; None for a system that has none."""


@dataclass
class Reading:
    """CPU and commits from its making to ``stop``."""

    system: System
    cpu_s: dict[str, float] = field(default_factory=dict)
    commits: int | None = None

    def __post_init__(self) -> None:
        self._commits = self.system.commits()  # first: the question costs CPU
        self._began = {meter.name: meter.cpu_s() for meter in self.system.meters}

    def stop(self) -> "Reading":
        """Read the meters."""
        self.cpu_s = {meter.name: meter.cpu_s() - self._began[meter.name] for meter in self.system.meters}
        commits = self.system.commits()
        self.commits = None if commits is None or self._commits is None else commits - self._commits
        return self

    def cpu_us(self, messages: int) -> dict[str, float]:
        """Of each process, per message."""
        return {name: cpu_s / messages * 1e6 for name, cpu_s in self.cpu_s.items()}


def peak_mb(system: System) -> float:
    """The most memory that its processes have held, together."""
    return sum(meter.mb("VmHWM") for meter in system.meters)


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

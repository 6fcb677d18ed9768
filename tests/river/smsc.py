"""``yizhan simulate smsc`` in a process of its own, on free ports, and its control port."""

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .forks import MOTHER, Process
from .program import PATIENCE_S, _clean_environ


@dataclass
class Smsc:
    """The SMSC. ``start`` again after ``kill`` takes the same port."""

    folder: Path
    scenario: str = ""
    seed: int = 1
    address: str = "127.0.0.1:0"
    control: str = ""
    process: Process | None = None
    starts: int = 0

    def start(self) -> "Smsc":
        """Start it and wait until it says that it is ready."""
        file = self.folder / "scenario.toml"
        file.write_text(self.scenario, encoding="utf-8")
        self.starts += 1
        words = ["simulate", "smsc", "--listen", self.address, "--control", "127.0.0.1:0", "--json"]
        words += ["--scenario", str(file), "--seed", str(self.seed + self.starts), "--log", str(self.log)]
        screen = self.folder / "screen"
        with screen.open("w") as out:
            self.process = MOTHER.start(words, _clean_environ(), stdout=out)
        deadline = time.monotonic() + PATIENCE_S
        while not (said := screen.read_text()).endswith("\n"):
            assert self.process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        ready = json.loads(said)
        self.address, self.control = ready["smpp"], ready["control"]
        return self

    @property
    def log(self) -> Path:
        """One JSON line a submit, over all its lives."""
        return self.folder / "submits.jsonl"

    @property
    def port(self) -> int:
        """Where ESMEs connect."""
        return int(self.address.rpartition(":")[2])

    def tell(self, *, patience_s: float = PATIENCE_S, **wish: Any) -> dict[str, Any]:
        """One line to the control port, and the answer."""
        host, _, port = self.control.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=patience_s) as control:
            control.sendall(json.dumps(wish).encode() + b"\n")
            answer: dict[str, Any] = json.loads(control.makefile().readline())
        assert answer.pop("ok"), answer
        return answer

    def submits(self) -> list[dict[str, Any]]:
        """Every submit that it has seen in all its lives."""
        if not self.log.exists():
            return []
        found = []
        for line in self.log.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # a line torn by a kill
                found.append(json.loads(line))
        return found

    def kill(self) -> None:
        """As if the machine had lost power."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM: its exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def channel(self, name: str = "carrier", **settings: Any) -> dict[str, Any]:
        """The settings of a channel that leads here."""
        wanted = {"name": name, "kind": "smpp", "host": "127.0.0.1", "port": self.port, "system_id": "esme"}
        return {**wanted, "source": "10690000", **settings}


@contextlib.contextmanager
def smsc(folder: Path, scenario: str = "", seed: int = 1) -> Iterator[Smsc]:
    """An SMSC while the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    running = Smsc(folder, scenario, seed).start()
    try:
        yield running
        assert running.process is not None
        if running.process.poll() is None:
            assert running.stop() == 0
    finally:
        if running.process is not None and running.process.poll() is None:
            running.kill()

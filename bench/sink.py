"""The SMSC at the other end: ``sink.c``, compiled when it is first needed."""

import contextlib
import functools
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SOURCE = Path(__file__).with_name("sink.c")
MARK = 6  # numbers that end so are remembered with the moment they came


@dataclass
class Sink:
    """A running SMSC."""

    port: int
    process: "subprocess.Popen[str]"

    def open(self) -> None:
        """Take connections from now on."""
        self._say("open")

    def stats(self) -> dict[str, Any]:
        """``binds``, ``submits``, ``first_ns``, ``last_ns``, ``receipts``, ``acknowledged``, ``marks``."""
        self._say("stats")
        assert self.process.stdout is not None
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def submitted(self, count: int, patience_s: float = 600.0) -> dict[str, Any]:
        """The stats once ``count`` messages have come; TimeoutError when they do not come in time."""
        found: dict[str, Any] = until(lambda: one if (one := self.stats())["submits"] >= count else None, patience_s)
        return found

    def _say(self, word: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()


def until(look: Callable[[], Any], patience_s: float) -> Any:
    """What ``look`` finds; asked rarely, for the question costs CPU that the measured ones share."""
    end_s = time.monotonic() + patience_s
    while time.monotonic() < end_s:
        if found := look():
            return found
        time.sleep(0.1)
    raise TimeoutError("it did not come to its end in time; the figures would mean nothing")


@functools.cache
def compiler() -> str | None:
    """A C compiler, if there is one."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@contextlib.contextmanager
def running_sink(*, delay_ms: int = 0, receipts: bool = False, is_open: bool = True) -> Iterator[Sink]:
    """A sink while the block lasts. ``receipts``: reports each message that asks for it, at once."""
    words = ["-d", str(delay_ms), "-m", str(MARK), *(("-r", "0") if receipts else ())]
    with tempfile.TemporaryDirectory() as folder:
        binary = str(Path(folder) / "sink")
        subprocess.run([compiler() or "cc", "-O2", "-o", binary, str(_SOURCE)], check=True)
        process = subprocess.Popen([binary, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdin is not None and process.stdout is not None
        try:
            sink = Sink(int(process.stdout.readline()), process)
            if is_open:
                sink.open()
            yield sink
        finally:
            process.stdin.close()
            process.wait(10)
            process.stdout.close()

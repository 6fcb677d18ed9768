"""The disk and the clock as the gateway's process sees them: a preloaded library (``machine.c``) plays their faults."""

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

_SIZE = 16


class Machine:
    """Start the program with ``environ``; ``now`` says how its machine behaves from then on."""

    def __init__(self, folder: Path, compiler: str) -> None:
        library, file = folder / "machine.so", folder / "faults"
        source = Path(__file__).with_name("machine.c")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-Wall", "-o", library, source], check=True)
        file.write_bytes(bytes(_SIZE))
        self._file = file.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), _SIZE)
        self.environ = {"LD_PRELOAD": str(library), "MACHINE_FAULTS": str(file)}

    def now(self, *, fails_to_sync: bool = False, full: bool = False, clock_s: int = 0) -> None:
        """How it behaves from here on; ``clock_s`` is added to the time of day."""
        self._map[0:_SIZE] = struct.pack("=iiq", fails_to_sync, full, clock_s)

    def close(self) -> None:
        """Give the file back."""
        self._map.close()
        self._file.close()


def machine(folder: Path) -> Machine:
    """A machine that works, so far. Skips the test where nothing can compile its faults."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler (cc)")
    return Machine(folder, compiler)

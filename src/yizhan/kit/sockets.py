"""Paths of unix sockets: the kernel keeps them in 108 bytes (sun_path), people keep data in deep directories."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# sun_path is 108 bytes on Linux and 104 elsewhere, with a closing NUL; some room is left for either.
SHORT_BYTES = 100


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """A name for the socket at ``path`` that ``bind`` and ``connect`` take, usable inside the ``with`` only.

    A long path goes through an open descriptor of its directory (``/proc/self/fd/N/name``), which only Linux has.
    OSError (ENAMETOOLONG) when no short name exists, FileNotFoundError when the directory is missing.
    """
    plain = os.fspath(path)
    if len(os.fsencode(plain)) <= SHORT_BYTES:
        yield plain
        return
    if sys.platform != "linux" or len(os.fsencode(path.name)) > SHORT_BYTES - len("/proc/self/fd/1234567890/"):
        raise OSError(errno.ENAMETOOLONG, "too long for a unix socket", plain)
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)

"""The data directory: one process at a time works on it."""

import fcntl
import os
import stat
from pathlib import Path


class Locked(Exception):
    """Another process works on this data directory."""


class Unusable(Exception):
    """The store cannot be opened or read: damaged, no database, no permission, no server."""


def lock_directory(data: Path) -> int:
    """Make ``data`` (mode 0700 when new) and take its lock: the open descriptor. Raises Locked or Unusable."""
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise Unusable(f"{data} is not a directory") from None
    if data.stat().st_mode & stat.S_IWOTH:
        raise Unusable(f"everybody may write in {data}, and so replace what is in it: chmod o-w it first")
    descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Locked(f"another yizhan works on {data}") from None
    return descriptor

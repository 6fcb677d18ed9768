"""What asyncio does not tell of sockets: short paths of the unix ones, and how far a TCP one's bytes have come.

Paths of unix sockets: the kernel keeps them in 108 bytes (sun_path), people keep data in deep directories.
"""

import errno
import fcntl
import os
import socket
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# sun_path is 108 bytes on Linux and 104 elsewhere, with a closing NUL; some room is left for either.
SHORT_BYTES = 100
_TCP_CLOSE = 7  # the state of a connection that was reset, in struct tcp_info (linux/tcp.h)


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


class Peer:
    """The other end of a TCP connection, as the kernel knows it, also after our own end was closed. Close it."""

    def __init__(self, connected: socket.socket) -> None:
        descriptor = os.dup(connected.fileno())
        try:
            self._socket = socket.socket(fileno=descriptor)
        except BaseException:
            os.close(descriptor)
            raise

    def __enter__(self) -> "Peer":
        """The peer itself."""
        return self

    def __exit__(self, *raised: object) -> None:
        """Let go of the connection."""
        self._socket.close()

    def has_everything(self) -> bool | None:
        """Whether its machine has acknowledged every byte that was written; None: not yet; False: it never will."""
        waiting = fcntl.ioctl(self._socket.fileno(), termios.TIOCOUTQ, b"\0" * 4)
        if int.from_bytes(waiting, sys.byteorder) == 0:
            return True  # whatever became of the connection behind it
        closed = self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _TCP_CLOSE
        return False if closed else None

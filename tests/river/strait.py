"""A network between two programs that can stop carrying anything without a word, as a cable that was pulled does."""

import contextlib
import socket
import threading

_PIECE = 65_536


class Strait:
    """Listens at ``port`` and carries bytes to and from the program at ``far_port``, until ``pull``."""

    def __init__(self, far_port: int) -> None:
        self._far_port = far_port
        self._whole = threading.Event()
        self._whole.set()
        self._ends: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._door.getsockname()[1])
        threading.Thread(target=self._welcome, daemon=True).start()

    def pull(self) -> None:
        """Nothing arrives any more, in either direction, and nobody is told."""
        self._whole.clear()

    def mend(self) -> None:
        """What was under way arrives after all."""
        self._whole.set()

    def close(self) -> None:
        """Every connection ends, and no new one begins."""
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._whole.set()
        for end in self._ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in self._ends:
            end.close()

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._door.accept()
                far = socket.create_connection(("127.0.0.1", self._far_port))
                self._ends += near, far
                for one, other in ((near, far), (far, near)):
                    self._threads.append(threading.Thread(target=self._carry, args=(one, other), daemon=True))
                    self._threads[-1].start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := one.recv(_PIECE):
                self._whole.wait()
                other.sendall(piece)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

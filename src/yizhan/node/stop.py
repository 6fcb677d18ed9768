"""Stopping: a signal asks for it, and from then on the whole drain shares one bound."""

import asyncio
import os
import signal
import time

from yizhan.kit.log import get_logger

log = get_logger("node")


def end_at_once(error: BaseException) -> None:
    """The store is broken: end with EX_IOERR (74) before anybody is answered. The next start reads what is there."""
    log.critical(
        "the store is broken, the program ends at once; look at the disk and start it again", error=repr(error)
    )
    os._exit(os.EX_IOERR)


class Stop:
    """Set by SIGTERM or SIGINT; ``left_s`` is what remains of the drain's ``drain_s`` seconds."""

    def __init__(self, drain_s: float) -> None:
        """Listen for the signals; call from the running event loop."""
        self._drain_s = drain_s
        self._asked = asyncio.Event()
        self._asked_at_s: float | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._ask)

    async def asked(self) -> None:
        """Wait for the first signal."""
        await self._asked.wait()

    def left_s(self) -> float:
        """Seconds until the drain is over; all of them while nobody has asked."""
        if self._asked_at_s is None:
            return self._drain_s
        return max(0.0, self._asked_at_s + self._drain_s - time.monotonic())

    def _ask(self) -> None:
        if self._asked_at_s is None:
            self._asked_at_s = time.monotonic()
            self._asked.set()

"""One request and its answer, for a request that is already whole."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class OneWrite:
    """The part of a transport that a cycle uses, sending an answer's head together with the first of its body.

    One packet and one system call instead of two; and some old programs read an answer only once.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None  # None: not written yet; empty: on its way

    def write(self, data: bytes) -> None:
        """Hold the first write back for the second; pass on what comes later."""
        if self._head is None:
            self._head = data
            return
        self._transport.write(self._head + data)
        self._head = b""

    def flush(self) -> None:
        """Send a head that has no body."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        """Close when everything is sent."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._transport.is_closing()


class Cycle(RequestResponseCycle):
    """uvicorn's cycle, except that it writes an answer at once, and that receiving a body never turns reading on again.

    The connection pauses reading while pipelined bytes wait; a cycle that resumed it would let them pile up.
    """

    def flush(self) -> None:
        """Send what was held back: the head of an answer without a body."""
        self.transport.flush()  # type: ignore[attr-defined]  # a OneWrite

    async def receive(self) -> Any:
        """The whole body first, even from a client that has left meanwhile: its request did arrive. Then the end."""
        if self.more_body:
            self.more_body = False
            return {"type": "http.request", "body": bytes(self.body), "more_body": False}
        if not self.disconnected and not self.response_complete:
            await self.message_event.wait()
        return {"type": "http.disconnect"}

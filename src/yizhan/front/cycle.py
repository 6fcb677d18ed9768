"""One request and its answer, for a request that is already whole."""

from typing import Any

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle


class Cycle(RequestResponseCycle):
    """uvicorn's cycle, except that receiving a body never turns reading on again.

    The connection pauses reading while pipelined bytes wait; a cycle that resumed it would let them pile up.
    """

    async def receive(self) -> Any:
        """The whole body first, even from a client that has left meanwhile: its request did arrive. Then the end."""
        if self.more_body:
            self.more_body = False
            return {"type": "http.request", "body": bytes(self.body), "more_body": False}
        if not self.disconnected and not self.response_complete:
            await self.message_event.wait()
        return {"type": "http.disconnect"}

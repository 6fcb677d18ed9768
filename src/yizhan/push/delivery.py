"""One event on its way to a webhook: written, signed, posted."""

from yizhan.model.event import Event, Posted
from yizhan.push.postman import Postman
from yizhan.wire.webhook import headers_of, write_event


class Delivery:
    """The ``Messenger`` of ``flow.notify``."""

    def __init__(self, postman: Postman) -> None:
        self._postman = postman

    async def deliver(self, url: str, secret: str, id: str, at_ms: int, event: Event) -> Posted:
        """One attempt at ``at_ms``. An event keeps its ``id`` over all attempts."""
        body = write_event(event)
        return await self._postman.post(url, headers_of(secret, id, at_ms // 1000, body), body)

    async def close(self) -> None:
        """Close the connections."""
        await self._postman.aclose()

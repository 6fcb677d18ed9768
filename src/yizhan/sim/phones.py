"""Phones: what the simulator has delivered, as a phone shows it. In memory, the newest only; the journal has it all."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice

from yizhan.kit.clock import Clock, to_rfc3339
from yizhan.model.views import PhoneMessage
from yizhan.policy.verification_code import code_in

_MOST = 10_000


class Phones:
    """All phones together; one on the event loop of the node."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: deque[PhoneMessage] = deque(maxlen=_MOST)
        self._awaited: set[int] = set()  # what ``wait`` has given out
        self._last = 0
        self._came = asyncio.Event()

    def receive(self, to: str, sender: str, text: str, parts: int) -> None:
        """A whole message for the phone ``to`` (E.164)."""
        self._last += 1
        if len(self._messages) == _MOST:
            self._awaited.discard(self._messages[0].id)
        at = to_rfc3339(self._clock.now_ms()) or ""
        self._messages.append(PhoneMessage(self._last, to, sender, text, parts, at, code_in(text)))
        self._came.set()
        self._came = asyncio.Event()

    def newest(self, to: str | None, limit: int, before: int | None = None) -> Sequence[PhoneMessage]:
        """At most ``limit`` messages, newest first (or those before one), of one phone or of all."""
        earlier = (one for one in reversed(self._messages) if before is None or one.id < before)
        found = (one for one in earlier if to is None or one.to == to)
        return list(islice(found, limit))

    async def wait(self, to: str, match: str, timeout_s: float) -> PhoneMessage | None:
        """The oldest message for ``to`` with ``match`` in its text that nobody has waited for yet; None: none came.

        Each message is given out once, so the next wait is for the next message.
        """

        def found() -> PhoneMessage | None:
            fits = (one for one in self._messages if one.to == to and match in one.text and one.id not in self._awaited)
            return next(fits, None)

        message = await self._until(found, timeout_s)
        if message is not None:
            self._awaited.add(message.id)
        return message

    async def _until(self, look: Callable[[], PhoneMessage | None], timeout_s: float) -> PhoneMessage | None:
        try:
            async with asyncio.timeout(timeout_s):
                while (message := look()) is None:
                    await self._came.wait()
        except TimeoutError:
            return None
        return message

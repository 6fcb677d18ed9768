"""Mail out: what was confirmed is sent piece by piece, by one node, whether or not anybody looks on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from yizhan.kit.log import get_logger
from yizhan.model.mailing import Piece
from yizhan.store.database import Database
from yizhan.store.mailings import next_pieces

log = get_logger("mailings")

# Another node may have shown the page on which it was confirmed.
_LOOK_S = 1.0
_PAUSE_S = 5.0


class MailOut:
    """Sends mailings side by side: of each a piece, then of each the next."""

    def __init__(
        self,
        database: Database,
        post: Callable[[Piece], Awaitable[None]],
        on_duty: Callable[[], bool] = lambda: True,
    ) -> None:
        """``on_duty``: whether it is this node that sends; should two think so, the store lets one come too late."""
        self._database = database
        self._post = post
        self._on_duty = on_duty
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something was confirmed here."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            pieces = await self._next() if self._on_duty() else []
            went = [await self._went(piece) for piece in pieces]
            if not all(went):
                await asyncio.sleep(_PAUSE_S)
            elif not pieces:
                await self._rest()

    async def _next(self) -> list[Piece]:
        try:
            return await self._database.read(next_pieces)
        except Exception as error:
            log.warning("mailings cannot be read", error=repr(error))
            return []

    async def _went(self, piece: Piece) -> bool:
        """Whether a piece was sent; otherwise it still waits: the store is away or full, or too much is on its way."""
        try:
            await self._post(piece)
        except Exception as error:
            log.warning("a mailing waits", mailing=piece.mailing, place=piece.place, error=repr(error))
            return False
        return True

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._woken.wait()
        self._woken.clear()

"""Insist: a carrier's word is never dropped; while it cannot be stored, it is brought again."""

import asyncio
from collections.abc import Awaitable, Callable

RETRY_S = 1.0


async def until_done(act: Callable[[], Awaitable[object]], complain: Callable[[Exception], None]) -> None:
    """``act`` until it goes through; ``complain`` hears why it did not, each time."""
    while True:
        try:
            await act()
        except Exception as error:
            complain(error)
            await asyncio.sleep(RETRY_S)
        else:
            return

"""Periodic work that nobody waits for."""

import asyncio
import time
from functools import partial

from yizhan.kit.log import get_logger
from yizhan.store.database import Database
from yizhan.store.queue import forget_parked

log = get_logger("upkeep")

_EVERY_S = 3600
# A carrier reports within three days (carriers: "SP waits 48 h by default"); what no answer claimed by then never will.
_PARKED_MS = 72 * 3600 * 1000


async def upkeep(database: Database) -> None:
    """Once an hour, until cancelled: forget parked receipts that belong to nothing."""
    while True:
        await asyncio.sleep(_EVERY_S)
        try:
            count = await database.change(partial(forget_parked, before_ms=time.time_ns() // 1_000_000 - _PARKED_MS))
        except Exception as error:
            log.warning("upkeep failed", error=repr(error))
        else:
            log.info("parked receipts forgotten", count=count)

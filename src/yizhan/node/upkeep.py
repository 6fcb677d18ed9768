"""Periodic work that nobody waits for."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

from yizhan.flow.prune import Pruner
from yizhan.kit.log import get_logger
from yizhan.store.answers import forget_answers
from yizhan.store.database import Database
from yizhan.store.once import forget_once
from yizhan.store.queue import forget_parked
from yizhan.store.sessions import forget_sessions

log = get_logger("upkeep")

_EVERY_S = 3600
_DUTY_LOOK_S = 5
_TEND_S = 5
# A carrier reports within three days (carriers: "SP waits 48 h by default"); what no answer claimed by then never will.
_PARKED_MS = 72 * 3600 * 1000

# For so long a call of the API may come again under its key.
_ONCE_MS = 24 * 3600 * 1000


async def upkeep(database: Database, pruner: Pruner, on_duty: Callable[[], bool]) -> None:
    """At once and then every hour, until cancelled: forget parked receipts that belong to nothing, and what is old.

    Of nodes that share a store, the one does it that is ``on_duty``.
    """
    while True:
        if not on_duty():
            await asyncio.sleep(_DUTY_LOOK_S)
            continue
        try:
            parked = await database.change(partial(forget_parked, before_ms=time.time_ns() // 1_000_000 - _PARKED_MS))
            for forget in (forget_once, forget_answers):
                await database.change(partial(forget, before_ms=time.time_ns() // 1_000_000 - _ONCE_MS))
            await database.change(partial(forget_sessions, now_ms=time.time_ns() // 1_000_000))
            submissions, others = await pruner.prune()
        except Exception as error:
            log.warning("upkeep failed", error=repr(error))
        else:
            log.info("what is old has gone", parked_receipts=parked, submissions=submissions, other_rows=others)
        await asyncio.sleep(_EVERY_S)


async def tend(database: Database, on_duty: Callable[[], bool]) -> None:
    """What the store needs, every few seconds until cancelled, by the node that is ``on_duty``."""
    while True:
        await asyncio.sleep(_TEND_S)
        if on_duty():
            try:
                await database.tend()
            except Exception as error:
                log.warning("the store could not be tended", error=repr(error))

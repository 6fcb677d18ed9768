"""The connection on which a node hears what others on its store tell (``Hint``)."""

import asyncio
from collections.abc import Callable

import psycopg

from yizhan.kit.log import get_logger
from yizhan.store.hint import Hint
from yizhan.store.writer import one_line

log = get_logger("store")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 5.0


async def listen(url: str, session: str, hear: Callable[[Hint, str], None]) -> None:
    """Until cancelled, whatever becomes of the server. ``session``: the connection's name there.

    Hints are lost while there is no connection; who hears them must look by itself now and then.
    """
    pause_s, deaf = _FIRST_PAUSE_S, False
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                url,
                autocommit=True,
                application_name=session,
                connect_timeout=3,
                keepalives_idle=5,
                keepalives_interval=2,
                keepalives_count=3,
            ) as connection:
                for hint in Hint:
                    await connection.execute(f"LISTEN {hint}")
                pause_s, deaf = _FIRST_PAUSE_S, False
                async for told in connection.notifies():
                    hear(Hint(told.channel), told.payload)
        except psycopg.Error as error:
            if not deaf:
                log.warning("hints of other nodes are not heard for a while", error=one_line(error))
            deaf = True
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

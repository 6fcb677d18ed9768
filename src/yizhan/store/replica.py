"""A replica of the server, which searches are asked of instead; whoever decides anything asks the server itself."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from yizhan.kit.log import get_logger
from yizhan.store.database import WHOLE
from yizhan.store.writer import one_line

R = TypeVar("R")

log = get_logger("store")

# Nobody waits again and again for a replica that is away.
_TRY_EVERY_S = 2.0
# Every beat of a node is a commit, so what was replayed last is hardly older than a beat, unless the replica is behind
# or hears nothing any more. (That it has replayed all that it has received would not tell the latter.)
_STANDS = text(
    "SELECT pg_is_in_recovery(),"
    " CAST(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) AS double precision)"
)


class Unfit(Exception):
    """The replica is not to be asked now; the text says why."""


class Replica:
    """Read-only connections to a replica, with threads of their own."""

    def __init__(self, readers: Engine, max_lag_s: float, threads: int) -> None:
        """``max_lag_s``: further behind it is not asked; ``threads``: as many as ``readers`` has connections."""
        self._readers = readers
        self._max_lag_s = max_lag_s
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="replica")
        self._state = WHOLE  # or why it could not be asked, the last time
        self._next_try_s = self._has_all_s = 0.0

    async def search(self, ask: Callable[[Connection], R]) -> R:
        """``ask`` in one read-only transaction; it sees all that this node's operators have changed. Raises Unfit."""
        if time.monotonic() < self._has_all_s:
            raise Unfit("it may lack what was changed a moment ago")
        return await self._read(ask)

    def note_change(self) -> None:
        """Something was committed that searches must see: no replica that is asked is further behind than allowed."""
        self._has_all_s = time.monotonic() + self._max_lag_s

    async def state(self) -> str:
        """WHOLE, or why searches go to the server."""
        try:
            await self._read(lambda _: None)
        except Unfit as error:
            return str(error)
        return WHOLE

    async def _read(self, ask: Callable[[Connection], R]) -> R:
        if time.monotonic() < self._next_try_s:
            raise Unfit(self._state)
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, ask)

    def _ask(self, ask: Callable[[Connection], R]) -> R:
        try:
            with self._readers.connect() as connection, connection.begin():
                self._judge(connection)
                answer = ask(connection)
        except (Unfit, DBAPIError) as error:
            # Away, or a conflict with what is replayed has ended the query. If it is the question's fault, the server
            # will say so.
            why = one_line(error)
            self._next_try_s = time.monotonic() + _TRY_EVERY_S
            if self._state == WHOLE:
                log.warning("searches go to the server, not to the replica", why=why)
            self._state = why
            raise Unfit(why) from error
        if self._state != WHOLE:
            log.warning("searches go to the replica again")  # for whoever was told of the other
        self._state = WHOLE
        return answer

    def _judge(self, connection: Connection) -> None:
        is_replica, lag_s = connection.execute(_STANDS).one()
        if not is_replica:
            raise Unfit("it is no replica")
        if lag_s is None or lag_s > self._max_lag_s:
            raise Unfit("it has replayed nothing yet" if lag_s is None else f"it is {lag_s:.0f} s behind")

    def close(self) -> None:
        """Give everything back. Blocks until what was asked is answered."""
        self._threads.shutdown()
        self._readers.dispose()

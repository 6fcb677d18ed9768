"""The pulse: whether calls should come to this node, for proxies and whoever else watches over it."""

import asyncio
from collections.abc import Mapping

from sqlalchemy import text

from yizhan.kit.clock import Clock
from yizhan.store.database import WHOLE, Database, Session

# Anybody may ask, as often as he likes; the store hears of it so often.
_FRESH_S = 0.5
_PATIENCE_S = 1.0
# Whoever watches gives up soon, and need not wait for what decides nothing.
_REPLICA_PATIENCE_S = 0.2


class Pulse:
    """Looks at the store when asked, and remembers for a moment what it saw."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._seen = False, dict[str, bool]()
        self._seen_at_s = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    async def ready(self) -> tuple[bool, Mapping[str, bool]]:
        """Whether calls should come here, and what works, by name: a replica is no condition."""
        async with self._one_at_a_time:
            if self._clock.monotonic_s() - self._seen_at_s > _FRESH_S:
                store, replica = await asyncio.gather(self._store_answers(), self._replica_answers())
                self._seen = store, {"store": store} | ({} if replica is None else {"replica": replica})
                self._seen_at_s = self._clock.monotonic_s()
        return self._seen

    async def _store_answers(self) -> bool:
        def ask(session: Session) -> None:
            session.execute(text("SELECT 1")).close()

        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._database.read(ask)
        except Exception:
            return False
        return True

    async def _replica_answers(self) -> bool | None:
        try:
            async with asyncio.timeout(_REPLICA_PATIENCE_S):
                state = await self._database.replica()
        except TimeoutError:
            return False
        return None if state is None else state == WHOLE

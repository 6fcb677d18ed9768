"""The pulse: whether calls should come to this node, for proxies and whoever else watches over it."""

import asyncio
from collections.abc import Mapping

from sqlalchemy import text

from yizhan.kit.clock import Clock
from yizhan.store.database import Database, Session

# Anybody may ask, as often as he likes; the store hears of it so often.
_FRESH_S = 0.5
_PATIENCE_S = 1.0


class Pulse:
    """Looks at the store when asked, and remembers for a moment what it saw."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._seen: dict[str, bool] = {}
        self._seen_at_s = float("-inf")
        self._one_at_a_time = asyncio.Lock()

    async def ready(self) -> Mapping[str, bool]:
        """What works, by name."""
        async with self._one_at_a_time:
            if self._clock.monotonic_s() - self._seen_at_s > _FRESH_S:
                self._seen = {"store": await self._store_answers()}
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

"""The herald: what is stored here and sent by another node, that node hears at once; it would find it later."""

import asyncio
import json
from collections.abc import Callable, Iterable

from yizhan.flow.dispatch import Dispatcher
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.message import Lane
from yizhan.policy.turns import Crowd
from yizhan.store.database import Database
from yizhan.store.hint import Hint

log = get_logger("herald")

# A server lets one transaction with a NOTIFY commit at a time: so often at most, in one of its own that writes nothing.
_EVERY_S = 0.02
# PostgreSQL takes 7,999 bytes; who hears a hint without crowds looks at the whole queue.
_LONGEST = 7_900


class Herald:
    """Of a node whose store others share."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._crowds: set[Crowd] = set()
        self._wake = asyncio.Event()

    def tell(self, crowds: Iterable[Crowd]) -> None:
        """Somebody else may send these now."""
        self._crowds.update(crowds)
        self._wake.set()

    async def run(self, dispatcher: Dispatcher, settings_changed: Callable[[], None]) -> None:
        """Tell, and pass on what is heard, until cancelled."""

        def hear(hint: Hint, said: str) -> None:
            if hint is Hint.SETTINGS:
                settings_changed()
            elif (told := _read(said)) is None:
                dispatcher.look()
            else:
                dispatcher.hear(*told)

        async with asyncio.TaskGroup() as group:
            group.create_task(self._database.listen(hear))
            while True:
                await self._wake.wait()
                self._wake.clear()
                crowds, self._crowds = self._crowds, set()
                said = json.dumps([self._clock.now_ms(), sorted(crowds)])
                try:
                    await self._database.tell(Hint.QUEUE, said if len(said) < _LONGEST else "")
                except Exception as error:  # the store is away, say: its nodes look by themselves once it is back
                    log.debug("a hint is lost", error=repr(error))
                await asyncio.sleep(_EVERY_S)


def _read(said: str) -> tuple[int, list[Crowd]] | None:
    """The moment and the crowds of a hint."""
    try:
        at_ms, crowds = json.loads(said)
        return int(at_ms), [Crowd(Lane(lane), int(account_id), str(key)) for lane, account_id, key in crowds]
    except (ValueError, TypeError):
        return None

"""How the gateway does, second by second: rates for a chart always, and the whole picture while somebody looks."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from yizhan.flow.meter import Meter
from yizhan.flow.ports import Board
from yizhan.kit.clock import Clock, to_rfc3339
from yizhan.kit.log import get_logger
from yizhan.model.views import Backlog, Moment, Overview, Worries
from yizhan.policy.alarms import alarms_of
from yizhan.store import messages, pushes
from yizhan.store.database import Database, Session

log = get_logger("live")

_HISTORY = 600  # moments, one a second
# Counting what waits is a walk over all of it: it may take this share of the time, and is not done more often.
_COUNTING_SHARE = 0.05
_FRESH_S = 0.9


class Live:
    """Read by pages and by Prometheus. Rates are this node's, what waits is the store's."""

    def __init__(
        self,
        database: Database,
        board: Board,
        meter: Meter,
        clock: Clock,
        *,
        node: str = "",
        lost_nodes: Callable[[Session], list[str]] | None = None,
    ) -> None:
        """``node``: this one's name, where others share the store; ``lost_nodes``: which of them are lost."""
        self._database = database
        self._board = board
        self._meter = meter
        self._clock = clock
        self._node = node
        self._lost_nodes = lost_nodes
        self._history: deque[Moment] = deque(maxlen=_HISTORY)
        self._totals, self._counted_at_s = self._count(), clock.monotonic_s()
        self._stored = (Backlog({}, 0), Worries())
        self._look_at_s = float("-inf")
        self._one_at_a_time = asyncio.Lock()
        self._lookers = 0
        self._coming: asyncio.Future[Overview] | None = None

    @property
    def history(self) -> Sequence[Moment]:
        """The last ten minutes, oldest first."""
        return tuple(self._history)

    async def run(self) -> None:
        """A moment a second, until cancelled."""
        while True:
            await asyncio.sleep(1)
            self._note()
            if self._lookers:
                try:
                    picture = await self.overview()
                except Exception as error:  # the store is away, say
                    log.warning("nobody can look", error=repr(error))
                else:
                    self._show(picture)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Somebody looks while this lasts."""
        self._lookers += 1
        try:
            yield
        finally:
            self._lookers -= 1

    async def following(self) -> Overview:
        """The next picture; who is slow misses some."""
        if self._coming is None:
            self._coming = asyncio.get_running_loop().create_future()
        return await asyncio.shield(self._coming)

    async def overview(self) -> Overview:
        """How things stand now; what has to be counted may be some seconds old."""
        async with self._one_at_a_time:
            backlog, worries = await self._look()
        channels = [self._board.view(one) for one in self._board.settings()]
        return Overview(
            at=to_rfc3339(self._clock.now_ms()) or "",
            node=self._node,
            accepted=self._meter.accepted_messages,
            rates=self._history[-1] if self._history else Moment(self._clock.now_ms() // 1000, 0, 0, 0, None),
            backlog=backlog,
            channels=channels,
            reports=self._meter.newest_reports(),
            alarms=alarms_of(backlog, channels, worries),
        )

    async def _look(self) -> tuple[Backlog, Worries]:
        """What the store knows."""
        begun_s = self._clock.monotonic_s()
        if begun_s < self._look_at_s:
            return self._stored
        _, disk_low = self._database.disk()

        def read(session: Session) -> tuple[dict[str, int], int | None, int, list[str]]:
            waiting, due_ms = messages.count_waiting(session), messages.oldest_due_ms(session)
            lost = self._lost_nodes(session) if self._lost_nodes else []
            return waiting, due_ms, pushes.count_parked(session), lost

        waiting, due_ms, parked, lost = await self._database.read(read)
        oldest_s = 0 if due_ms is None else max(0, self._clock.now_ms() - due_ms) / 1000
        self._stored = Backlog(waiting, oldest_s), Worries(parked, disk_low, lost)
        took_s = self._clock.monotonic_s() - begun_s
        self._look_at_s = begun_s + max(_FRESH_S, took_s / _COUNTING_SHARE)
        return self._stored

    def _note(self) -> None:
        """One more moment of the chart."""
        totals, now_s = self._count(), self._clock.monotonic_s()
        passed_s = max(0.001, now_s - self._counted_at_s)
        accepted, delivered, failed = (
            round((new - old) / passed_s, 1) for new, old in zip(totals, self._totals, strict=True)
        )
        fresh = self._stored[0].waiting.get("queued") if now_s < self._look_at_s + 1 else None
        self._totals, self._counted_at_s = totals, now_s
        self._history.append(Moment(self._clock.now_ms() // 1000, accepted, delivered, failed, fresh))

    def _count(self) -> tuple[int, int, int]:
        meter = self._meter
        return meter.accepted_parts, meter.delivered_parts, meter.failed_parts

    def _show(self, picture: Overview) -> None:
        coming, self._coming = self._coming, None
        if coming is not None:
            coming.set_result(picture)

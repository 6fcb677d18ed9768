"""Dispatch: what waits goes to channels that have room, in batches; urgent first, accounts in turns."""

import asyncio
from collections.abc import Mapping, Sequence

from yizhan.flow.ports import Courier
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.submission import Admitted
from yizhan.policy.turns import Turns
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.queue import Claim, claim, lose_leases, promote, sending_channels, waiting

log = get_logger("dispatch")

# Accept tells us what waits, so this look at the whole queue only catches what a hint has missed.
_LOOK_S = 5.0
_PROMOTED_AT_ONCE = 2_000


class Dispatcher:
    """Claims messages for couriers. ``wake`` it when a courier has got room."""

    def __init__(self, database: Database, couriers: Sequence[Courier], clock: Clock) -> None:
        self._database = database
        self._couriers = couriers
        self._clock = clock
        self._turns = Turns()
        self._next_due_ms: int | None = None
        self._wake = asyncio.Event()
        self._stopping = False

    def accepted(self, admitted: Admitted) -> None:
        """A call was stored: its messages wait now, or will when they are due."""
        if admitted.send_at_ms is None:
            self._turns.add([(admitted.lane, admitted.account_id)])
            self._wake.set()
        elif self._next_due_ms is None or admitted.send_at_ms < self._next_due_ms:
            self._next_due_ms = admitted.send_at_ms
            self._wake.set()

    def wake(self) -> None:
        """Look again: a courier has room, or the queue has changed."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns after the round it is in."""
        self._stopping = True
        self._wake.set()

    async def recover(self, resend: Mapping[str, bool]) -> None:
        """At start: messages whose fate a crash left unknown, by each channel's policy (resend, or hold).

        What a channel had that is no longer configured is sent again: its policy is gone with it.
        """
        for channel in await self._database.read(sending_channels):
            again = resend.get(channel, True)
            lost = await self._database.write(Turn.CARRIAGE, lose_leases, (channel, again))
            log.warning("messages were being sent when the program ended", channel=channel, count=lost, resend=again)

    async def run(self) -> None:
        """Until ``stop``: promote what is due, hand over what waits, sleep when there is nothing to do or no room."""
        look_at_s = 0.0
        while not self._stopping:
            self._wake.clear()
            try:
                if self._clock.monotonic_s() >= look_at_s:
                    await self._look()
                    look_at_s = self._clock.monotonic_s() + _LOOK_S
                await self._promote_due()
                while await self._round():
                    pass
            except Exception as error:
                # The store is full, broken or overloaded: nothing is lost, the rows are where they were.
                log.error("dispatch could not work", error=repr(error))
                await asyncio.sleep(1)
            await self._sleep(look_at_s)

    async def _look(self) -> None:
        self._turns.add(await self._database.read(waiting))
        if self._next_due_ms is None:
            self._next_due_ms = self._clock.now_ms()

    async def _promote_due(self) -> None:
        """Queue what was scheduled for now or earlier."""
        while self._next_due_ms is not None and self._next_due_ms <= self._clock.now_ms():
            moment = (self._clock.now_ms(), _PROMOTED_AT_ONCE)
            # A call accepted meanwhile sets its own time, which must not be overwritten by a later one.
            self._next_due_ms = None
            promotion = await self._database.write(Turn.CARRIAGE, promote, moment, rows=_PROMOTED_AT_ONCE)
            self._turns.add(promotion.waiting)
            known = (self._next_due_ms, promotion.next_due_ms)
            self._next_due_ms = min((due_ms for due_ms in known if due_ms is not None), default=None)

    async def _round(self) -> bool:
        """One claim for each courier with room; whether anything was handed over."""
        moved = False
        if self._stopping:
            return False
        for courier in self._couriers:
            shares = self._turns.take(courier.free())
            if not shares:
                continue
            now_ms = self._clock.now_ms()
            claims = [Claim(courier.name, lane, account_id, share, now_ms) for lane, account_id, share in shares]
            slots = sum(share for _, _, share in shares)
            try:
                leased = await self._database.write(Turn.CARRIAGE, claim, claims, rows=slots)
            except Exception:
                self._turns.add((lane, account_id) for lane, account_id, _ in shares)
                raise
            for (lane, account_id, share), letters in zip(shares, leased, strict=True):
                if len(letters) == share:
                    self._turns.add([(lane, account_id)])
                if letters:
                    courier.hand_over(letters)
                    moved = True
        return moved

    async def _sleep(self, look_at_s: float) -> None:
        until_s = look_at_s - self._clock.monotonic_s()
        if self._next_due_ms is not None:
            until_s = min(until_s, (self._next_due_ms - self._clock.now_ms()) / 1000)
        try:
            async with asyncio.timeout(max(0.001, until_s)):
                await self._wake.wait()
        except TimeoutError:
            pass

"""Dispatch: what waits goes to channels that may carry it and have room; urgent first, accounts in turns."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from yizhan.flow.living import Living
from yizhan.flow.ports import Courier
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.carriage import Answer, ChannelState, Letter, by_channel
from yizhan.model.outcome import Outcome
from yizhan.model.route import Decision
from yizhan.model.settings import RefundRule
from yizhan.model.submission import Admitted
from yizhan.policy.route_key import passenger
from yizhan.policy.routing import decide, share_out, split
from yizhan.policy.turns import Crowd, Turns
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.queue import Claim, claim, crowd_sizes, lose_leases, mend_due, promote, sending_channels, waiting
from yizhan.store.settle import Answered, Manner, give_up_crowd, settle_answers

log = get_logger("dispatch")

# Accept tells us what waits, so this look at the whole queue only catches what a hint has missed.
LOOK_S = 5.0
# What a channel has given back for later may be due before that.
LOOK_SOON_S = 1.0
_PROMOTED_AT_ONCE = 2_000
_GIVEN_UP_AT_ONCE = 500
# A wall clock that has fallen back by more than this was set, not slewed.
_STEP_S = 1.0

Weights = tuple[tuple[str, int], ...]  # channels that may carry a crowd now, each with its weight


class Dispatcher:
    """Claims messages for couriers. ``wake`` it when a courier has got room."""

    def __init__(
        self,
        database: Database,
        living: Living,
        couriers: Callable[[], Iterable[Courier]],
        clock: Clock,
        *,
        refund: RefundRule = RefundRule.FAILED,
        longest_pause_s: float = 600,
        elsewhere: Callable[[], Iterable[ChannelState]] = tuple,
        epoch: Callable[[Courier], int | None] = lambda _: 0,
        look_s: float = LOOK_S,
        tell: Callable[[Iterable[Crowd]], None] | None = None,
    ) -> None:
        """``couriers``: those there are at the moment of asking; ``elsewhere``: the channels that are not at work here;
        ``epoch``: under which a courier takes messages. ``longest_pause_s``: of what is to be tried again;
        ``look_s``: how often to look at the whole queue; ``tell`` hears of what is new and cannot be sent here.
        """
        self._tell = tell
        self._new: set[Crowd] = set()  # of which nobody was told yet
        self._elsewhere = elsewhere
        self._epoch = epoch
        self._look_s = look_s
        self._database = database
        self._living = living
        self._couriers = couriers
        self._clock = clock
        self._refund = refund
        self._longest_pause_ms = int(longest_pause_s * 1000)
        self._lag_s: float | None = None  # of the wall clock behind the one that never jumps
        self._ahead = False  # a call was stored whose moment is still to come: the clock was set back while it ran
        self._turns = Turns()
        self._next_due_ms: int | None = None
        self._wake = asyncio.Event()
        self._stopping = False
        self._look_at_s = 0.0

    def accepted(self, admitted: Admitted) -> None:
        """A call was stored: its messages wait now, or will when they are due."""
        if admitted.send_at_ms is None:
            if admitted.accepted_at_ms > self._clock.now_ms() + _STEP_S * 1000:
                self._ahead = True
                self.look()
            keys = {recipient.route_key for recipient in admitted.recipients}
            self._add_new({Crowd(admitted.lane, admitted.account_id, key) for key in keys})
            self._wake.set()
        elif self._next_due_ms is None or admitted.send_at_ms < self._next_due_ms:
            self._next_due_ms = admitted.send_at_ms
            self._wake.set()

    def _add_new(self, crowds: set[Crowd]) -> None:
        self._turns.add(crowds)
        if self._tell is not None:
            self._new |= crowds

    def hear(self, at_ms: int, crowds: Iterable[Crowd]) -> None:
        """Another node has stored something for these, at that moment by its clock: here it may still have to come."""
        self._turns.add(crowds)
        ahead_s = (at_ms - self._clock.now_ms()) / 1000
        if ahead_s > 0:
            self._look_at_s = min(self._look_at_s, self._clock.monotonic_s() + ahead_s)
        self._wake.set()

    def wake(self) -> None:
        """Look again: a courier has room, or the queue has changed."""
        self._wake.set()

    def given_back(self) -> None:
        """Messages came back from a channel: look at the whole queue soon."""
        self._look_at_s = min(self._look_at_s, self._clock.monotonic_s() + LOOK_SOON_S)
        self._wake.set()

    def look(self) -> None:
        """Look at the whole queue at once: routes or channels have changed."""
        self._look_at_s = 0.0
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; ``run`` returns after the round it is in."""
        self._stopping = True
        self._wake.set()

    async def recover(self, resends: Callable[[str], bool]) -> None:
        for channel in await self._database.read(sending_channels):
            again = resends(channel)
            lost = await self._database.write(Turn.CARRIAGE, lose_leases, (channel, again))
            log.warning("messages were being sent when the program ended", channel=channel, count=lost, resend=again)

    async def run(self) -> None:
        """Until ``stop``: promote what is due, hand over what waits, sleep when there is nothing to do or no room."""
        while not self._stopping:
            self._wake.clear()
            try:
                if self._clock.monotonic_s() >= self._look_at_s:
                    self._look_at_s = self._clock.monotonic_s() + self._look_s
                    await self._look()
                await self._promote_due()
                while await self._round():
                    pass
            except Exception as error:
                # The store is full, broken or overloaded: nothing is lost, the rows are where they were.
                log.error("dispatch could not work", error=repr(error))
                await asyncio.sleep(1)
            await self._sleep()

    async def _look(self) -> None:
        await self._heed_clock()
        self._turns.add(await self._database.read(waiting))
        if self._next_due_ms is None or self._database.shared:  # another node may have scheduled something
            self._next_due_ms = self._clock.now_ms()

    async def _heed_clock(self) -> None:
        """A clock that was set back must not hold up what was queued before. (A SendTime means the clock as it is.)"""
        now_ms = self._clock.now_ms()
        lag_s = self._clock.monotonic_s() - now_ms / 1000
        if self._lag_s is None or self._ahead or lag_s > self._lag_s + _STEP_S:
            self._ahead = False
            latest_ms = now_ms + (self._longest_pause_ms if self._lag_s is None else 0)
            if count := await self._database.write(Turn.CARRIAGE, mend_due, (now_ms, latest_ms)):
                log.warning("the clock was set back; what waited for it goes now", messages=count)
        self._lag_s = lag_s

    async def _promote_due(self) -> None:
        """Queue what was scheduled for now or earlier."""
        while self._next_due_ms is not None and self._next_due_ms <= self._clock.now_ms():
            moment = (self._clock.now_ms(), _PROMOTED_AT_ONCE)
            # A call accepted meanwhile sets its own time, which must not be overwritten by a later one.
            self._next_due_ms = None
            promotion = await self._database.write(Turn.CARRIAGE, promote, moment, rows=_PROMOTED_AT_ONCE)
            self._add_new(promotion.waiting)
            known = (self._next_due_ms, promotion.next_due_ms)
            self._next_due_ms = min((due_ms for due_ms in known if due_ms is not None), default=None)

    async def _round(self) -> bool:
        """One claim for every crowd that has a turn and a channel with room; whether anything was handed over."""
        if self._stopping or not self._turns:
            return False
        couriers = list(self._couriers())
        moved = False
        states = {state.name: state for state in self._elsewhere()}
        together, hopeless = self._sort(states | by_channel(courier.state() for courier in couriers))
        if self._tell is not None and (abroad := self._new.difference(*together.values())):
            self._tell(abroad)
        self._new.clear()
        for crowd in hopeless:
            await self._give_up(crowd)
        for weights, crowds in together.items():
            names = {name for name, _ in weights}
            room = {courier: courier.state().free for courier in couriers if courier.name in names}
            shares = self._turns.take(sum(room.values()), frozenset(crowds))
            if shares and await self._claim(shares, dict(weights), room):
                moved = True
        return moved

    def _sort(self, states: Mapping[str, ChannelState]) -> tuple[dict[Weights, list[Crowd]], list[Crowd]]:
        """The crowds that wait, by the channels that may carry them now, and those that no channel is left for."""
        together: dict[Weights, list[Crowd]] = defaultdict(list)
        hopeless: list[Crowd] = []
        routes = self._living.standing.routes
        known: dict[tuple[int, str], Decision] = {}
        for crowd in self._turns:
            who = (crowd.account_id if routes else 0, crowd.route_key)
            if who not in known:
                known[who] = decide(routes, states, passenger(*who))
            decision = known[who]
            if decision.open:
                together[tuple(decision.open.items())].append(crowd)
            elif decision.exhausted:
                hopeless.append(crowd)
        return together, hopeless

    async def _give_up(self, crowd: Crowd) -> None:
        """Every channel that may carry these has refused them."""
        wish = (crowd, _GIVEN_UP_AT_ONCE, self._clock.now_ms(), self._refund)
        count = await self._database.write(Turn.CARRIAGE, give_up_crowd, wish, rows=_GIVEN_UP_AT_ONCE)
        if count < _GIVEN_UP_AT_ONCE:
            self._turns.end(crowd)

    async def _claim(
        self,
        shares: list[tuple[Crowd, int]],
        weights: Mapping[str, int],
        room: dict[Courier, int],
    ) -> bool:
        """Lease what the shares allow, and hand it over; whether there was anything."""
        now_ms, takers, claims = self._clock.now_ms(), list[Courier](), list[Claim]()
        try:
            if len(weights) > 1:  # weights hold for what there is, not for what there could be
                look = partial(crowd_sizes, shares=shares, now_ms=now_ms)
                shares = await self._database.read(look)
            for crowd, share in shares:
                for courier, count in _deal(share, weights, room):
                    room[courier] -= count
                    if (epoch := self._epoch(courier)) is not None:
                        takers.append(courier)
                        claims.append(Claim(courier.name, crowd, count, now_ms, epoch))
            leased = await self._database.write(Turn.CARRIAGE, claim, claims, rows=sum(one.limit for one in claims))
        except Exception:
            self._turns.add(crowd for crowd, _ in shares)
            raise
        for courier, wish, letters in zip(takers, claims, leased, strict=True):
            if len(letters) == wish.limit:
                self._turns.add([wish.crowd])
            if letters:
                await self._hand_over(courier, letters, wish.epoch)
        return any(leased)

    async def _hand_over(self, courier: Courier, letters: Sequence[Letter], epoch: int) -> None:
        """To the courier, unless it went while the lease was committed: then back to the queue."""
        if any(present is courier for present in self._couriers()):
            courier.hand_over(letters)
            return
        now_ms = self._clock.now_ms()
        back = [Answer(letter.message_id, 1, 1, Outcome.UNWRITTEN, "", "", now_ms) for letter in letters]
        wish = Answered(courier.name, back, Manner(self._refund), epoch)
        await self._database.write(Turn.CARRIAGE, settle_answers, wish, rows=2 * len(back))
        self.given_back()

    async def _sleep(self) -> None:
        until_s = self._look_at_s - self._clock.monotonic_s()
        if self._next_due_ms is not None:
            until_s = min(until_s, (self._next_due_ms - self._clock.now_ms()) / 1000)
        try:
            async with asyncio.timeout(max(0.001, until_s)):
                await self._wake.wait()
        except TimeoutError:
            pass


def _deal(share: int, weights: Mapping[str, int], room: Mapping[Courier, int]) -> list[tuple[Courier, int]]:
    """So many messages to channels by weight, and of each channel to its couriers here by the room that they have."""
    chance = random.random()  # noqa: S311  a lot, no secret
    couriers = {name: [courier for courier in room if courier.name == name] for name in weights}
    free = {name: sum(room[courier] for courier in couriers[name]) for name in weights}
    dealt: list[tuple[Courier, int]] = []
    for name, count in share_out(share, weights, free, chance).items():
        dealt += zip(couriers[name], split(count, [room[one] for one in couriers[name]]), strict=True)
    return [(courier, count) for courier, count in dealt if count]

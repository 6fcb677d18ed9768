"""A channel that speaks SMPP 3.4 to a carrier: several binds, one outbox, one inbox, one pace."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from yizhan.carrier.health import Health
from yizhan.carrier.inbox import Inbox
from yizhan.carrier.knock import BINDS, Refused, connect
from yizhan.carrier.link import Link
from yizhan.carrier.outbox import InHand, Outbox, Part
from yizhan.carrier.trace import Trace
from yizhan.carrier.trial import Steps, try_out
from yizhan.flow.insist import until_done
from yizhan.flow.ports import Settlement
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.carriage import ChannelState, Letter, Receipt
from yizhan.model.channel import ChannelSettings
from yizhan.model.sentence import Sentence, spoken
from yizhan.model.views import ChannelView, TestStep, TracedPdu
from yizhan.policy.pace import Pace
from yizhan.policy.reconnect import GOOD_BIND_S, Trouble, reconnect_delay_s
from yizhan.wire.session import Answered, Asked, Event, Garbled, Mode, Stray, Unanswered
from yizhan.wire.smpp.codec import Pdu
from yizhan.wire.smpp.statuses import UNBOUND
from yizhan.wire.smpp.table import Command

log = get_logger("carrier")

_GOODBYE_S = 3.0
_PARTING_S = 10.0  # for the last report to the store
_NOT_OURS_S = 0.1  # until a channel that may be another node's by now looks again
_AHEAD_S = 2.0  # letters in hand are at most what the pace lets go in this time


class SmppChannel:
    """``flow.ports.Courier``. Everything runs in the tasks of ``run``; none of them belongs to a message."""

    def __init__(
        self,
        settings: ChannelSettings,
        settlement: Settlement,
        clock: Clock,
        room: Callable[[], None],
        *,
        may_write: Callable[[], bool] = lambda: True,
        label: str = "",
    ) -> None:
        """``room`` is told when letters have left or a bind has come. ``may_write``: whether at this very moment no
        other node can have taken the channel over. ``label``: what its binds are called by; its name unless given.
        """
        self._label = label or settings.name
        self._may_write = may_write
        self._settings = settings
        self._settlement = settlement
        self._clock = clock
        self._room = room
        self._outbox = Outbox(settings)
        self._inbox = Inbox(settings)
        self._pace = Pace(settings.rate_per_s, clock.monotonic_s())
        self._health = Health()
        self._trace = Trace(settings.trace_pdus, clock.now_ms)
        self._links: list[Link] = []
        self._why: str = Sentence.NOT_CONNECTED()
        self._paused = self._leaving = False
        self._ended = asyncio.Event()
        self._arrived = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._pump_timer: asyncio.TimerHandle | None = None
        self._reporting: asyncio.Future[None] | None = None

    # -- what the flow sees (flow.ports.Courier)

    @property
    def name(self) -> str:
        """The channel's name."""
        return self._settings.name

    @property
    def access(self) -> str:
        """The access number that replies come to."""
        return self._settings.source

    def state(self) -> ChannelState:
        """How it stands now."""
        up = any(link.bound for link in self._senders())
        return ChannelState(
            name=self.name,
            up=up,
            paused=self._paused,
            free=self._free() if up and not self._paused and not self._leaving else 0,
            errors=self._health.errors(self._clock.monotonic_s()),
            delivered=self._health.delivered,
            why="" if up else self._why,
        )

    def hand_over(self, letters: Sequence[Letter]) -> None:
        """Take ``letters``; each is answered, all its parts together."""
        self._outbox.add(letters, self._clock.monotonic_s())
        self._empty.clear()
        self._pump()

    def pause(self, paused: bool) -> None:
        """Take nothing more, or go on; what is in hand goes on, and so do reports and replies."""
        self._paused = paused
        if not paused:
            self._room()

    def view(self) -> ChannelView:
        """For people."""
        bound = sum(link.bound for link in self._links)
        limit = self._pace.limit_per_s
        return ChannelView(
            name=self.name,
            kind="smpp",
            window=self._settings.window * self._settings.binds,
            in_flight=self._outbox.letters,
            receipts_due=0,
            bound=bound,
            binds=self._settings.binds * len(BINDS[self._settings.bind]),
            paused=self._paused,
            rate_per_s=None if limit == float("inf") else round(limit, 1),
            throttled=self._pace.throttled_now,
            errors=round(self._health.errors(self._clock.monotonic_s()), 3),
            delivered=self._health.delivered,
            why="" if bound else self._why,
        )

    def trace(self, after: int, number: str | None, limit: int, *, clear: bool) -> Sequence[TracedPdu]:
        """The newest PDUs."""
        return self._trace.read(after, number, limit, clear=clear)

    async def test(self) -> list[TestStep]:
        """Ask over every bind that stands; without any log in beside them, to hear why."""
        steps = Steps(self._clock)
        links = [link for link in self._links if link.bound]
        patience_s = self._settings.answer_timeout_s
        alive = await asyncio.gather(*(link.alive(patience_s) for link in links))
        for link, answered in zip(links, alive, strict=True):
            said = Sentence.ANSWERS(remote=link.remote) if answered else link.reason or Sentence.NO_ANSWER()
            steps.add(link.label, answered, said)
        return steps.taken or await try_out(self._settings, self._clock)

    async def idle(self) -> None:
        """Take nothing more, finish what is in hand, and say good-bye to the carrier."""
        self._leaving = True
        await self._empty.wait()
        for link in self._links:
            link.session.unbind(self._clock.monotonic_s())
            link.flush()
        if self._links:
            await asyncio.wait([link.closed for link in self._links], timeout=_GOODBYE_S)

    def close(self) -> None:
        """Nothing is left to close: ``run`` has ended."""

    async def run(self) -> None:
        """Keep the binds and carry words between carrier and store, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._settle())
                group.create_task(self._take_in())
                for number in range(self._settings.binds):
                    for command in BINDS[self._settings.bind]:
                        label = f"{self._label}#{number + 1}" + (
                            ""
                            if len(BINDS[self._settings.bind]) == 1
                            else "-tx"
                            if command is Command.BIND_TRANSMITTER
                            else "-rx"
                        )
                        group.create_task(self._keep(label, command))
        finally:
            await self._part()

    # -- binds

    async def _keep(self, label: str, command: Command) -> None:
        """One bind: connect, stay, wait a little, again."""
        failures = 0
        while True:
            trouble, began_s = Trouble.UNREACHABLE, self._clock.monotonic_s()
            try:
                link = await connect(self._settings, label, command, host=self, clock=self._clock, trace=self._trace)
            except Refused as refusal:
                trouble, self._why = Trouble.REFUSED, spoken(refusal)
            except (OSError, ValueError) as error:  # ValueError: what no bind can carry
                self._why = Sentence.CANNOT_CONNECT(error=spoken(error))
            else:
                log.info("bound", channel=self.name, link=label, remote=link.remote)
                self._room()
                self._pump()
                await self._stay(link)
                self._why = link.reason
                if link.useful or self._clock.monotonic_s() - began_s >= GOOD_BIND_S:
                    failures = 0
            failures += 1
            if self._leaving:
                return
            wait_s = reconnect_delay_s(failures, trouble, random.random())  # noqa: S311  jitter
            log.warning("no bind", channel=self.name, link=label, why=self._why, again_in_s=round(wait_s, 2))
            await asyncio.sleep(wait_s)

    async def _stay(self, link: Link) -> None:
        try:
            await link.watch()
        finally:
            link.abort("stopped")

    def opened(self, link: Link) -> None:
        """A connection stands; what comes over it is heard from now on."""
        self._links.append(link)

    def heard(self, link: Link, events: Sequence[Event]) -> None:
        """What a link has received, in order."""
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        good = bad = 0
        for event in events:
            if isinstance(event, Answered):
                blamed = self._answered(link, event, now_s, now_ms)
                good, bad = good + (not blamed), bad + blamed
            else:
                bad += self._heard_other(link, event, now_ms)
        self._health.answered(good, bad, now_s)
        if self._inbox.full:
            self._read_on(False)
        self._after_ends()
        self._pump()

    def _answered(self, link: Link, event: Answered[Part, Pdu], now_s: float, now_ms: int) -> bool:
        """The answer to a part; whether it blames the channel."""
        part, status = event.token, event.status
        if status == 0:
            link.useful = True
            self._pace.accepted()
            self._outbox.answered(part, 0, str(event.pdu.body.get("message_id", "")), now_s, now_ms)
            return False
        if not self._outbox.answered(part, status, "", now_s, now_ms):
            self._pace.throttled(now_s)
            return False
        if status in UNBOUND:
            link.abort("the carrier says that we are not bound")
        return self._health.blames(status)

    def _heard_other(self, link: Link, event: Event, now_ms: int) -> bool:
        """Everything but answers; whether it blames the channel."""
        match event:
            case Asked(pdu=pdu) if pdu.command in (Command.DELIVER_SM, Command.DATA_SM):
                self._inbox.put(link, pdu, now_ms)
                self._arrived.set()
            case Unanswered(token=part):
                self._outbox.lost([part], "NOANSWER", now_ms)
                return True
            case Garbled(reason=reason):
                log.warning("a PDU cannot be read", channel=self.name, link=link.label, reason=reason)
            case Stray(pdu=pdu):
                log.info("an answer to nothing", channel=self.name, link=link.label, pdu=pdu.command.name)
            case _:
                pass  # bound, unbound and broken are the link's own affair
        return False

    def writable(self) -> None:
        """A peer reads again."""
        self._pump()

    def lost(self, link: Link, unanswered: Sequence[Part], reason: str) -> None:
        """A link is gone, and with it the answers to what it had written."""
        if link in self._links:
            self._links.remove(link)
        now_ms = self._clock.now_ms()
        if unanswered:
            log.warning("answers were lost with a link", channel=self.name, link=link.label, parts=len(unanswered))
        self._outbox.lost(unanswered, "LINKLOST", now_ms)
        if not self._senders():
            self._outbox.give_back(now_ms)
        if link.session.mode is not Mode.NONE:  # else the bind itself has failed, and its own reason says more
            self._why = reason
        self._after_ends()
        self._pump()

    # -- out

    def _senders(self) -> list[Link]:
        return [link for link in self._links if link.bound and link.session.mode & Mode.SEND]

    def _free(self) -> int:
        """Letters to take now: twice the windows, so that they stay full while commits are under way."""
        ahead = 2 * self._settings.window * max(1, len(self._senders()))
        if self._pace.limit_per_s != float("inf"):
            ahead = min(ahead, max(1, int(self._pace.limit_per_s * _AHEAD_S)))
        return max(0, ahead - self._outbox.letters)

    def _pump(self) -> None:
        """Write what may be written now: as many as the pace allows, spread over the links that have room."""
        now_s, now_ms = self._clock.monotonic_s(), self._clock.now_ms()
        outbox = self._outbox
        outbox.due(now_s)
        outbox.give_up_waiting(now_s - self._settings.slot_timeout_s, now_ms)
        allowed = self._pace.allow(now_s) if outbox.waiting and self._may_write() else 0
        links = [link for link in self._links if link.room > 0]
        while allowed > 0 and outbox.waiting and links:
            share = max(1, min(allowed, len(outbox.waiting)) // len(links))
            for link in links:
                sent = outbox.submit(link.session, min(share, link.room, allowed), now_s, now_ms)
                self._pace.took(sent)
                allowed -= sent
            links = [link for link in links if link.room > 0]
        for link in self._links:
            link.flush()
        self._after_ends()
        self._pump_later(now_s)

    def _pump_later(self, now_s: float) -> None:
        """Come back when the pace or a part's pause allows more; answers and binds come back by themselves."""
        if self._pump_timer is not None:
            self._pump_timer.cancel()
            self._pump_timer = None
        at_s = min(self._outbox.next_due_s(), self._outbox.waiting_since_s() + self._settings.slot_timeout_s + 0.01)
        if self._outbox.waiting and any(link.room for link in self._links):
            at_s = min(at_s, self._pace.next_s(now_s) if self._may_write() else now_s + _NOT_OURS_S)
        if at_s != float("inf"):
            loop = asyncio.get_running_loop()
            self._pump_timer = loop.call_later(max(0.001, at_s - now_s), self._pump)

    def _after_ends(self) -> None:
        if self._outbox.any_ended:
            self._ended.set()

    async def _settle(self) -> None:
        """Bring the ends of letters to the store, in batches."""
        while True:
            await self._ended.wait()
            self._ended.clear()
            # Whether a report that was cut short has reached the store nobody could say: it is never cut short.
            self._reporting = asyncio.ensure_future(self._report(self._outbox.take_ended()))
            await asyncio.shield(self._reporting)

    async def _report(self, hands: Sequence[InHand]) -> None:
        answers = [end for hand in hands for end in hand.ends if end is not None]
        if answers:
            await self._until_done(partial(self._settlement.answers, self.name, answers))
        self._outbox.letters -= len(hands)
        if self._outbox.letters == 0:
            self._empty.set()
        self._room()

    # -- in

    def _read_on(self, wanted: bool) -> None:
        for link in self._links:
            link.read_on(wanted)

    async def _take_in(self) -> None:
        """Bring reports and replies to the store, and acknowledge them when they are there."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            batch = self._inbox.take()
            if batch.receipts:
                self._health.reported([receipt.word for receipt in batch.receipts])
                await self._until_done(partial(self._store_receipts, batch.receipts))
            if batch.replies:
                await self._until_done(partial(self._settlement.replies, self.name, batch.replies))
            if batch.long_replies:
                await self._until_done(partial(self._settlement.long_replies, self.name, batch.long_replies))
            for link, pdu in batch.owed:
                link.session.answer(pdu)
            for link in {link for link, _ in batch.owed}:
                link.flush()
            if not self._inbox.full:
                self._read_on(True)

    async def _store_receipts(self, receipts: Sequence[Receipt]) -> None:
        """What the store found out about the carrier's way of spelling ids is remembered."""
        keys = await self._settlement.receipts(self.name, receipts)
        for receipt, key in zip(receipts, keys, strict=True):
            if key and receipt.carrier_id:
                self._inbox.spellings.observe(receipt.carrier_id, key)

    async def _until_done(self, act: Callable[[], Awaitable[object]]) -> None:
        """A carrier's word is never dropped: while the store cannot take it, try again."""

        def complain(error: Exception) -> None:
            log.warning("the store could not take the carrier's word", channel=self.name, error=repr(error))

        await until_done(act, complain)

    async def _part(self) -> None:
        """At the end: cut the links; what was in hand is reported as it stands."""
        self._leaving = True
        if self._pump_timer is not None:
            self._pump_timer.cancel()
        for link in list(self._links):
            link.abort("stopped")
        await asyncio.sleep(0)
        self._outbox.give_back(self._clock.now_ms(), everything=True)
        if hands := self._outbox.take_ended():
            last, self._reporting = self._reporting, asyncio.ensure_future(self._report(hands))
            await asyncio.wait([one for one in (last, self._reporting) if one is not None], timeout=_PARTING_S)
        elif self._reporting is not None:
            await asyncio.wait([self._reporting], timeout=_PARTING_S)

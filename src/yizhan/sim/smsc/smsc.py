"""The SMSC itself: lets ESMEs in, answers their submits, reports on them, and makes the trouble of its scenario."""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.sim.smsc.chance import Chance
from yizhan.sim.smsc.delivery import Delivery, ids_of, receipt_for, reply_parts
from yizhan.sim.smsc.ledger import Ledger
from yizhan.sim.smsc.link import ServerSession, SmscLink
from yizhan.sim.smsc.scenario import Scenario
from yizhan.wire.session import Answered, Asked, BindAsked, Clocks, Event, Mode, Phase, Role, Session, Unanswered
from yizhan.wire.smpp.codec import Pdu
from yizhan.wire.smpp.dialect import SMPP34
from yizhan.wire.smpp.statuses import Status
from yizhan.wire.smpp.table import SC_INTERFACE_VERSION, VERSION, Command

log = get_logger("smsc")

_FIRST_ID = 1_000_000_000
_TICK_S = 0.25
_AGAIN_S = 1.0  # after an ESME had no room for a delivery
_AFTER_EARLY_S = 0.05  # an early receipt is so much ahead of the answer
_SUBMITS = frozenset({Command.SUBMIT_SM, Command.DATA_SM, Command.SUBMIT_MULTI})


class Smsc:
    """Everything that connections share. ``run`` must run for anything to happen later than at once."""

    def __init__(self, scenario: Scenario, seed: int, clock: Clock, log_file: Path | None = None) -> None:
        self.scenario = scenario
        self.ledger = Ledger(log_file)
        self.links: list[SmscLink] = []
        self._chance = Chance(seed)
        self._clock = clock
        self._began_s = clock.monotonic_s()
        self._next_id = _FIRST_ID + seed % 1_000 * 1_000_000
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._waiting: deque[Delivery] = deque()
        self._refused = 0
        self._error_counts: dict[int, int] = {}
        self._second = (0, 0)  # the second that is counted, and submits in it
        self._wake = asyncio.Event()
        self._since_cut = 0
        self._cut_s = self._began_s
        self._states: dict[str, str] = {}  # id -> the word of its report, for query_sm

    def make_link(self) -> SmscLink:
        """A protocol for the next connection."""
        return SmscLink(self, self._clock.monotonic_s)

    async def run(self) -> None:
        """Until cancelled: what is due, and the clocks of the sessions."""
        while True:
            now_s = self._clock.monotonic_s()
            while self._later and self._later[0][0] <= now_s:
                heapq.heappop(self._later)[2]()
            for link in list(self.links):
                link.tick()
            self._deliver()
            trouble = self.scenario.trouble
            if trouble.disconnect_every_s and now_s - self._cut_s >= trouble.disconnect_every_s:
                self.disconnect(abrupt=trouble.abrupt)
            wait_s = self._later[0][0] - now_s if self._later else _TICK_S
            self._wake.clear()
            try:
                async with asyncio.timeout(min(max(wait_s, 0.001), _TICK_S)):
                    await self._wake.wait()
            except TimeoutError:
                pass

    # -- what the control port asks for

    def set(self, scenario: Scenario) -> None:
        """Another scenario from now on."""
        self.scenario = scenario
        self._refused = 0
        self._error_counts.clear()
        self._began_s = self._clock.monotonic_s()

    def reply(self, number: str, sent_to: str, text: str, *, system_id: str = "", shuffle: bool = False) -> int:
        """A handset writes; in how many parts."""
        self._next_id += 1
        parts = list(reply_parts(number, sent_to, text, self._next_id))
        order = self._chance.shuffled(len(parts)) if shuffle else range(len(parts))
        for place in order:
            self._waiting.append(Delivery(system_id, parts[place], is_receipt=False))
        self._deliver()
        return len(parts)

    def disconnect(self, *, abrupt: bool) -> int:
        """End every connection; how many there were."""
        self._cut_s, self._since_cut = self._clock.monotonic_s(), 0
        links = list(self.links)
        for link in links:
            link.close(abrupt=abrupt)
        self.ledger.disconnects += len(links)
        return len(links)

    def stats(self) -> dict[str, Any]:
        """What was counted."""
        bound = sum(link.session.phase is Phase.BOUND for link in self.links)
        return {**self.ledger.stats(), "bound": bound, "undelivered": len(self._waiting)}

    # -- sim.smsc.link.Desk

    def came(self, link: SmscLink) -> ServerSession:
        """A connection was opened."""
        self.links.append(link)
        how = self.scenario.receipts
        clocks = Clocks(bind_s=30, answer_s=how.repeat_after_s, quiet_s=60)
        return Session(SMPP34, Role.SERVER, self._clock.monotonic_s(), window=how.window, clocks=clocks)

    def gone(self, link: SmscLink, unanswered: Sequence[Delivery]) -> None:
        """What was not acknowledged is delivered again."""
        if link in self.links:
            self.links.remove(link)
        self._waiting.extendleft(reversed(unanswered))
        self._wake.set()

    def heard(self, link: SmscLink, events: Sequence[Event]) -> None:
        """What an ESME says."""
        for event in events:
            match event:
                case Asked(pdu=pdu) if pdu.command in _SUBMITS:
                    self._submitted(link, pdu)
                case Asked(pdu=pdu):
                    self._asked(link, pdu)
                case BindAsked(pdu=pdu):
                    self._knocked(link, pdu)
                case Answered(token=delivery, status=status):
                    self.ledger.acknowledged += status == 0
                    if status in (Status.RMSGQFUL, Status.RX_T_APPN, Status.RTHROTTLED, Status.RSYSERR):
                        self._at(_AGAIN_S, partial(self._waiting.append, delivery))
                case Unanswered(token=delivery):
                    self._waiting.append(delivery)
                case _:
                    pass
        self._deliver()

    # -- binds

    def _knocked(self, link: SmscLink, pdu: Pdu) -> None:
        how, system_id = self.scenario.bind, str(pdu.body.get("system_id", ""))
        status = 0
        if how.accounts and system_id not in how.accounts:
            status = int(Status.RINVSYSID)
        elif how.accounts and how.accounts[system_id] != pdu.body.get("password"):
            status = int(Status.RINVPASWD)
        elif self._turned_away():
            status = how.refuse_status
        if status:
            self._refused += 1
            link.session.refuse_bind(pdu, status)
            return
        link.system_id = system_id
        self.ledger.binds += 1
        link.session.accept(pdu, {"system_id": "yizhan-smsc"}, ((SC_INTERFACE_VERSION, bytes((VERSION,))),))

    def _turned_away(self) -> bool:
        how = self.scenario.bind
        so_far_s = self._clock.monotonic_s() - self._began_s
        return self._refused < how.refuse_first or so_far_s < how.refuse_for_s or self._chance.hits(how.refuse_share)

    # -- submits

    def _submitted(self, link: SmscLink, pdu: Pdu) -> None:
        status, number = self._judge(pdu), self._take_id()
        carrier_id, report_id = ids_of(number, self.scenario.receipts.ids)
        answer = self.scenario.answer
        destination = str(pdu.body.get("destination_addr", ""))
        swallowed = status == 0 and (
            self._chance.hits(answer.swallow_share)
            or (answer.swallow_number_ends != "" and destination.endswith(answer.swallow_number_ends))
        )
        self.ledger.note(pdu, None if swallowed else status, carrier_id, link.name, self._clock.now_ms())
        delay_s = self._chance.wait_s(answer.delay_s, answer.spread)
        if status == 0:
            delay_s = max(delay_s, self._report(link, pdu, carrier_id, report_id))
        if not swallowed:
            body = {} if status else {"message_id": carrier_id}
            if delay_s <= 0:
                link.session.answer(pdu, status, body)
            else:
                self._at(delay_s, lambda: self._answer(link, pdu, status, body))
        self._make_trouble(link)

    def _answer(self, link: SmscLink, pdu: Pdu, status: int, body: dict[str, Any]) -> None:
        if link.open:
            link.session.answer(pdu, status, body)
            link.flush()

    def _judge(self, pdu: Pdu) -> int:
        """The status of a submit: throttling first, then the errors of the scenario."""
        how, now_s = self.scenario.throttle, self._clock.monotonic_s()
        second = int(now_s)
        self._second = (second, self._second[1] + 1 if second == self._second[0] else 1)
        if how.above_per_s and self._second[1] > how.above_per_s:
            return how.status
        if how.every_s and how.for_s and (now_s - self._began_s) % how.every_s < how.for_s:
            return how.status
        number = str(pdu.body.get("destination_addr", ""))
        for place, error in enumerate(self.scenario.errors):
            if number.endswith(error.number_ends) and self._chance.hits(error.share):
                seen = self._error_counts.get(place, 0)
                if not error.first or seen < error.first:
                    self._error_counts[place] = seen + 1
                    return error.status
        return 0

    def _report(self, link: SmscLink, pdu: Pdu, carrier_id: str, report_id: str) -> float:
        """Plan the report; how long the answer to the submit has to wait for it at least."""
        how = self.scenario.receipts
        word = self._chance.pick(how.words)
        self._states[carrier_id] = word
        wanted = int(pdu.body.get("registered_delivery", 0)) & 0x03
        if wanted == 0 or (wanted == 2 and word == "DELIVRD") or self._chance.hits(how.none_share):
            return 0.0
        receipt = receipt_for(pdu, report_id, word, how=how, chance=self._chance, at_ms=self._clock.now_ms())
        delivery = Delivery(link.system_id, receipt, link.name if how.other_bind else "")
        copies = 2 if self._chance.hits(how.duplicate_share) else 1
        if self._chance.hits(how.early_share):
            self._waiting.extend([delivery] * copies)
            return _AFTER_EARLY_S
        delay_s = self._chance.wait_s(how.delay_s, how.spread)
        self._at(delay_s, lambda: self._waiting.extend([delivery] * copies))
        return 0.0

    def _make_trouble(self, link: SmscLink) -> None:
        trouble = self.scenario.trouble
        link.submits += 1
        self._since_cut += 1
        if trouble.disconnect_every and self._since_cut >= trouble.disconnect_every:
            self.disconnect(abrupt=trouble.abrupt)
        if trouble.half_open_after and link.submits >= trouble.half_open_after:
            link.silent = True
        if trouble.stop_reading_after and link.submits >= trouble.stop_reading_after:
            link.stop_reading()

    # -- other requests

    def _asked(self, link: SmscLink, pdu: Pdu) -> None:
        """query_sm, cancel_sm, replace_sm."""
        word = self._states.get(str(pdu.body.get("message_id", "")))
        if pdu.command is Command.QUERY_SM:
            if word is None:
                link.session.answer(pdu, Status.RQUERYFAIL)
            else:
                state = {"DELIVRD": 2, "EXPIRED": 3, "DELETED": 4, "UNDELIV": 5, "REJECTD": 8}.get(word, 7)
                link.session.answer(pdu, 0, {"message_id": pdu.body["message_id"], "message_state": state})
        elif pdu.command is Command.CANCEL_SM:
            link.session.answer(pdu, Status.RCANCELFAIL if word is None else 0)
        elif pdu.command is Command.REPLACE_SM:
            link.session.answer(pdu, Status.RREPLACEFAIL if word is None else 0)

    # -- deliveries

    def _deliver(self) -> None:
        """Everything that waits and has a bind with room."""
        receivers = [link for link in self.links if self._may_receive(link)]
        if not receivers or not self._waiting:
            return
        now_s, kept = self._clock.monotonic_s(), deque[Delivery]()
        while self._waiting:
            delivery = self._waiting.popleft()
            fitting = [link for link in receivers if delivery.system_id in ("", link.system_id)]
            better = [link for link in fitting if link.name != delivery.not_over] or fitting
            link = max(better, key=lambda one: one.session.free, default=None)
            if link is None or link.session.free <= 0:
                kept.append(delivery)
                if not any(one.session.free > 0 for one in receivers):
                    kept.extend(self._waiting)
                    break
                continue
            link.session.request(delivery.pdu, delivery, now_s)
            self.ledger.receipts += delivery.is_receipt
        self._waiting = kept
        for link in receivers:
            link.flush()

    def _may_receive(self, link: SmscLink) -> bool:
        session = link.session
        return link.open and not link.silent and session.phase is Phase.BOUND and bool(session.mode & Mode.RECEIVE)

    # -- time

    def _take_id(self) -> int:
        self._next_id += 1
        return self._next_id

    def _at(self, delay_s: float, act: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._later, (self._clock.monotonic_s() + delay_s, self._count, act))
        self._wake.set()

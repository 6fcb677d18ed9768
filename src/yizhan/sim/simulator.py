"""The simulator channel: takes letters, answers each part, and reports it after a delay."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from yizhan.flow.ports import Settlement
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.carriage import Answer, Letter, Receipt
from yizhan.model.settings import ChannelSettings
from yizhan.model.views import ChannelView
from yizhan.sim.fate import fate_of
from yizhan.sim.journal import Journal
from yizhan.wire.segment import split

log = get_logger("simulator")

_RECEIPTS_AT_ONCE = 1_000
_RETRY_S = 1.0


class Simulator:
    """A ``Courier`` in this process. What it has taken it reports, also after a restart: its journal remembers."""

    def __init__(
        self,
        settings: ChannelSettings,
        journal: Path,
        settlement: Settlement,
        clock: Clock,
        room: Callable[[], None],
    ) -> None:
        """``room`` is told when slots have become free."""
        self._settings = settings
        self._journal = Journal(journal)
        self._settlement = settlement
        self._clock = clock
        self._room = room
        self._inbox: list[Letter] = []
        self._in_flight = 0
        self._due = [(receipt.at_ms, receipt.carrier_id, receipt) for receipt in self._journal.due.values()]
        heapq.heapify(self._due)
        self._letters_came = asyncio.Event()
        self._report_due = asyncio.Event()
        self._all_answered = asyncio.Event()
        self._all_answered.set()

    @property
    def name(self) -> str:
        """The channel's name in the configuration."""
        return self._settings.name

    def free(self) -> int:
        """How many letters it would take now: its window less what it has not answered."""
        return self._settings.window - self._in_flight

    def hand_over(self, letters: Sequence[Letter]) -> None:
        """Take ``letters``; they are answered at once, by the answering task."""
        self._in_flight += len(letters)
        self._inbox.extend(letters)
        self._letters_came.set()
        self._all_answered.clear()

    def view(self) -> ChannelView:
        """The channel as it stands now."""
        return ChannelView(self.name, "simulator", self._settings.window, self._in_flight, len(self._journal.due))

    async def idle(self) -> None:
        """Return when everything taken is answered and stored."""
        await self._all_answered.wait()

    def close(self) -> None:
        """Close the journal. Reports still due come after the next start."""
        self._journal.close()

    async def answer(self) -> None:
        """The answering task, until cancelled: journal each part, then answer it."""
        while True:
            await self._letters_came.wait()
            self._letters_came.clear()
            letters, self._inbox = self._inbox, []
            answers: list[Answer] = []
            await self._until_done(partial(self._take, letters, answers))
            await self._until_done(partial(self._settlement.answers, self.name, answers))
            self._in_flight -= len(letters)
            if self._in_flight == 0:
                self._all_answered.set()
            self._room()

    async def report(self) -> None:
        """The reporting task, until cancelled: each report when it is due, in batches; journalled once it is stored."""
        while True:
            self._report_due.clear()
            now_ms = self._clock.now_ms()
            receipts: list[Receipt] = []
            while self._due and self._due[0][0] <= now_ms and len(receipts) < _RECEIPTS_AT_ONCE:
                receipts.append(heapq.heappop(self._due)[2])
            if receipts:
                await self._until_done(partial(self._settlement.receipts, self.name, receipts))
                await self._until_done(partial(self._note_reported, receipts))
                continue
            try:
                async with asyncio.timeout((self._due[0][0] - now_ms) / 1000 if self._due else None):
                    await self._report_due.wait()
            except TimeoutError:
                pass

    async def _take(self, letters: Sequence[Letter], answers: list[Answer]) -> None:
        """Write all parts of all letters into the journal, and only then give their answers."""
        events: list[dict[str, Any]] = []
        given: list[Answer] = []
        due: list[Receipt] = []
        for letter in letters:
            self._decide(letter, events, given, due)
        self._journal.append(events, due)
        answers.extend(given)
        for receipt in due:
            heapq.heappush(self._due, (receipt.at_ms, receipt.carrier_id, receipt))
        self._report_due.set()

    async def _note_reported(self, receipts: Sequence[Receipt]) -> None:
        self._journal.reported(receipts)

    def _decide(self, letter: Letter, events: list[dict[str, Any]], answers: list[Answer], due: list[Receipt]) -> None:
        """Each part's fate: its line in the journal, its answer, and the report that it will get."""
        now_ms = self._clock.now_ms()
        fate = fate_of(letter.number)
        texts = split(letter.text)
        for part, text in enumerate(texts, 1):
            about = {
                "at_ms": now_ms,
                "number": letter.number,
                "sender": self._settings.source + letter.cell,
                "part": part,
                "of": len(texts),
                "text": text,
            }
            if fate.refusal:
                events.append({"event": "refuse", **about, "word": fate.refusal})
                answers.append(Answer(letter.message_id, part, len(texts), "", fate.refusal, now_ms))
                continue
            carrier_id, due_ms = self._journal.take_id(), now_ms + int(self._settings.receipt_delay_s * 1000)
            events.append({"event": "submit", "id": carrier_id, **about, "report": fate.report, "due_ms": due_ms})
            answers.append(Answer(letter.message_id, part, len(texts), carrier_id, "", now_ms))
            if fate.report is not None:
                due.append(Receipt(carrier_id, fate.report, due_ms))

    async def _until_done(self, act: Callable[[], Awaitable[None]]) -> None:
        """A carrier's word is never dropped: while the store or the journal cannot take it, try again."""
        while True:
            try:
                await act()
            except Exception as error:
                log.warning("the simulator has to try again", channel=self.name, error=repr(error))
                await asyncio.sleep(_RETRY_S)
            else:
                return

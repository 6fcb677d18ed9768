"""The simulator channel: takes letters, answers each part, and reports it after a delay."""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from yizhan.flow.insist import until_done
from yizhan.flow.ports import Settlement
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.carriage import Answer, ChannelState, Letter, Receipt, Reply
from yizhan.model.channel import ChannelSettings
from yizhan.model.outcome import Outcome
from yizhan.model.sentence import Sentence
from yizhan.model.views import ChannelView, TestStep, TracedPdu
from yizhan.sim.fate import Fate, Fates
from yizhan.sim.journal import Journal, receipt_of
from yizhan.sim.phones import Phones
from yizhan.wire.segment import split

log = get_logger("simulator")

_RECEIPTS_AT_ONCE = 1_000
_PARTING_S = 10.0


@dataclass(slots=True)
class _Entries:
    """What becomes of letters: lines of the journal, answers, and reports to come."""

    events: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    due: list[Receipt] = field(default_factory=list)


class Simulator:
    """A ``Courier`` in this process. What it has taken it reports, also after a restart: its journal remembers."""

    def __init__(
        self,
        settings: ChannelSettings,
        journal: Path,
        settlement: Settlement,
        clock: Clock,
        room: Callable[[], None],
        *,
        phones: Phones,
        fates: Fates,
    ) -> None:
        """``room`` is told when slots have become free; ``phones`` get what is delivered, as ``fates`` will have it."""
        self._settings = settings
        self._journal = Journal(journal)
        self._settlement = settlement
        self._clock = clock
        self._room = room
        self._phones = phones
        self._fates = fates
        self._paused = self._leaving = False
        self._inbox: list[Letter] = []
        self._taking: list[Letter] = []
        self._answer: asyncio.Future[None] | None = None
        self._in_flight = 0
        self._uncertain: set[int] = set()  # messages whose answer was kept back once
        self._due = [(receipt.at_ms, receipt.carrier_id, receipt) for receipt in self._journal.due.values()]
        heapq.heapify(self._due)
        self._late: list[tuple[int, int, Letter, Fate]] = []  # what arrives later than it was taken
        self._late_count = count()
        self._letters_came = asyncio.Event()
        self._report_due = asyncio.Event()
        self._all_answered = asyncio.Event()
        self._all_answered.set()

    @property
    def name(self) -> str:
        """The channel's name in the configuration."""
        return self._settings.name

    def state(self) -> ChannelState:
        """Always up; it takes its window less what it has not answered."""
        closed = self._paused or self._leaving
        free = 0 if closed else self._settings.window - self._in_flight
        return ChannelState(self.name, up=True, paused=self._paused, free=free, errors=0.0, delivered=None)

    def pause(self, paused: bool) -> None:
        """Take nothing more, or go on."""
        self._paused = paused
        if not paused:
            self._room()

    def hand_over(self, letters: Sequence[Letter]) -> None:
        """Take ``letters``; they are answered at once, by the answering task."""
        self._in_flight += len(letters)
        self._inbox.extend(letters)
        self._letters_came.set()
        self._all_answered.clear()

    def view(self) -> ChannelView:
        """The channel as it stands now."""
        return ChannelView(
            name=self.name,
            kind="simulator",
            window=self._settings.window,
            in_flight=self._in_flight,
            receipts_due=len(self._journal.due),
            paused=self._paused,
        )

    def trace(self, _after: int, _number: str | None, _limit: int, *, clear: bool) -> Sequence[TracedPdu]:
        """Nothing goes over a wire here: the journal has it all."""
        del clear
        return ()

    @property
    def access(self) -> str:
        """The access number that handsets reply to."""
        return self._settings.source

    async def reply(self, number: str, sent_to: str, text: str) -> int:
        """A handset writes to ``sent_to`` (digits): the id under which the gateway has stored it."""
        reply = Reply(number, sent_to, text, self._clock.now_ms())
        event = {"event": "reply", "at_ms": reply.at_ms, "number": number, "to": sent_to, "text": text}
        self._journal.append([event])
        self._phones.write(number, sent_to, text)
        return (await self._settlement.replies(self.name, [reply]))[0]

    async def test(self) -> list[TestStep]:
        """There is nobody to ask."""
        return [TestStep("simulator", True, Sentence.BUILT_IN(), 0)]

    async def idle(self) -> None:
        """Take nothing more; return when everything taken is answered and stored."""
        self._leaving = True
        await self._all_answered.wait()

    async def run(self) -> None:
        """Answer and report, until cancelled; then what was taken and not answered goes back to the queue."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._answering())
                group.create_task(self._reporting())
        finally:
            await self._part()

    def close(self) -> None:
        """Close the journal. Reports still due come after the next start."""
        self._journal.close()

    async def _answering(self) -> None:
        """The answering task, until cancelled: journal each part, then answer it."""
        while True:
            await self._letters_came.wait()
            self._letters_came.clear()
            self._taking, self._inbox = self._inbox, []
            # Whether an answer that was cut short has reached the store nobody could say: it is never cut short.
            self._answer = asyncio.ensure_future(self._answer_all(self._taking))
            await asyncio.shield(self._answer)

    async def _answer_all(self, letters: Sequence[Letter]) -> None:
        answers: list[Answer] = []
        fated = [(letter, self._choose(letter)) for letter in letters]  # once, however often the journal is full
        await self._until_done(partial(self._take, fated, answers))
        await self._until_done(partial(self._settlement.answers, self.name, answers))
        self._taking = []
        self._in_flight -= len(letters)
        if self._in_flight == 0:
            self._all_answered.set()
        self._room()

    async def _part(self) -> None:
        """At the end: what was begun is finished if it can be; else its fate is uncertain. The rest goes back."""
        if self._answer is not None:
            await asyncio.wait([self._answer], timeout=_PARTING_S)
        now_ms = self._clock.now_ms()
        back = [Answer(one.message_id, 1, 1, Outcome.UNCERTAIN, "", "BROKEN", now_ms) for one in self._taking]
        back += [Answer(one.message_id, 1, 1, Outcome.UNWRITTEN, "", "", now_ms) for one in self._inbox]
        self._taking, self._inbox = [], []
        if back:
            await asyncio.wait([asyncio.ensure_future(self._settlement.answers(self.name, back))], timeout=_PARTING_S)

    async def _reporting(self) -> None:
        """The reporting task, until cancelled: each report when it is due, in batches; journalled once it is stored."""
        while True:
            self._report_due.clear()
            now_ms = self._clock.now_ms()
            while self._late and self._late[0][0] <= now_ms:
                self._arrive(*heapq.heappop(self._late)[2:])
            receipts: list[Receipt] = []
            while self._due and self._due[0][0] <= now_ms and len(receipts) < _RECEIPTS_AT_ONCE:
                receipts.append(heapq.heappop(self._due)[2])
            if receipts:
                await self._until_done(partial(self._settlement.receipts, self.name, receipts))
                await self._until_done(partial(self._note_reported, receipts))
                continue
            next_ms = min((queue[0][0] for queue in (self._due, self._late) if queue), default=None)
            try:
                async with asyncio.timeout(None if next_ms is None else (next_ms - now_ms) / 1000):
                    await self._report_due.wait()
            except TimeoutError:
                pass

    async def _take(self, fated: Sequence[tuple[Letter, Fate]], answers: list[Answer]) -> None:
        """Write all parts of all letters into the journal, and only then give their answers."""
        entries, now_ms = _Entries(), self._clock.now_ms()
        for letter, fate in fated:
            self._write_down(letter, fate, now_ms, entries)
        self._journal.append(entries.events, entries.due)
        answers.extend(entries.answers)
        for receipt in entries.due:
            heapq.heappush(self._due, (receipt.at_ms, receipt.carrier_id, receipt))
        for letter, fate in fated:
            if fate.delay_s:
                at_ms = now_ms + int(fate.delay_s * 1000)
                heapq.heappush(self._late, (at_ms, next(self._late_count), letter, fate))
            else:
                self._arrive(letter, fate)
        self._report_due.set()

    def _arrive(self, letter: Letter, fate: Fate) -> None:
        """On the phone; or it does not, which its screen tells, too."""
        sender = self._settings.source + letter.cell
        if fate.arrives:
            parts = len(split(letter.text))
            self._phones.receive(letter.number, sender, letter.text, parts, letter.message_id)
        else:
            self._phones.miss(letter.number, sender, fate.word or fate.report or "", letter.message_id)

    async def _note_reported(self, receipts: Sequence[Receipt]) -> None:
        self._journal.reported(receipts)

    def _write_down(self, letter: Letter, fate: Fate, now_ms: int, entries: _Entries) -> None:
        """Of each part: its line in the journal, its answer, and the report that it will get."""
        texts = split(letter.text)
        due_ms = now_ms + int((self._settings.receipt_delay_s + fate.delay_s) * 1000)
        for part, text in enumerate(texts, 1):
            about = {
                "at_ms": now_ms,
                "number": letter.number,
                "sender": self._settings.source + letter.cell,
                "part": part,
                "of": len(texts),
                "text": text,
            }
            if fate.outcome is not Outcome.TAKEN:
                entries.events.append({"event": "refuse", **about, "word": fate.word})
                entries.answers.append(Answer(letter.message_id, part, len(texts), fate.outcome, "", fate.word, now_ms))
                continue
            carrier_id = self._journal.take_id()
            entries.events.append(
                {"event": "submit", "id": carrier_id, **about, "report": fate.report, "due_ms": due_ms}
            )
            entries.answers.append(Answer(letter.message_id, part, len(texts), Outcome.TAKEN, carrier_id, "", now_ms))
            if fate.report is not None:
                entries.due.append(receipt_of(carrier_id, fate.report, due_ms, letter.number))

    def _choose(self, letter: Letter) -> Fate:
        """The letter's fate. An answer is lost once only; the message arrives the next time."""
        fate = self._fates.take(letter.number)
        if fate.outcome is Outcome.UNCERTAIN:
            if letter.message_id in self._uncertain:
                return replace(fate, outcome=Outcome.TAKEN, word="")
            self._uncertain.add(letter.message_id)
        return fate

    async def _until_done(self, act: Callable[[], Awaitable[object]]) -> None:
        """A carrier's word is never dropped: while the store or the journal cannot take it, try again."""

        def complain(error: Exception) -> None:
            log.warning("the simulator has to try again", channel=self.name, error=repr(error))

        await until_done(act, complain)

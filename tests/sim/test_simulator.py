"""The simulator channel in time: answers at once, reports when due, also after a restart."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from yizhan.flow import insist
from yizhan.kit.clock import SystemClock
from yizhan.model.carriage import Answer, Letter, LongReply, Receipt, Reply
from yizhan.model.channel import ChannelSettings
from yizhan.model.submission import Encoding
from yizhan.model.views import ChosenFate, PhoneMessage, PhoneNote
from yizhan.sim.fate import Fates
from yizhan.sim.journal import Journal
from yizhan.sim.phones import Phones
from yizhan.sim.simulator import Simulator


@dataclass
class Notebook:
    """A settlement that writes down what the channel brings, and may refuse it for a while."""

    answered: list[Answer] = field(default_factory=list)
    reported: list[Receipt] = field(default_factory=list)
    replied: list[Reply] = field(default_factory=list)
    refuse: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def answers(self, channel: str, answers: Sequence[Answer]) -> None:
        """Note or refuse."""
        assert channel == "one"
        self._refuse()
        self.answered.extend(answers)
        self.came.set()

    async def receipts(self, channel: str, receipts: Sequence[Receipt]) -> list[str]:
        """Note or refuse."""
        self._refuse()
        self.reported.extend(receipts)
        self.came.set()
        return [""] * len(receipts)

    async def replies(self, channel: str, replies: Sequence[Reply]) -> list[int]:
        """Note or refuse."""
        self._refuse()
        self.replied.extend(replies)
        return list(range(1, len(replies) + 1))

    async def long_replies(self, channel: str, parts: Sequence[LongReply]) -> None:
        """The simulator has none."""
        raise AssertionError(parts)

    def _refuse(self) -> None:
        if self.refuse:
            self.refuse -= 1
            raise OSError("the disk is full")

    async def until(self, answers: int, receipts: int) -> None:
        """Until so many came."""
        async with asyncio.timeout(5):
            while len(self.answered) < answers or len(self.reported) < receipts:
                self.came.clear()
                await self.came.wait()


@asynccontextmanager
async def working(
    path: Path,
    notebook: Notebook,
    delay_s: float = 0.02,
    window: int = 10,
    phones: Phones | None = None,
    fates: Fates | None = None,
) -> AsyncIterator[Simulator]:
    """A simulator with both of its tasks."""
    settings = ChannelSettings(name="one", receipt_delay_s=delay_s, window=window, source="1069")
    phones, fates = phones or Phones(SystemClock()), fates or Fates()
    simulator = Simulator(settings, path, notebook, SystemClock(), lambda: None, phones=phones, fates=fates)
    tasks = [asyncio.ensure_future(simulator.run())]
    try:
        yield simulator
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        simulator.close()
        assert all(isinstance(result, asyncio.CancelledError) for result in results), results


def letter(message_id: int, number: str = "+8613800000000", text: str = "您好【驿站】", parts: int = 1) -> Letter:
    """One message."""
    return Letter(message_id, number, "77", text, Encoding.UCS2, parts)


def lines(path: Path) -> list[dict[str, Any]]:
    """The journal."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_fate(tmp_path: Path) -> None:
    async def run() -> None:
        notebook = Notebook()
        async with working(tmp_path / "j.jsonl", notebook) as simulator:
            simulator.hand_over([letter(n, f"+861380000000{n}") for n in range(6)])
            await notebook.until(answers=6, receipts=4)
            await asyncio.sleep(0.05)
        assert [answer.taken for answer in notebook.answered] == [True] * 5 + [False]
        assert notebook.answered[5].word == "RINVDSTADR"
        words = {receipt.carrier_id: receipt.word for receipt in notebook.reported}
        by_message = {answer.message_id: words.get(answer.carrier_id) for answer in notebook.answered}
        assert by_message == {0: "DELIVRD", 1: "UNDELIV", 2: "EXPIRED", 3: "REJECTD", 4: None, 5: None}

    asyncio.run(run())


def test_a_chosen_fate_is_taken_once_though_the_journal_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insist, "RETRY_S", 0.01)
    phones, fates, left = Phones(SystemClock()), Fates(), 1
    fates.choose(ChosenFate(None, "undelivered", 1, 0))

    async def run() -> None:
        notebook = Notebook()
        async with working(tmp_path / "j.jsonl", notebook, phones=phones, fates=fates) as simulator:
            append = Journal.append

            def full(journal: Journal, *lines: Any) -> None:
                nonlocal left
                if left:
                    left -= 1
                    raise OSError("no space left")
                append(journal, *lines)

            with monkeypatch.context() as patch:
                patch.setattr(Journal, "append", full)
                simulator.hand_over([letter(1), letter(2)])
                await notebook.until(answers=2, receipts=2)
        assert [receipt.word for receipt in notebook.reported] == ["UNDELIV", "DELIVRD"]

    asyncio.run(run())
    (phone,) = phones.table()
    (missed, arrived) = phone.lines
    assert isinstance(missed, PhoneNote)
    assert (missed.word, missed.message) == ("UNDELIV", 1)
    assert isinstance(arrived, PhoneMessage)
    assert arrived.message == 2


def test_a_delayed_message_arrives_later_and_so_does_its_report(tmp_path: Path) -> None:
    phones, fates = Phones(SystemClock()), Fates()
    fates.choose(ChosenFate("+8613800000000", "delivered", 1, 0.2))

    async def run() -> None:
        notebook = Notebook()
        async with working(tmp_path / "j.jsonl", notebook, phones=phones, fates=fates) as simulator:
            simulator.hand_over([letter(1), letter(2)])
            await notebook.until(answers=2, receipts=1)
            assert [one.message for one in phones.newest(None, 10)] == [2]
            await notebook.until(answers=2, receipts=2)
            assert [one.message for one in phones.newest(None, 10)] == [1, 2]

    asyncio.run(run())


def test_parts(tmp_path: Path) -> None:
    async def run() -> None:
        notebook = Notebook()
        async with working(tmp_path / "j.jsonl", notebook) as simulator:
            simulator.hand_over([letter(7, text="长" * 140, parts=3)])
            await notebook.until(answers=3, receipts=3)
        assert [(answer.message_id, answer.part, answer.of) for answer in notebook.answered] == [
            (7, 1, 3),
            (7, 2, 3),
            (7, 3, 3),
        ]
        assert len({answer.carrier_id for answer in notebook.answered}) == 3
        submitted = [line for line in lines(tmp_path / "j.jsonl") if line["event"] == "submit"]
        assert "".join(line["text"] for line in submitted) == "长" * 140
        assert {line["sender"] for line in submitted} == {"106977"}

    asyncio.run(run())


def test_window(tmp_path: Path) -> None:
    async def run() -> None:
        notebook = Notebook()
        async with working(tmp_path / "j.jsonl", notebook, window=3) as simulator:
            assert simulator.state().free == 3
            simulator.hand_over([letter(1), letter(2)])
            assert (simulator.state().free, simulator.view().in_flight) == (1, 2)
            await notebook.until(answers=2, receipts=0)
            assert simulator.state().free == 3 and len(notebook.answered) == 2
            await simulator.idle()
            assert simulator.state().free == 0, "it takes its leave"

    asyncio.run(run())


def test_the_journal_is_written_before_the_answer(tmp_path: Path) -> None:
    async def run() -> None:
        notebook = Notebook()

        class Watching(Notebook):
            async def answers(self, channel: str, answers: Sequence[Answer]) -> None:
                written = {line["id"] for line in lines(tmp_path / "j.jsonl")}
                assert {answer.carrier_id for answer in answers} <= written
                await notebook.answers(channel, answers)

        async with working(tmp_path / "j.jsonl", Watching()) as simulator:
            simulator.hand_over([letter(1), letter(2)])
            await notebook.until(answers=2, receipts=0)

    asyncio.run(run())


def test_reports_due_come_after_a_restart(tmp_path: Path) -> None:
    async def run() -> None:
        first, second = Notebook(), Notebook()
        async with working(tmp_path / "j.jsonl", first, delay_s=0.6) as simulator:
            simulator.hand_over([letter(1), letter(2), letter(3, "+8613800000004")])
            await first.until(answers=3, receipts=0)
            assert simulator.view().receipts_due == 2
        assert first.reported == []
        async with working(tmp_path / "j.jsonl", second, delay_s=0.6) as simulator:
            await second.until(answers=0, receipts=2)
            simulator.hand_over([letter(4)])
            await second.until(answers=1, receipts=2)
            assert simulator.view().receipts_due == 1
        assert {r.carrier_id for r in second.reported} == {a.carrier_id for a in first.answered[:2]}
        assert second.answered[0].carrier_id not in {a.carrier_id for a in first.answered}, "no id twice"
        third = Notebook()
        async with working(tmp_path / "j.jsonl", third):
            await third.until(answers=0, receipts=1)
        assert {r.carrier_id for r in third.reported} == {second.answered[0].carrier_id}, (
            "and what came is not repeated"
        )

    asyncio.run(run())


def test_what_the_store_does_not_take_is_brought_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insist, "RETRY_S", 0.01)

    async def run() -> None:
        notebook = Notebook(refuse=2)
        async with working(tmp_path / "j.jsonl", notebook) as simulator:
            simulator.hand_over([letter(1)])
            await notebook.until(answers=1, receipts=0)
            notebook.refuse = 2
            await notebook.until(answers=1, receipts=1)
        assert len(notebook.answered) == len(notebook.reported) == 1

    asyncio.run(run())

"""What operators and customers ask of one message: its whole story, its call, the protocol messages about it."""

import asyncio
from datetime import datetime

from yizhan.flow.living import Living
from yizhan.flow.office import NotFound
from yizhan.flow.ports import Board
from yizhan.flow.story import tell, tell_report
from yizhan.kit.clock import Clock, to_ms
from yizhan.model.carriage import by_channel
from yizhan.model.story import Story
from yizhan.model.views import ScheduledView, SubmissionView, TracedPdu
from yizhan.store import messages, submissions
from yizhan.store.database import Database, Session
from yizhan.store.handouts import WaitingReport, waiting_reports
from yizhan.store.search import Filter

# Client ids are int32; message ids begin above them (``store.schema.FIRST_MESSAGE_KEY``).
LAST_CLIENT_ID = 2_147_483_647
_WHOLE_TRACE = 100_000  # more than any ring holds
_MOST_PDUS = 100  # of one message
_AFTERWARDS_MS = 5_000  # a carrier's answer to the last of them may come so late


class MessageQuestions:
    """A part of ``flow.ask.Ask``. NotFound for what there is not, or what belongs to another ``account``."""

    def __init__(self, database: Database, living: Living, board: Board, clock: Clock) -> None:
        self._database = database
        self._living = living
        self._board = board
        self._clock = clock

    async def story(self, id: int, account: str | None = None) -> Story:
        """The story of one message, and where its report is. NotFound."""
        wanted = Filter(message=id, account=account)

        def look(session: Session) -> tuple[messages.Record, list[WaitingReport]]:
            for record in messages.find_records(session, wanted):
                return record, waiting_reports(session, record.message.messages_account_id, id)
            raise NotFound(f"no message {id}")

        record, waiting = await self._database.read(look)
        now_ms = self._clock.now_ms()
        states = by_channel(courier.state() for courier in self._board.couriers())
        story = tell(record, now_ms, self._living.standing.routes, states)
        return Story(
            story.message, [*story.events, *tell_report(record, waiting, now_ms)], story.channels, story.candidates
        )

    async def pdus(self, story: Story) -> list[TracedPdu]:
        """The newest protocol messages about a message's number while it was under way, as far as this node has them
        still.
        """
        message = story.message
        couriers = [one for one in self._board.couriers() if one.name in story.channels]
        from_ms = _ms(message.accepted_at)
        until_ms = None if message.finished_at is None else _ms(message.finished_at) + _AFTERWARDS_MS

        def read() -> list[TracedPdu]:
            found = [pdu for one in couriers for pdu in one.trace(0, message.number, _WHOLE_TRACE, clear=True)]
            of_its_time = (pdu for pdu in found if from_ms <= pdu.at_ms and (until_ms is None or pdu.at_ms <= until_ms))
            return sorted(of_its_time, key=lambda pdu: pdu.seq)[-_MOST_PDUS:]

        return await asyncio.to_thread(read)  # a whole ring, and nobody else waits for it

    async def submission(self, id: int, account: str | None = None) -> SubmissionView:
        """A call by the id that its client got. NotFound."""
        found = await self._database.read(lambda session: submissions.view_submission(session, id, account))
        if found is None:
            raise NotFound(f"no submission {id}")
        return found

    async def scheduled(self, account: str | None, limit: int, after: str | None = None) -> list[ScheduledView]:
        """Calls that wait for their SendTime, the next one first; ``after`` is the last cursor of the page above."""
        account_id = None if account is None else self._account_id(account)
        behind = None if after is None else _cursor(after)
        return await self._database.search(
            lambda session: submissions.list_scheduled(session, account_id, limit, behind)
        )

    def _account_id(self, corp_id: str) -> int:
        account = self._living.standing.accounts.get(corp_id)
        if account is None:
            raise NotFound(f"no account {corp_id}")
        return account.id


def _ms(at: str) -> int:
    return to_ms(datetime.fromisoformat(at))


def _cursor(written: str) -> tuple[int, int]:
    due, _, key = written.partition("-")
    if not all(one.isascii() and one.isdecimal() and len(one) < 19 for one in (due, key)):
        raise ValueError(f"not a cursor: {written[:40]!r}")
    return int(due), int(key)

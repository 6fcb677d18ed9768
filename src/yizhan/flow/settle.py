"""Settle: what the carrier said, stored; only when this returns may a channel acknowledge it."""

from collections.abc import Callable, Sequence

from yizhan.flow.mailroom import Mailroom
from yizhan.flow.meter import Meter
from yizhan.flow.trail import Trail
from yizhan.model.carriage import Answer, LongReply, Receipt, Reply
from yizhan.model.settings import PolicySettings
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.report import Reported, settle_receipts
from yizhan.store.settle import Answered, Manner, settle_answers


class Settle:
    """The ``Settlement`` that channels bring answers, receipts and replies to."""

    def __init__(
        self,
        database: Database,
        policy: PolicySettings,
        mailroom: Mailroom,
        resends: Callable[[str], bool],
        given_back: Callable[[], None],
        *,
        meter: Meter,
        trail: Trail | None = None,
        epoch: int = 0,
    ) -> None:
        """``resends``: whether a channel sends again what is uncertain; ``given_back`` is told of what waits again;
        ``epoch``: of the channel's berth (0: there are none).
        """
        self._database = database
        self._policy = policy
        self._mailroom = mailroom
        self._resends = resends
        self._given_back = given_back
        self._meter = meter
        self._trail = trail
        self._epoch = epoch

    def under(self, epoch: int) -> "Settle":
        """The same for a channel of that epoch."""
        same = (self._database, self._policy, self._mailroom, self._resends, self._given_back)
        return Settle(*same, meter=self._meter, trail=self._trail, epoch=epoch)

    async def answers(self, channel: str, answers: Sequence[Answer]) -> None:
        """Sent, refused, or to be tried again, letter by letter; what was refused is paid back in the same commit."""
        policy = self._policy
        manner = Manner(
            refund=policy.refund,
            resend=self._resends(channel),
            max_attempts=policy.max_attempts,
            first_pause_s=policy.busy_pause_s,
            longest_pause_s=policy.busy_max_pause_s,
        )
        batch = Answered(channel, answers, manner, self._epoch)
        journeys = {} if self._trail is None else await self._trail.look(answers)
        if await self._database.write(Turn.CARRIAGE, settle_answers, batch, rows=2 * len(answers)):
            self._given_back()
        self._meter.answered(channel, answers)
        if self._trail is not None:
            self._trail.answered(channel, answers, journeys)

    async def receipts(self, channel: str, receipts: Sequence[Receipt]) -> list[str]:
        """Delivered or not, part by part, likewise; the key of the answer that each receipt was found by."""
        batch = Reported(channel, receipts, self._policy.refund)
        found = await self._database.write(Turn.CARRIAGE, settle_receipts, batch, rows=2 * len(receipts))
        self._meter.reported(channel, receipts, found.delays_ms)
        if self._trail is not None:
            await self._trail.reported(channel, receipts)
        return found.keys

    async def replies(self, channel: str, replies: Sequence[Reply]) -> list[int]:
        """What handsets wrote, to the accounts that they belong to: the id of each."""
        return await self._mailroom.replies(channel, replies)

    async def long_replies(self, channel: str, parts: Sequence[LongReply]) -> None:
        """Parts of long replies; those that are complete now go the same way."""
        await self._mailroom.long_replies(channel, parts)

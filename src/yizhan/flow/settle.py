"""Settle: what the carrier said, stored; only when this returns may a channel acknowledge it."""

from collections.abc import Sequence

from yizhan.model.carriage import Answer, Receipt
from yizhan.model.settings import RefundRule
from yizhan.store.committer import Turn
from yizhan.store.database import Database
from yizhan.store.settle import Answered, Reported, settle_answers, settle_receipts


class Settle:
    """The ``Settlement`` that channels bring answers and receipts to."""

    def __init__(self, database: Database, refund: RefundRule) -> None:
        self._database = database
        self._refund = refund

    async def answers(self, channel: str, answers: Sequence[Answer]) -> None:
        """Sent or refused, part by part; what was refused is paid back by the refund rule, in the same commit."""
        batch = Answered(channel, answers, self._refund)
        await self._database.write(Turn.CARRIAGE, settle_answers, batch, rows=2 * len(answers))

    async def receipts(self, channel: str, receipts: Sequence[Receipt]) -> None:
        """Delivered or not, part by part, likewise."""
        batch = Reported(channel, receipts, self._refund)
        await self._database.write(Turn.CARRIAGE, settle_receipts, batch, rows=2 * len(receipts))

"""Fetch: replies and reports are handed out once, in two steps (contract, section 9).

The fetch leases its rows in a commit. When the last byte of the answer has gone to the socket, another commit confirms
them, together with whatever else waits. A connection lost before that gives them back at once; after
a crash the lease ends by itself.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from yizhan.flow.desk import Desk
from yizhan.kit.log import get_logger
from yizhan.model.call import Call
from yizhan.model.handout import HandOut, Queue, ReplyRow, ReportRow
from yizhan.model.reject import Refusal
from yizhan.policy.case import Case
from yizhan.store.committer import Turn
from yizhan.store.handouts import Lease, Wish, confirm, lease, release

log = get_logger("fetch")


class Fetching(Desk):
    """The calls that take what waits."""

    async def replies(self, call: Call) -> HandOut[ReplyRow] | Refusal:
        """The oldest replies of the account."""
        return await self._answer(call, lambda case: self._hand_out(case, Queue.REPLIES))

    async def reports(self, call: Call) -> HandOut[ReportRow] | Refusal:
        """The oldest reports of the account."""
        return await self._answer(call, lambda case: self._hand_out(case, Queue.REPORTS))

    async def failures(self, call: Call) -> HandOut[ReportRow] | Refusal:
        """The oldest reports of failed messages, only those of one Cell if the call names it."""
        return await self._answer(call, lambda case: self._hand_out(case, Queue.FAILURES, case.cell))

    async def _hand_out(self, case: Case, queue: Queue, cell: str = "") -> HandOut[Any] | Refusal:
        policy, now_ms = self._terms.policy, case.now_ms
        limit = policy.replies_per_call if queue is Queue.REPLIES else policy.reports_per_call
        wish = Wish(queue, case.known_account.id, limit, now_ms, now_ms + int(policy.lease_s * 1000), cell)
        give_back = await self._start_interval(case)
        if isinstance(give_back, Refusal):
            return give_back
        try:
            leased = await self._database.write(Turn.CARE, lease, wish, rows=limit)
        except BaseException:
            give_back()
            raise
        return HandOut(leased.rows, lambda left: self._finish(leased.lease, left, give_back))

    def _finish(self, taken: Lease, left: bool, give_back: Callable[[], None]) -> None:
        """The answer has left, or never will; the store hears of it in its next commit."""
        if not left:
            give_back()
        if not taken.keys:
            return
        try:
            done = self._database.write(Turn.CARE, confirm if left else release, taken, rows=len(taken.keys))
        except Exception as error:
            log.warning("a lease has to end by itself", rows=len(taken.keys), left=left, error=repr(error))
        else:
            done.add_done_callback(_note_failure)


def _note_failure(done: "asyncio.Future[None]") -> None:
    if not done.cancelled() and (error := done.exception()):
        log.warning("a lease has to end by itself", error=repr(error))

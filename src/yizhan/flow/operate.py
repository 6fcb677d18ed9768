"""What operators change. Each action is one transaction with its audit entry, and holds for the next call."""

from yizhan.flow.office import Conflict, Deed, NotFound
from yizhan.flow.operate_accounts import AccountActions
from yizhan.flow.operate_lists import ListActions
from yizhan.store.messages import cancel_submission, submission_keys

__all__ = ["Conflict", "NotFound", "Operate"]


class Operate(AccountActions, ListActions):
    """Every change an operator can make. ``actor`` says who it was; ValueError says what is wrong with the wish."""

    async def cancel(self, actor: str, submission: int, *, corp_id: str | None = None) -> int:
        """Cancel the messages of a submission that were not yet sent, and pay them back: how many."""
        keys = await self._database.read(lambda session: submission_keys(session, submission, corp_id))
        if not keys:
            raise NotFound(f"no submission {submission}")
        at_ms = self._clock.now_ms()
        deed = Deed(actor, "submission cancel", str(submission), {}, {})
        return await self._carry_out(deed, lambda session: cancel_submission(session, keys[0], at_ms))

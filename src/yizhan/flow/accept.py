"""Accept: a client's message, from the gate to the commit. What is answered as a success is durable by then."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from yizhan.flow.desk import Desk
from yizhan.flow.turnstile import Turnstile, rows_of
from yizhan.model.call import Call
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Accepted, Admitted
from yizhan.policy.admission import judge_access, judge_message
from yizhan.policy.admit import admit
from yizhan.policy.case import Case
from yizhan.store.accept import accept
from yizhan.store.committer import Turn

# A call of so many rows has a turn of its own in the commit: it does not wait for those of hundreds.
_FEW_ROWS = 16


class Accepting(Desk):
    """The calls that send."""

    # Told of each stored call, so that dispatch need not wait for its next look; set by ``flow.reception``.
    _accepted: Callable[[Admitted], None]
    # Whose call goes next when there are more than can be stored at once; likewise.
    _turnstile: Turnstile

    def submit(self, call: Call) -> Coroutine[Any, Any, Accepted | Refusal]:
        """Check, charge and store a call's message: what the client may be told, once committed."""
        return self._answer(call, self._submit_in_turn, judge_access)

    async def submit_each(
        self, call: Call, items: Sequence[Mapping[str, str]] | None
    ) -> list[Accepted | Refusal] | Refusal:
        """Each of ``items`` as a submission of its own, in order; None: the call does not say what to send (row 16).

        Rows 1 to 9 are the whole call's: the password is checked once.
        """

        async def act(case: Case) -> list[Accepted | Refusal] | Refusal:
            if items is None:
                return Refusal(Reject.OTHER, "not the JSON of BatchContentSms")
            rows = sum(rows_of(values.get("mobile", "")) for values in items)
            async with self._turnstile.place(case.known_account.id, rows):
                # Begun in order, and nothing waits before it stands in the committer's queue: so the ids are in order.
                return await asyncio.gather(*(self._submit_item(case, values) for values in items))

        return await self._answer(call, act, judge_access)

    async def _submit_in_turn(self, case: Case) -> Accepted | Refusal:
        """A call that has passed the gate: what is asked about its numbers and its text is work, and waits its turn."""
        async with self._turnstile.place(case.known_account.id, rows_of(case.call.value("mobile"))):
            return judge_message(case) or await self._submit(case)

    async def _submit_item(self, whole: Case, values: Mapping[str, str]) -> Accepted | Refusal:
        """One message of a call that has passed the gate; what goes wrong with it is its own affair."""
        call = replace(whole.call, values={**whole.call.values, **values})
        case = replace(whole, call=call)

        async def answer() -> Accepted | Refusal:
            return judge_message(case) or await self._submit(case)

        return await self._guarded(call, answer())

    async def _submit(self, case: Case) -> Accepted | Refusal:
        admitted = admit(case)
        rows, source = len(admitted.recipients) + 3, admitted.account_id
        turn = Turn.ACCEPT if rows <= _FEW_ROWS else Turn.BULK
        outcome = await self._database.write(turn, accept, admitted, rows, source)
        if isinstance(outcome, Refusal):
            return outcome
        self._accepted(admitted)
        return Accepted(outcome, case.known_account.batch_send_id)

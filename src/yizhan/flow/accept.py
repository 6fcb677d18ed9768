"""Accept: a client's message, from the gate to the commit. What is answered as a success is durable by then."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from yizhan.flow.desk import Desk
from yizhan.flow.turnstile import Turnstile, rows_of
from yizhan.model.call import Call
from yizhan.model.mailing import Piece
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Accepted, Admitted, Stored
from yizhan.policy.admission import account_disabled, account_unknown, judge_access, judge_message
from yizhan.policy.admit import admit
from yizhan.policy.case import Case
from yizhan.policy.mailing import calls_of, judge_letter
from yizhan.store.accept import accept
from yizhan.store.committer import Turn
from yizhan.store.mailings import Posting, post_pieces
from yizhan.store.once import Before, Once, accept_once

# A call of so many rows has a turn of its own in the commit: it does not wait for those of hundreds.
_FEW_ROWS = 16
# So many texts of a mailing are judged before the loop looks at what else there is.
_TEXTS_AT_A_TIME = 50


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

    async def submit_known(self, call: Call, once: Once | None) -> Stored | Refusal | None:
        """The same for a caller who is known otherwise than by a password: rows 5, 7 and 10 to 19.

        ``once``: it may come again, and counts once. None: something else has come under that key.
        """
        case = self._case(call)

        async def answer() -> Stored | Refusal | None:
            refusal = account_unknown(case) or account_disabled(case)
            if refusal is not None:
                return refusal
            async with self._turnstile.place(case.known_account.id, rows_of(call.value("mobile"))):
                refusal = judge_message(case)
                return refusal or await (self._submit_once(case, once) if once else self._submit_plainly(case))

        return await self._guarded(call, answer())

    async def post(self, piece: Piece) -> None:
        """A piece of a mailing: each of its texts is a submission of its own, and one commit holds them all, with a
        note of what has become of each row. So whoever is interrupted goes on behind the last commit (ADR 0025).
        """
        account = self._living.standing.accounts[piece.order.account]
        rows = sum(not row.mistake for row in piece.rows)
        async with self._turnstile.place(account.id, rows):
            letters = [(places, judge_letter(case)) async for places, case in self._cases(piece)]
            posting, admitted_ns = Posting(piece, letters, self._clock.now_ms()), self._now_ns()
            accepted = await self._database.write(Turn.BULK, post_pieces, posting, rows + 3, account.id)
        for admitted, submission in accepted:
            self._note_stored(admitted, submission, admitted_ns)

    async def _cases(self, piece: Piece) -> AsyncIterator[tuple[list[int], Case]]:
        """The texts of a piece; others are heard in between."""
        for count, (places, call) in enumerate(calls_of(piece.order, piece.rows, self._clock.now_ms())):
            if count and not count % _TEXTS_AT_A_TIME:
                await asyncio.sleep(0)
            yield places, self._case(call)

    async def _submit_plainly(self, case: Case) -> Stored | Refusal:
        accepted = await self._submit(case)
        return accepted if isinstance(accepted, Refusal) else Stored(accepted.submission, before=False)

    async def _submit_once(self, case: Case, once: Once) -> Stored | Refusal | None:
        admitted, admitted_ns = admit(case), self._now_ns()
        rows = len(admitted.recipients) + 4
        outcome = await self._database.write(Turn.ACCEPT, accept_once, (admitted, once), rows, admitted.account_id)
        if isinstance(outcome, Refusal):
            return outcome
        if isinstance(outcome, Before):
            return None if outcome.client_id is None else Stored(outcome.client_id, before=True)
        self._note_stored(admitted, outcome, admitted_ns)
        return Stored(outcome, before=False)

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
        admitted, admitted_ns = admit(case), self._now_ns()
        rows, source = len(admitted.recipients) + 3, admitted.account_id
        turn = Turn.ACCEPT if rows <= _FEW_ROWS else Turn.BULK
        outcome = await self._database.write(turn, accept, admitted, rows, source)
        if isinstance(outcome, Refusal):
            return outcome
        self._note_stored(admitted, outcome, admitted_ns)
        return Accepted(outcome, case.known_account.batch_send_id)

    def _now_ns(self) -> int:
        """When the rules were through with a call; nobody asks where nobody follows."""
        return 0 if self._trail is None else self._trail.now_ns()

    def _note_stored(self, admitted: Admitted, submission: int, admitted_ns: int) -> None:
        self._accepted(admitted)
        if self._trail is not None:
            self._trail.stored(admitted, submission, admitted_ns)

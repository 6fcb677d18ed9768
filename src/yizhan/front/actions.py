"""What a call does and what it is answered with: from the river's value to the client's text."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from yizhan.flow.ports import River
from yizhan.model.call import Call
from yizhan.model.handout import HandOut
from yizhan.model.money import whole_credits
from yizhan.model.operation import Action, Operation, ResultType, Success
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Accepted
from yizhan.wire.answer import client_number
from yizhan.wire.codes import code_of
from yizhan.wire.content_sms import read_items, write_results
from yizhan.wire.hand_out import write_failures, write_replies, write_reports

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Said:
    """A call's answer. ``left``, where there is one, must be told once whether its last byte went to the socket."""

    text: str
    left: Callable[[bool], None] | None = None


class Actions:
    """Calls the river and writes what it gives."""

    def __init__(self, river: River, max_batch_items: int) -> None:
        """``max_batch_items`` bounds BatchContentSms."""
        self._river = river
        self._max_batch_items = max_batch_items
        self._by_action: dict[Action, Callable[[Call], Awaitable[Said | str | Refusal]]] = {
            Action.SUBMIT: self._submit,
            Action.SUBMIT_EACH: self._submit_each,
            Action.BALANCE: self._balance,
            Action.BLOCKED: self._blocked,
            Action.REPLIES: self._replies,
            Action.REPORTS: self._reports,
            Action.FAILURES: self._failures,
            Action.CHANGE_PASSWORD: self._done(river.change_password),
            Action.CHANGE_PROFILE: self._done(river.change_profile),
            Action.REGISTER: self._done(river.register),
            Action.CLOSE: self._done(river.close),
            Action.CHARGE_UP: self._done(river.charge_up),
            Action.MAKE_ACCOUNT: self._make_account,
            Action.GIVE_CREDIT: self._done(river.give_credit),
            Action.GREET: self._greet,
            Action.NOTHING: self._nothing,
        }

    async def take(self, call: Call) -> Said:
        """Act on ``call``: a value, or the code of its refusal."""
        said = await self._by_action[call.operation.action](call)
        if isinstance(said, Refusal):
            return refused(call.operation, said)
        return Said(said) if isinstance(said, str) else said

    async def _submit(self, call: Call) -> str | Refusal:
        """What the operation's programs test for: the id, 0 or 1 (contract, section 4)."""
        accepted = await self._river.submit(call)
        return accepted if isinstance(accepted, Refusal) else _success(call.operation, accepted)

    async def _submit_each(self, call: Call) -> str | Refusal:
        """BatchContentSms: a result for each item, under the item's own ID."""
        items = read_items(call.value("jsonstring"), self._max_batch_items)
        outcomes = await self._river.submit_each(call, None if items is None else [item.values for item in items])
        if isinstance(outcomes, Refusal):
            return outcomes
        named = zip(items or [], outcomes, strict=True)
        return write_results([(item.id, _result(call.operation, outcome)) for item, outcome in named])

    async def _balance(self, call: Call) -> str | Refusal:
        """The balance as clients count it: whole 条."""
        balance = await self._river.balance(call)
        return balance if isinstance(balance, Refusal) else str(whole_credits(balance))

    async def _blocked(self, call: Call) -> str | Refusal:
        """Numbers joined with commas; empty when there are none."""
        numbers = await self._river.blocked(call)
        return numbers if isinstance(numbers, Refusal) else ",".join(map(client_number, numbers))

    async def _replies(self, call: Call) -> Said | Refusal:
        return _handed(await self._river.replies(call), write_replies)

    async def _reports(self, call: Call) -> Said | Refusal:
        return _handed(await self._river.reports(call), write_reports)

    async def _failures(self, call: Call) -> Said | Refusal:
        return _handed(await self._river.failures(call), write_failures)

    def _done(self, act: Callable[[Call], Awaitable[Refusal | None]]) -> Callable[[Call], Awaitable[str | Refusal]]:
        """What has no value to tell: 0, or OK where the answer is text."""

        async def done(call: Call) -> str | Refusal:
            refusal = await act(call)
            return refusal or ("0" if call.operation.result is ResultType.INT else "OK")

        return done

    async def _make_account(self, call: Call) -> str | Refusal:
        """The two words of AgentMakeAccount (contract, section 4)."""
        made = await self._river.make_account(call)
        if isinstance(made, Refusal):
            return made
        return "OK" if made else "accounthasuse"

    async def _greet(self, _call: Call) -> str:
        return "Hello World"

    async def _nothing(self, _call: Call) -> Refusal:
        """MMS and voice: this gateway carries text only (contract, section 4)."""
        return Refusal(Reject.OTHER)


def refused(operation: Operation, refusal: Refusal) -> Said:
    """The code that answers a refusal."""
    return Said(str(code_of(refusal.reject, operation)))


def _handed(handed: HandOut[R] | Refusal, write: Callable[[Iterable[R]], str]) -> Said | Refusal:
    """Rows as text; those that cannot be written are given back, not lost."""
    if isinstance(handed, Refusal):
        return handed
    try:
        return Said(write(handed.rows), handed.left)
    except BaseException:
        handed.left(False)
        raise


def _success(operation: Operation, accepted: Accepted) -> str:
    """What an accepted call is answered with."""
    if operation.success is Success.ID or (operation.success is Success.ONE and accepted.batch_send_id):
        return str(accepted.submission)
    return "0" if operation.success is Success.ZERO else "1"


def _result(operation: Operation, outcome: Accepted | Refusal) -> str:
    """The same for one message of several, its code if it was refused."""
    return refused(operation, outcome).text if isinstance(outcome, Refusal) else _success(operation, outcome)

"""Accept: a client's call, from the gate to the commit. What is answered as a success is durable before it is said."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

from yizhan.flow.gate import Gate
from yizhan.flow.living import Living
from yizhan.flow.refusals import RefusalLog
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.call import Call
from yizhan.model.operation import Pace
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Accepted, Admitted
from yizhan.policy.admission import judge, judge_access, judge_message
from yizhan.policy.admit import admit
from yizhan.policy.case import Case, Terms
from yizhan.policy.throttle import Intervals
from yizhan.store.accept import accept
from yizhan.store.accounts import balance_of
from yizhan.store.committer import Closed, Overloaded, Turn
from yizhan.store.database import Database

log = get_logger("accept")
T = TypeVar("T")


class Reception:
    """The ``River`` that ``front`` hands decoded calls to."""

    def __init__(
        self,
        *,
        database: Database,
        living: Living,
        gate: Gate,
        refusals: RefusalLog,
        terms: Terms,
        clock: Clock,
        accepted: Callable[[Admitted], None],
    ) -> None:
        """``accepted`` is told of each stored call, so that dispatch need not wait for its next look."""
        self._database = database
        self._living = living
        self._gate = gate
        self._refusals = refusals
        self._terms = terms
        self._clock = clock
        self._accepted = accepted
        self._intervals = Intervals()

    async def submit(self, call: Call) -> Accepted | Refusal:
        """Check, charge and store a call's message: what the client may be told, once committed."""
        return await self._answer(call, self._submit)

    async def submit_each(
        self, call: Call, items: Sequence[Mapping[str, str]] | None
    ) -> list[Accepted | Refusal] | Refusal:
        """Each of ``items`` as a submission of its own, in order; None: the call does not say what to send (row 16).

        Rows 1 to 9 are the whole call's: the password is checked once.
        """

        async def act(case: Case) -> list[Accepted | Refusal] | Refusal:
            if items is None:
                return Refusal(Reject.OTHER, "not the JSON of BatchContentSms")
            # Begun in order, and nothing waits before it stands in the committer's queue: so the ids are in order, too.
            return await asyncio.gather(*(self._submit_item(case, values) for values in items))

        return await self._answer(call, act, judge_access)

    async def balance(self, call: Call) -> int | Refusal:
        """The account's balance in 1/1000 条."""
        return await self._answer(call, self._balance)

    async def blocked(self, call: Call) -> list[str] | Refusal:
        """The numbers blocked for the account, in E.164; those blocked for everybody are the operator's affair."""
        return await self._answer(call, self._blocked)

    async def _answer(
        self,
        call: Call,
        act: Callable[[Case], Awaitable[T | Refusal]],
        rules: Callable[[Case, float | None], Refusal | None] = judge,
    ) -> T | Refusal:
        """Rows 1 to 6, ``rules``, ``act``. What nobody foresaw is OTHER (row 20): nothing is kept, nothing charged."""
        outcome: T | Refusal
        try:
            case = Case(call, self._living.standing, self._terms, self._clock.now_ms())
            outcome = await self._gate.enter(case) or rules(case, self._since_last_s(case)) or await act(case)
        except (Overloaded, Closed) as error:
            outcome = Refusal(Reject.OTHER, type(error).__name__.lower())
        except Exception as error:
            log.exception("a call failed", operation=call.operation.name, address=call.address)
            outcome = Refusal(Reject.OTHER, type(error).__name__)
        if isinstance(outcome, Refusal):
            self._refusals.note(call, outcome)
        return outcome

    async def _submit_item(self, whole: Case, values: Mapping[str, str]) -> Accepted | Refusal:
        """One message of a call that has passed the gate; what goes wrong with it is its own affair."""
        call = replace(whole.call, values={**whole.call.values, **values})
        case = replace(whole, call=call)
        try:
            outcome = judge_message(case) or await self._submit(case)
        except Exception as error:
            log.warning("a message of a call failed", operation=call.operation.name, error=repr(error))
            outcome = Refusal(Reject.OTHER, type(error).__name__)
        if isinstance(outcome, Refusal):
            self._refusals.note(call, outcome)
        return outcome

    async def _submit(self, case: Case) -> Accepted | Refusal:
        admitted = admit(case)
        outcome = await self._database.write(Turn.ACCEPT, accept, admitted, rows=len(admitted.recipients) + 3)
        if isinstance(outcome, Refusal):
            return outcome
        self._accepted(admitted)
        return Accepted(outcome, case.known_account.batch_send_id)

    async def _balance(self, case: Case) -> int:
        account_id = case.known_account.id
        with self._interval_started(case):
            return await self._database.read(lambda connection: balance_of(connection, account_id))

    async def _blocked(self, case: Case) -> list[str]:
        with self._interval_started(case):
            return sorted(case.standing.numbers.by_account.get(case.known_account.id, ()))

    @contextmanager
    def _interval_started(self, case: Case) -> Iterator[None]:
        """The interval of row 9 starts with a call that is answered; one that fails after all gives it back."""
        account_id, operation = case.known_account.id, case.call.operation.name
        former_s = self._intervals.start(account_id, operation, self._clock.monotonic_s())
        try:
            yield
        except BaseException:
            self._intervals.restore(account_id, operation, former_s)
            raise

    def _since_last_s(self, case: Case) -> float | None:
        operation = case.call.operation
        if operation.pace is Pace.NONE:
            return None
        return self._intervals.since(case.known_account.id, operation.name, self._clock.monotonic_s())

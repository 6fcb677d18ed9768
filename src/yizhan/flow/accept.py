"""Accept: a client's call, from the gate to the commit. What is answered as a success is durable before it is said."""

from collections.abc import Awaitable, Callable

from yizhan.flow.gate import Gate
from yizhan.flow.living import Living
from yizhan.flow.refusals import RefusalLog
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.call import Call
from yizhan.model.operation import Pace
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Admitted
from yizhan.policy.admission import admit, judge
from yizhan.policy.case import Case, Terms
from yizhan.policy.throttle import Intervals
from yizhan.store.accept import accept
from yizhan.store.accounts import balance_of
from yizhan.store.committer import Closed, Overloaded, Turn
from yizhan.store.database import Database

log = get_logger("accept")


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

    async def submit(self, call: Call) -> int | Refusal:
        """Check, charge and store a call's message: the submission id that the client sees, once committed."""
        return await self._answer(call, self._submit)

    async def balance(self, call: Call) -> int | Refusal:
        """The account's balance in 1/1000 条."""
        return await self._answer(call, self._balance)

    async def _answer(self, call: Call, act: Callable[[Case], Awaitable[int | Refusal]]) -> int | Refusal:
        """Rows 1 to 18, then ``act``. What nobody foresaw is OTHER (row 20): nothing is kept and nothing charged."""
        try:
            case = Case(call, self._living.standing, self._terms, self._clock.now_ms())
            outcome = await self._gate.enter(case) or judge(case, self._since_last_s(case)) or await act(case)
        except (Overloaded, Closed) as error:
            outcome = Refusal(Reject.OTHER, type(error).__name__.lower())
        except Exception as error:
            log.exception("a call failed", operation=call.operation.name, address=call.address)
            outcome = Refusal(Reject.OTHER, type(error).__name__)
        if isinstance(outcome, Refusal):
            self._refusals.note(call, outcome)
        return outcome

    async def _submit(self, case: Case) -> int | Refusal:
        admitted = admit(case)
        outcome = await self._database.write(Turn.ACCEPT, accept, admitted, rows=len(admitted.recipients) + 3)
        if isinstance(outcome, int):
            self._accepted(admitted)
        return outcome

    async def _balance(self, case: Case) -> int:
        """The interval of row 9 starts with a call that is answered; one that fails after all gives it back."""
        account_id, operation = case.known_account.id, case.call.operation.name
        former_s = self._intervals.start(account_id, operation, self._clock.monotonic_s())
        try:
            return await self._database.read(lambda connection: balance_of(connection, account_id))
        except BaseException:
            self._intervals.restore(account_id, operation, former_s)
            raise

    def _since_last_s(self, case: Case) -> float | None:
        operation = case.call.operation
        if operation.pace is Pace.NONE:
            return None
        return self._intervals.since(case.known_account.id, operation.name, self._clock.monotonic_s())

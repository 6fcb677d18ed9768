"""The desk: what every call of a client goes through before it is acted upon, whatever it asks for."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from yizhan.flow.gate import Gate
from yizhan.flow.living import Living
from yizhan.flow.meter import Meter
from yizhan.flow.refusals import RefusalLog
from yizhan.flow.trail import Trail
from yizhan.kit.clock import Clock
from yizhan.kit.log import get_logger
from yizhan.model.call import Call
from yizhan.model.operation import Pace
from yizhan.model.reject import Refusal, Reject
from yizhan.policy.admission import interval_of, judge, judge_stranger
from yizhan.policy.case import Case, Terms
from yizhan.policy.throttle import Intervals
from yizhan.store.committer import Closed, Overloaded, Turn
from yizhan.store.database import Database
from yizhan.store.paces import Start, restore_intervals, start_intervals
from yizhan.store.writer import Away

log = get_logger("desk")
T = TypeVar("T")
Rules = Callable[[Case], Refusal | None]


class Desk:
    """What all calls share: the gate, the rules, the intervals, the list of refusals."""

    def __init__(
        self,
        *,
        database: Database,
        living: Living,
        gate: Gate,
        refusals: RefusalLog,
        terms: Terms,
        clock: Clock,
        meter: Meter,
        trail: Trail | None = None,
    ) -> None:
        self._database = database
        self._living = living
        self._gate = gate
        self._refusals = refusals
        self._terms = terms
        self._clock = clock
        self._meter = meter
        self._trail = trail
        self._intervals = Intervals()

    def _answer(
        self, call: Call, act: Callable[[Case], Awaitable[T | Refusal]], rules: Rules = judge
    ) -> Coroutine[Any, Any, T | Refusal]:
        """Rows 1 to 6, ``rules``, ``act``. What nobody foresaw is OTHER (row 20): nothing is kept, nothing charged."""
        return self._guarded(call, self._judged(self._case(call), act, rules))

    async def _judged(self, case: Case, act: Callable[[Case], Awaitable[T | Refusal]], rules: Rules) -> T | Refusal:
        refusal = await self._gate.enter(case)
        if refusal is not None:
            return refusal
        if case.call.operation.pace is not Pace.NONE:
            case.since_last_s = self._since_last_s(case)
        return rules(case) or await act(case)

    async def _answer_stranger(self, call: Call, act: Callable[[Case], Awaitable[T | Refusal]]) -> T | Refusal:
        """Row 1 and ``act``, for a call that no account makes."""
        case = self._case(call)

        async def answer() -> T | Refusal:
            return judge_stranger(case) or await act(case)

        return await self._guarded(call, answer())

    def _case(self, call: Call) -> Case:
        return Case(call, self._living.standing, self._terms, self._clock.now_ms())

    async def _guarded(self, call: Call, answer: Awaitable[T | Refusal]) -> T | Refusal:
        """``answer`` to ``call``, where every failure of ours is a refusal too, and every refusal is noted."""
        outcome: T | Refusal
        begun_s = self._clock.monotonic_s()
        try:
            outcome = await answer
        except (Overloaded, Closed, Away) as error:
            outcome = Refusal(Reject.OTHER, type(error).__name__.lower())
        except Exception as error:
            account = call.account if call.account in self._living.standing.accounts else None
            log.exception("a call failed", operation=call.operation.name, account=account, address=call.address)
            outcome = Refusal(Reject.OTHER, type(error).__name__)
        refusal = outcome if isinstance(outcome, Refusal) else None
        if refusal is not None:
            self._refusals.note(call, refusal)
        took_s = self._clock.monotonic_s() - begun_s
        self._meter.called(call, took_s, refusal)
        if self._trail is not None:
            self._trail.called(call, took_s, outcome)
        return outcome

    async def _in_interval(self, case: Case, act: Callable[[], Awaitable[T]]) -> T | Refusal:
        """``act`` for a call with an interval (row 9); one that is not answered after all gives it back."""
        give_back = await self._start_interval(case)
        if isinstance(give_back, Refusal):
            return give_back
        try:
            return await act()
        except BaseException:
            give_back()
            raise

    async def _start_interval(self, case: Case) -> Callable[[], None] | Refusal:
        """The interval of row 9 starts, at all nodes; gives what undoes that, for a call that is not answered.

        Refused when another node has answered such a call too lately; of this one's calls the rules have judged.
        """
        account_id, operation = case.known_account.id, case.call.operation.name
        started_s = self._clock.monotonic_s()
        former_s = self._intervals.start(account_id, operation, started_s)

        def forget() -> None:
            self._intervals.restore(account_id, operation, started_s, former_s)

        interval_s = interval_of(case)
        if not self._database.shared or interval_s <= 0:
            return forget
        start = Start(account_id, operation, int(interval_s * 1000))
        try:
            started = await self._database.write(Turn.CARE, start_intervals, start)
        except BaseException:
            forget()
            raise
        if started.too_soon_ms is not None:
            forget()
            return Refusal(Reject.TOO_SOON, f"{started.too_soon_ms / 1000:.1f} s")

        def give_back() -> None:
            forget()
            try:
                self._database.write(Turn.CARE, restore_intervals, (start, started)).add_done_callback(_note_failure)
            except (Overloaded, Closed) as error:
                log.warning("an interval has to end by itself", error=repr(error))

        return give_back

    def _since_last_s(self, case: Case) -> float | None:
        account_id, operation = case.known_account.id, case.call.operation.name
        return self._intervals.since(account_id, operation, self._clock.monotonic_s())


def _note_failure(done: "asyncio.Future[None]") -> None:
    if not done.cancelled() and (error := done.exception()):
        log.warning("an interval has to end by itself", error=repr(error))

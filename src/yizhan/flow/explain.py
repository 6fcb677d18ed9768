"""Explain: what would become of a message, by the same rules, without anything being kept, charged or sent."""

from collections.abc import Mapping
from functools import partial

from yizhan.flow.ask import Ask
from yizhan.flow.living import Living
from yizhan.flow.office import NotFound
from yizhan.kit.clock import Clock
from yizhan.model.call import Call, Transport
from yizhan.model.message import State
from yizhan.model.money import as_number
from yizhan.model.operation import Operation, find_operation
from yizhan.model.reject import Refusal, Reject
from yizhan.model.submission import Admitted
from yizhan.model.views import ExplainedNumber, Explanation
from yizhan.policy.admission import account_disabled, judge_message
from yizhan.policy.admit import admit
from yizhan.policy.case import Case, Terms
from yizhan.policy.numbers import doubled_numbers
from yizhan.store.accounts import balance_of
from yizhan.store.database import Database
from yizhan.wire.codes import code_of

_MOST_ROUTES = 20  # of one answer; more numbers go where the first ones of their kind do


class Explain:
    """Asks what ``flow.accept`` asks, but for who calls, from where and how often: rows 7 and 10 to 19."""

    def __init__(self, database: Database, living: Living, terms: Terms, ask: Ask, clock: Clock) -> None:
        self._database = database
        self._living = living
        self._terms = terms
        self._ask = ask
        self._clock = clock

    async def explain(self, corp_id: str, operation: str, values: Mapping[str, str]) -> Explanation:
        """``values`` are the call's, under lower-case names: mobile, content, cell, sendtime.

        NotFound for an account that there is not, ValueError for an operation that sends nothing.
        """
        known = find_operation(operation)
        if known is None or not known.submits or "Mobile" not in known.parameters:
            raise ValueError(f"not an operation that sends a text to numbers: {operation[:32]!r}")
        standing = self._living.standing
        account = standing.accounts.get(corp_id)
        if account is None:
            raise NotFound(f"no account {corp_id}")
        call = Call(known, {**values, known.login[0]: corp_id}, "127.0.0.1", Transport.ASPX)
        case = Case(call, standing, self._terms, self._clock.now_ms())
        balance_milli = await self._database.read(partial(balance_of, account_id=account.id))
        refusal = account_disabled(case) or judge_message(case)
        admitted = admit(case) if case.signed else None
        if refusal is None and admitted is not None and admitted.price_milli > balance_milli:
            refusal = Refusal(Reject.BALANCE_TOO_LOW, f"price {as_number(admitted.price_milli)}")
        return await self._tell(case, known, refusal, admitted, balance_milli)

    async def _tell(
        self, case: Case, operation: Operation, refusal: Refusal | None, admitted: Admitted | None, balance_milli: int
    ) -> Explanation:
        numbers = _numbers(admitted) if admitted else []
        sent = [one.number for one in numbers if one.number is not None and one.state not in _NOT_SENT]
        name, text = case.call.account, case.content
        return Explanation(
            account=name,
            operation=operation.name,
            accepted=refusal is None,
            code=None if refusal is None else code_of(refusal.reject, operation),
            reject=None if refusal is None else refusal.reject.value,
            hit="" if refusal is None else refusal.hit,
            text=admitted.text if admitted else None,
            encoding=admitted.encoding.value if admitted else None,
            parts=admitted.parts if admitted else None,
            signature=admitted.signature.value if admitted else None,
            lane=admitted.lane.name.lower() if admitted else None,
            price=as_number(admitted.price_milli) if admitted else None,
            balance=as_number(balance_milli),
            keywords=case.standing.keywords.hits(text),
            numbers=numbers,
            doubled=doubled_numbers(case.call.value("mobile"), self._terms.policy.max_numbers),
            too_many_numbers=case.numbers.too_many,
            routes=[await self._ask.explain_route(number, name, text) for number in sent[:_MOST_ROUTES]],
        )


_NOT_SENT = (State.BLOCKED.word, State.INVALID.word)


def _numbers(admitted: Admitted) -> list[ExplainedNumber]:
    return [
        ExplainedNumber(
            written=one.written,
            number=None if one.state is State.INVALID else one.number,
            state=one.state.word,
            price=as_number(one.price_milli),
        )
        for one in admitted.recipients
    ]

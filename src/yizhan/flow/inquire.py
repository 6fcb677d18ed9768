"""Inquire: what a client asks about its account."""

from yizhan.flow.desk import Desk
from yizhan.model.call import Call
from yizhan.model.reject import Refusal
from yizhan.policy.case import Case
from yizhan.store.accounts import balance_of


class Inquiring(Desk):
    """The calls that ask and take nothing."""

    async def balance(self, call: Call) -> int | Refusal:
        """The account's balance in 1/1000 条."""
        return await self._answer(call, self._balance)

    async def blocked(self, call: Call) -> list[str] | Refusal:
        """The numbers blocked for the account, in E.164; those blocked for everybody are the operator's affair."""
        return await self._answer(call, self._blocked)

    async def _balance(self, case: Case) -> int | Refusal:
        account_id = case.known_account.id
        return await self._in_interval(
            case, lambda: self._database.read(lambda session: balance_of(session, account_id))
        )

    async def _blocked(self, case: Case) -> list[str] | Refusal:
        async def look() -> list[str]:
            return sorted(case.standing.numbers.by_account.get(case.known_account.id, ()))

        return await self._in_interval(case, look)

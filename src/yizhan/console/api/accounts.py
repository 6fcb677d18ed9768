"""Admin API: accounts and the ledger."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from yizhan.console.api.bodies import AccountChange, Limit, NewAccount, NewCards, Part, ProfileChange, Topup
from yizhan.console.api.document import errors
from yizhan.console.api.once import SECRET
from yizhan.console.api.paging import Before, Next
from yizhan.console.desk import Actor, Own
from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.model.account import Profile
from yizhan.model.money import to_milli
from yizhan.model.views import AccountView, CardView, LedgerCheck, LedgerView, NewCard


def account_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/accounts``: make, read and change accounts. A name may hold a slash, so it takes the path's ``:path``."""
    router = APIRouter(prefix="/accounts", tags=["accounts"])

    @router.get("")
    async def list_accounts(
        onward: Next,
        search: Annotated[Part, Query()] = "",
        after: Annotated[Part, Query(description="The last name of the page above: the page below it.")] = "",
        limit: Annotated[Limit | None, Query()] = None,
    ) -> Sequence[AccountView]:
        found = await ask.accounts(search, after, limit)
        return found if limit is None else onward.behind(found, limit, cursor="after", key="account")

    @router.post("", status_code=201, responses=errors(409))
    async def add_account(body: NewAccount, actor: Actor) -> AccountView:
        password_md5 = body.md5_hex()
        assert password_md5 is not None  # noqa: S101  the model requires one
        return await operate.add_account(
            actor,
            body.account,
            password_md5=password_md5,
            credit_milli=to_milli(body.credit),
            lane=body.lane,
            signature_rule=body.signature_rule,
            signature=body.signature,
            allow_ips=body.allow_ips,
            extension=body.extension,
            opt_out=body.opt_out,
            agent=body.agent,
        )

    @router.get("/{account:path}/profile", responses=errors(404))
    async def show_profile(account: str) -> Profile:
        return await ask.profile(account)

    @router.patch("/{account:path}/profile", responses=errors(404))
    async def set_profile(account: str, body: ProfileChange, actor: Actor) -> Profile:
        return await operate.set_profile(actor, account, body.model_dump(exclude_none=True))

    @router.get("/{account:path}", responses=errors(404))
    async def show_account(account: str, own: Own) -> AccountView:
        return await ask.account(own.account(account))

    @router.patch("/{account:path}", responses=errors(404, 409))
    async def set_account(account: str, body: AccountChange, actor: Actor) -> AccountView:
        return await operate.set_account(
            actor,
            account,
            password_md5=body.md5_hex(),
            lane=body.lane,
            signature_rule=body.signature_rule,
            signature=body.signature,
            allow_ips=body.allow_ips,
            batch_send_id=body.batch_send_id,
            extension=body.extension,
            opt_out=body.opt_out,
            agent=body.agent,
        )

    @router.post("/{account:path}/topup", responses=errors(404, 409))
    async def topup(account: str, body: Topup, actor: Actor) -> AccountView:
        return await operate.topup(actor, account, to_milli(body.amount), body.note)

    @router.post("/{account:path}/enable", responses=errors(404))
    async def enable(account: str, actor: Actor) -> AccountView:
        return await operate.enable_account(actor, account)

    @router.post("/{account:path}/disable", responses=errors(404))
    async def disable(account: str, actor: Actor) -> AccountView:
        return await operate.disable_account(actor, account)

    return router


def ledger_router(ask: Ask) -> APIRouter:
    """``/ledger``: entries, newest first, and the check of the whole."""
    router = APIRouter(prefix="/ledger", tags=["ledger"])

    @router.get("", responses=errors(404))
    async def list_entries(
        own: Own,
        onward: Next,
        account: str | None = None,
        limit: Annotated[Limit, Query()] = 50,
        before: Before = None,
    ) -> Sequence[LedgerView]:
        return onward.behind(await ask.ledger(own.only(account), limit, before), limit)

    @router.get("/check")
    async def verify() -> LedgerCheck:
        return await ask.verify_ledger()

    return router


def card_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/cards``: recharge cards."""
    router = APIRouter(prefix="/cards", tags=["accounts"])

    @router.get("")
    async def list_cards(
        onward: Next,
        *,
        used: bool | None = None,
        search: Annotated[Part, Query(description="Digits that the numbers have in them.")] = "",
        limit: Annotated[Limit, Query()] = 50,
        before: Annotated[str | None, Query(description="The number of the last card of the page above.")] = None,
    ) -> Sequence[CardView]:
        return onward.behind(await ask.cards(used, limit, before, search), limit, key="number")

    @router.post("", status_code=201, dependencies=[SECRET])
    async def create(body: NewCards, actor: Actor) -> list[NewCard]:
        return await operate.create_cards(actor, body.count, to_milli(body.credit))

    return router

"""Admin API: forbidden keywords, blocked addresses, blocked numbers."""

from typing import Annotated

from fastapi import APIRouter, Query

from yizhan.console.api.bodies import AddressBlock, KeywordList, Limit, NumberBlock, Part, TextToTest
from yizhan.console.api.document import errors
from yizhan.console.api.paging import Next
from yizhan.console.desk import Actor
from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.kit.clock import Clock
from yizhan.model.views import AddressView, KeywordHit, NumberView


def keyword_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/keywords``."""
    router = APIRouter(prefix="/keywords", tags=["lists"])

    @router.get("")
    async def list_keywords(
        onward: Next,
        search: Annotated[Part, Query()] = "",
        after: Annotated[Part, Query(description="The last word of the page above: the page below it.")] = "",
        limit: Annotated[Limit | None, Query()] = None,
    ) -> list[str]:
        found = await ask.keywords(search, after, limit)
        if len(found) == limit:
            onward.at(after=found[-1])
        return found

    @router.post("")
    async def add_keywords(body: KeywordList, actor: Actor) -> dict[str, int]:
        return {"added": await operate.add_keywords(actor, body.words)}

    # DELETE has no body by HTTP's rules, and a URL is no place for a list of words.
    @router.post("/remove")
    async def remove_keywords(body: KeywordList, actor: Actor) -> dict[str, int]:
        return {"removed": await operate.remove_keywords(actor, body.words)}

    @router.post("/test")
    async def test_text(body: TextToTest) -> list[KeywordHit]:
        return await ask.test_keywords(body.text)

    return router


def address_router(operate: Operate, ask: Ask, clock: Clock) -> APIRouter:
    """``/addresses``: the IP blacklist."""
    router = APIRouter(prefix="/addresses", tags=["lists"])

    @router.get("")
    async def list_addresses() -> list[AddressView]:
        return await ask.addresses()

    @router.post("", status_code=201)
    async def block(body: AddressBlock, actor: Actor) -> AddressView:
        until_ms = None if body.minutes is None else clock.now_ms() + int(body.minutes * 60_000)
        return await operate.block_address(actor, body.network, reason=body.reason, until_ms=until_ms)

    @router.delete("", status_code=204, responses=errors(404))
    async def unblock(network: str, actor: Actor) -> None:
        await operate.unblock_address(actor, network)

    return router


def number_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/numbers``: numbers that get nothing, from one account or from everybody."""
    router = APIRouter(prefix="/numbers", tags=["lists"])

    @router.get("", responses=errors(404))
    async def list_numbers(
        *,
        onward: Next,
        account: str | None = None,
        search: Annotated[Part, Query(description="Digits that the numbers have in them.")] = "",
        after: Annotated[Part, Query(description="The last number of the page above, with:")] = "",
        after_account: Annotated[str, Query(description="The account that it is blocked for; empty: everybody.")] = "",
        limit: Annotated[Limit | None, Query()] = None,
    ) -> list[NumberView]:
        behind = (after_account or None, after) if after else None
        found = await ask.numbers(account, part=search, after=behind, limit=limit)
        if len(found) == limit:
            onward.at(after=found[-1].number, after_account=found[-1].account or "")
        return found

    @router.post("", status_code=201, responses=errors(404))
    async def block(body: NumberBlock, actor: Actor) -> NumberView:
        return await operate.block_number(actor, body.number, corp_id=body.account, reason=body.reason)

    @router.delete("", status_code=204, responses=errors(404))
    async def unblock(number: str, actor: Actor, account: str | None = None) -> None:
        await operate.unblock_number(actor, number, corp_id=account)

    return router

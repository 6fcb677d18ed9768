"""Admin API: channels, their traces, and the routes between messages and them."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from yizhan.console.api.bodies import ChannelChanges, NewChannel, NewRoute, RouteMove, RowId
from yizhan.console.api.document import errors
from yizhan.console.desk import Actor
from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.model.views import ChannelCard, ChannelView, RouteExplained, RouteView, TestStep, TracedPdu


def channel_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/channels``."""
    router = APIRouter(prefix="/channels", tags=["channels"])

    @router.get("")
    async def list_channels() -> list[ChannelView]:
        return await ask.channels()

    @router.post("", status_code=201, responses=errors(409))
    async def add(body: NewChannel, actor: Actor) -> ChannelCard:
        await operate.add_channel(actor, {**body.settings, "name": body.name})
        return await ask.channel(body.name)

    @router.get("/{name}", responses=errors(404))
    async def show(name: str) -> ChannelCard:
        return await ask.channel(name)

    @router.patch("/{name}", responses=errors(404, 409))
    async def change(name: str, body: ChannelChanges, actor: Actor) -> ChannelCard:
        await operate.set_channel(actor, name, body.settings)
        return await ask.channel(name)

    @router.delete("/{name}", status_code=204, responses=errors(404, 409))
    async def remove(name: str, actor: Actor) -> None:
        await operate.remove_channel(actor, name)

    @router.post("/{name}/pause", responses=errors(404, 409))
    async def pause(name: str, actor: Actor) -> ChannelCard:
        await operate.pause_channel(actor, name)
        return await ask.channel(name)

    @router.post("/{name}/resume", responses=errors(404, 409))
    async def resume(name: str, actor: Actor) -> ChannelCard:
        await operate.resume_channel(actor, name)
        return await ask.channel(name)

    @router.post("/{name}/test", responses=errors(404, 409))
    async def test(name: str) -> list[TestStep]:
        return await ask.try_channel(name)

    @router.get("/{name}/trace", responses=errors(404))
    async def trace(
        name: str,
        *,
        after: Annotated[int, Query(ge=0)] = 0,
        number: Annotated[str | None, Query(max_length=32)] = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
        clear: bool = False,
    ) -> list[TracedPdu]:
        return await ask.trace(name, after, number, limit, clear=clear)

    return router


def route_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/routes``: rules by position; the first that matches decides."""
    router = APIRouter(prefix="/routes", tags=["channels"])

    @router.get("")
    async def list_routes() -> list[RouteView]:
        return await ask.routes()

    @router.post("", status_code=201, responses=errors(404))
    async def add(body: NewRoute, actor: Actor) -> RouteView:
        return await operate.add_route(
            actor,
            body.tiers,
            corp_id=body.account,
            prefix=body.prefix,
            country=body.country,
            network=body.network,
            text_class=body.text_class,
            position=body.position,
            note=body.note,
        )

    @router.get("/explain", responses=errors(404))
    async def explain(to: str, account: str, text: str = "") -> RouteExplained:
        return await ask.explain_route(to, account, text)

    @router.post("/{id}/move", status_code=204, responses=errors(404))
    async def move(id: Annotated[RowId, Path()], body: RouteMove, actor: Actor) -> None:
        await operate.move_route(actor, id, body.position)

    # ":int", since "explain" is none: whoever deletes that is told that it is the wrong method.
    @router.delete("/{id:int}", status_code=204, responses=errors(404))
    async def remove(id: Annotated[RowId, Path()], actor: Actor) -> None:
        await operate.remove_route(actor, id)

    return router

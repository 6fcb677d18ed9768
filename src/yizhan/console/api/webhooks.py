"""Admin API: webhooks, and the events that wait for them."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from yizhan.console.api.bodies import Limit, NewWebhook, Replay, RowId
from yizhan.console.api.document import errors
from yizhan.console.api.once import SECRET
from yizhan.console.api.paging import Next
from yizhan.console.desk import Actor
from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.model.views import PushView, WebhookView


def webhook_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/webhooks``."""
    router = APIRouter(prefix="/webhooks", tags=["webhooks"])

    @router.get("")
    async def list_webhooks() -> list[WebhookView]:
        return await ask.webhooks()

    @router.put("", responses=errors(404), dependencies=[SECRET])
    async def set_webhook(body: NewWebhook, actor: Actor) -> dict[str, Any]:
        view, secret = await operate.set_webhook(actor, body.account, body.url, body.secret)
        return {"account": view.account, "url": view.url, "secret": secret}

    @router.delete("", status_code=204, responses=errors(404))
    async def remove(account: str, actor: Actor) -> None:
        await operate.remove_webhook(actor, account)

    @router.get("/events", responses=errors(404))
    async def list_events(
        onward: Next,
        account: str | None = None,
        parked: bool | None = None,
        limit: Annotated[Limit, Query()] = 50,
        after: Annotated[
            RowId | None, Query(description="The id of the last event of the page above: these come oldest first.")
        ] = None,
    ) -> Sequence[PushView]:
        return onward.behind(await ask.pushes(account, parked, limit, after), limit, "after")

    @router.post("/replay", responses=errors(404))
    async def replay(body: Replay, actor: Actor) -> dict[str, int]:
        return {"replayed": await operate.replay_pushes(actor, corp_id=body.account, push_id=body.event)}

    return router

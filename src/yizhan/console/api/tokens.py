"""Admin API: tokens, for callers over the network."""

from fastapi import APIRouter

from yizhan.console.api.bodies import TokenWish
from yizhan.console.api.document import errors
from yizhan.console.api.once import SECRET
from yizhan.console.desk import Actor
from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.kit.clock import to_ms
from yizhan.model.views import NewToken, TokenView


def token_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/tokens``."""
    router = APIRouter(prefix="/tokens", tags=["tokens"])

    @router.get("")
    async def list_tokens() -> list[TokenView]:
        return await ask.tokens()

    @router.post("", status_code=201, responses=errors(404, 409), dependencies=[SECRET])
    async def create_token(body: TokenWish, actor: Actor) -> NewToken:
        until_ms = None if body.until is None else to_ms(body.until)
        return await operate.create_token(actor, body.name, body.role, body.account, until_ms)

    @router.delete("/{name}", status_code=204, responses=errors(404))
    async def revoke_token(name: str, actor: Actor) -> None:
        await operate.revoke_token(actor, name)

    return router

"""Admin API: people, who log in at the console."""

from fastapi import APIRouter

from yizhan.console.api.bodies import NewPassword, NewPerson
from yizhan.console.api.document import errors
from yizhan.console.desk import Actor
from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.model.views import PersonView


def people_router(operate: Operate, ask: Ask) -> APIRouter:
    """``/people``."""
    router = APIRouter(prefix="/people", tags=["people"])

    @router.get("")
    async def list_people() -> list[PersonView]:
        return await ask.people()

    @router.post("", status_code=201, responses=errors(404, 409))
    async def add_person(body: NewPerson, actor: Actor) -> PersonView:
        await operate.add_person(actor, body.name, body.password, body.role, body.account)
        return await ask.person(body.name)

    @router.put("/{name}/password", status_code=204, responses=errors(404))
    async def set_password(name: str, body: NewPassword, actor: Actor) -> None:
        await operate.set_person_password(actor, name, body.password)

    @router.post("/{name}/disable", status_code=204, responses=errors(404))
    async def disable(name: str, actor: Actor) -> None:
        await operate.disable_person(actor, name)

    @router.post("/{name}/enable", status_code=204, responses=errors(404))
    async def enable(name: str, actor: Actor) -> None:
        await operate.enable_person(actor, name)

    @router.delete("/{name}/second-factor", status_code=204, responses=errors(404))
    async def turn_second_factor_off(name: str, actor: Actor) -> None:
        await operate.turn_second_factor_off(actor, name)

    @router.delete("/{name}", status_code=204, responses=errors(404))
    async def remove(name: str, actor: Actor) -> None:
        await operate.remove_person(actor, name)

    return router

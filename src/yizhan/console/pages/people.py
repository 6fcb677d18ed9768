"""Who may log in, and who may call the admin API."""

from datetime import datetime
from typing import Any

from starlette.responses import Response

from yizhan.console.api.bodies import NewPerson, TokenWish
from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.frame import Frame, go
from yizhan.console.pages.mistake import Mistake, told
from yizhan.console.pages.paging import cut
from yizhan.flow.ask import Ask
from yizhan.flow.operate import Operate
from yizhan.kit.clock import BEIJING
from yizhan.kit.password import new_password
from yizhan.model.access import Role

_ONE = "/people/{name}"
_ROLES = [(role.value, f"role_{role.value}") for role in Role]
_MISTAKES = {
    "a name has 1 to 32": "bad_name",
    "a name has 1 to 64": "peo_bad_token_name",
    "name: ": "bad_name",
    "a password has": "too_short",
    "a customer has": "peo_customer_account",
    "no account": "rul_no_account",
    "there is a person": "peo_taken",
    "there is a token": "peo_token_taken",
    "it would be over": "peo_over",
    "Invalid isoformat": "peo_over",
}


class PeopleRoom:
    """``/people`` and ``/tokens``."""

    def __init__(self, frame: Frame, operate: Operate, ask: Ask) -> None:
        self._frame = frame
        self._operate = operate
        self._ask = ask

    def pages(self) -> list[Page]:
        """All of them."""
        return [
            Page("/people", self._people, ("GET", "/people"), ("POST", "/people")),
            Page(f"{_ONE}/password", self._set_password, None, ("PUT", f"{_ONE}/password")),
            Page(f"{_ONE}/disable", self._disable, None, ("POST", f"{_ONE}/disable")),
            Page(f"{_ONE}/enable", self._enable, None, ("POST", f"{_ONE}/enable")),
            Page(f"{_ONE}/second-factor-off", self._turn_off, None, ("DELETE", f"{_ONE}/second-factor")),
            Page(f"{_ONE}/remove", self._remove, None, ("DELETE", _ONE)),
            Page(_ONE, self._person, ("GET", "/people")),
            Page("/tokens", self._tokens, ("GET", "/tokens"), ("POST", "/tokens")),
            Page("/tokens/{name}/revoke", self._revoke, None, ("DELETE", "/tokens/{name}")),
        ]

    async def _people(self, call: Call) -> Response:
        if not call.is_change:
            return await self._list(call)
        password = call.raw("password")
        made = "" if password else new_password()
        try:
            wish = NewPerson.model_validate({**_who(call), "password": password or made})
            await self._operate.add_person(call.actor, wish.name, wish.password, wish.role, wish.account)
        except Mistake as error:
            return await self._list(call, **told(error, _MISTAKES))
        return await self._show(call, wish.name, password=made) if made else go(f"/people/{wish.name}", "saved")

    async def _list(self, call: Call, **more: Any) -> Response:
        part, after = call.asked("search") or "", call.asked("after") or ""
        people = [
            one for one in await self._ask.people() if one.name > after and part in f"{one.name} {one.account or ''}"
        ]
        found, last = cut(people)
        return self._frame.show(
            call,
            "people/list",
            "people",
            people=found,
            search=part,
            further=None if last is None else {"search": part, "after": last.name},
            typed={name: call.field(name) for name in ("name", "role", "account")},
            roles=_ROLES,
            **more,
        )

    async def _person(self, call: Call) -> Response:
        return await self._show(call, call.request.path_params["name"])

    async def _show(self, call: Call, name: str, password: str = "", **more: Any) -> Response:
        person = await self._ask.person(name)
        return self._frame.show(call, "people/show", "person", about=name, person=person, password=password, **more)

    async def _set_password(self, call: Call) -> Response:
        name, password = call.request.path_params["name"], call.raw("password")
        made = "" if password else new_password()
        try:
            await self._operate.set_person_password(call.actor, name, password or made)
        except ValueError as error:
            return await self._show(call, name, **told(error, _MISTAKES))
        return await self._show(call, name, password=made) if made else go(f"/people/{name}", "saved")

    async def _disable(self, call: Call) -> Response:
        name = call.request.path_params["name"]
        await self._operate.disable_person(call.actor, name)
        return go(f"/people/{name}", "saved")

    async def _enable(self, call: Call) -> Response:
        name = call.request.path_params["name"]
        await self._operate.enable_person(call.actor, name)
        return go(f"/people/{name}", "saved")

    async def _turn_off(self, call: Call) -> Response:
        name = call.request.path_params["name"]
        await self._operate.turn_second_factor_off(call.actor, name)
        return go(f"/people/{name}", "second_factor_off")

    async def _remove(self, call: Call) -> Response:
        await self._operate.remove_person(call.actor, call.request.path_params["name"])
        return go("/people", "removed")

    async def _tokens(self, call: Call) -> Response:
        if not call.is_change:
            return await self._list_tokens(call)
        until = call.field("until")
        try:
            at = datetime.fromisoformat(until).replace(tzinfo=BEIJING) if until else None
            wish = TokenWish.model_validate({**_who(call), "until": at})
            until_ms = None if wish.until is None else int(wish.until.timestamp() * 1000)
            made = await self._operate.create_token(call.actor, wish.name, wish.role, wish.account, until_ms)
        except Mistake as error:
            return await self._list_tokens(call, **told(error, _MISTAKES))
        return await self._list_tokens(call, made=made)

    async def _list_tokens(self, call: Call, **more: Any) -> Response:
        after = call.asked("after") or ""
        found, last = cut([one for one in await self._ask.tokens() if one.name > after])
        typed = {name: call.field(name) for name in ("name", "role", "account", "until")}
        values = {
            "tokens": found,
            "further": None if last is None else {"after": last.name},
            "typed": typed,
            "made": None,
            **more,
        }
        return self._frame.show(call, "people/tokens", "tokens", roles=_ROLES, **values)

    async def _revoke(self, call: Call) -> Response:
        await self._operate.revoke_token(call.actor, call.request.path_params["name"])
        return go("/tokens", "removed")


def _who(call: Call) -> dict[str, Any]:
    """Name, role and account as typed; an account counts for a customer alone."""
    role = call.field("role")
    account = call.field("account") or None
    return {"name": call.field("name"), "role": role, "account": account if role == Role.CUSTOMER else None}

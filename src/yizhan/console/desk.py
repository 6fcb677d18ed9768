"""Who is at the door: whoever reaches the unix socket is the owner; over the network it is who holds a token."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from yizhan.console.problem import problem
from yizhan.model.access import Caller, Role
from yizhan.policy.access import may_call

PREFIX = "/api/v1"
_STATE = "caller"

# Who holds this token; None: nobody.
Identify = Callable[[str], Awaitable[Caller | None]]


class Doorkeeper:
    """In front of the whole application: nobody gets in without a token."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self._app = app
        self._identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        kind, _, token = Request(scope).headers.get("authorization", "").partition(" ")
        caller = await self._identify(token.strip()) if kind.lower() == "bearer" else None
        if caller is None:
            answer = problem(401, "give a token: Authorization: Bearer yz_...")
            answer.headers["www-authenticate"] = "Bearer"
            await answer(scope, receive, send)
            return
        await self._app({**scope, "state": {**scope.get("state", {}), _STATE: caller}}, receive, send)


def caller_of(request: Request) -> Caller:
    """Who calls. On the socket he says himself what the audit log shall call him."""
    caller: Caller | None = getattr(request.state, _STATE, None)
    if caller is not None:
        return caller
    said = request.headers.get("x-yizhan-actor", "").strip()[:200]
    return Caller(said or "api", Role.ADMIN)


def check_role(request: Request) -> None:
    """403 for what the caller's role may not call."""
    caller, route = caller_of(request), request.scope["route"]
    if not may_call(caller.role, request.method, str(route.path).removeprefix(PREFIX)):
        raise HTTPException(403, f"the role {caller.role} may not do this")


class Reach:
    """Of which accounts the caller may know."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def account(self, wanted: str) -> str:
        """The account that is asked for. A customer's own, or there is none."""
        self._check(wanted)
        return wanted

    def only(self, wanted: str | None) -> str | None:
        """The account to look for: a customer's own when he names none."""
        if wanted is None:
            return self._caller.account
        self._check(wanted)
        return wanted

    def _check(self, wanted: str) -> None:
        if self._caller.account is not None and wanted != self._caller.account:
            raise HTTPException(404, f"no account {wanted}")


def _reach(request: Request) -> Reach:
    return Reach(caller_of(request))


def _actor(request: Request) -> str:
    return caller_of(request).name


Actor = Annotated[str, Depends(_actor)]
Own = Annotated[Reach, Depends(_reach)]

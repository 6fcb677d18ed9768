"""Who is at the door: whoever reaches the unix socket is the owner; over the network it is who holds a token, or has
logged in.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from yizhan.console.api.problem import problem
from yizhan.flow.operate import Conflict
from yizhan.model.access import WHOSE, Caller, Role, Visit
from yizhan.policy.access import may_call

PREFIX = "/api/v1"
_API = ("/api/", "/metrics")  # everything else is a page
_CALLER, _VISIT = "caller", "visit"
T = TypeVar("T")

SESSION_COOKIE = "yizhan_session"

# Who holds this token; None: nobody.
Identify = Callable[[str], Awaitable[Caller | None]]
# Whose session this is; None: nobody's.
Recognise = Callable[[str], Awaitable[Visit | None]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a call comes from, as far as proxies are believed."""

    address: str
    is_https: bool
    host: str  # as he calls us, with the port if he names one


class Doorkeeper:
    """In front of the whole application: nobody gets to the API without a token or a session. Everything else is the
    ``pages``', which look at the visit for themselves and have nothing of the API behind them.
    """

    def __init__(self, app: ASGIApp, identify: Identify, recognise: Recognise, pages: ASGIApp) -> None:
        self._app = app
        self._identify = identify
        self._recognise = recognise
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        request = Request(scope)
        if not scope["path"].startswith(_API):
            visit = await self._visit(request)
            _note(scope, _VISIT, visit, None if visit is None else visit.caller)
            await self._pages(scope, receive, send)
            return
        answer: JSONResponse | Caller = await self._caller(request)
        if isinstance(answer, JSONResponse):
            await answer(scope, receive, send)
        else:
            _note(scope, _CALLER, answer, answer)
            await self._app(scope, receive, send)

    async def _caller(self, request: Request) -> Caller | JSONResponse:
        """Who calls the API, or what he is told instead. A token goes before a session."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind:
            caller = await self._identify(token.strip()) if kind.lower() == "bearer" else None
        else:
            visit = await self._visit(request)
            caller = None if visit is None else visit.caller
            is_change = request.method not in ("GET", "HEAD", "OPTIONS")
            if visit is not None and visit.must_enrol:
                return problem(403, "a second factor has to be set up first, at /second-factor")
            if visit is not None and is_change and not is_own_change(visit, request.headers.get("x-csrf-token", "")):
                return problem(403, "a change by a session needs its X-CSRF-Token")
        if caller is not None:
            return caller
        refusal = problem(401, "give a token: Authorization: Bearer yz_...")
        refusal.headers["www-authenticate"] = "Bearer"
        return refusal

    async def _visit(self, request: Request) -> Visit | None:
        session = request.cookies.get(SESSION_COOKIE)
        return await self._recognise(session) if session else None


def is_own_change(visit: Visit, csrf: str) -> bool:
    """Whether a change comes with the secret that only pages of this session know."""
    return hmac.compare_digest(visit.csrf.encode(), csrf.encode())


def visit_of(request: Request) -> Visit | None:
    """Who has logged in."""
    visit: Visit | None = getattr(request.state, _VISIT, None)
    return visit


def _note(scope: Scope, name: str, value: object, caller: Caller | None) -> None:
    """What is behind knows who asks, and so does the listener that counts his streams."""
    state = scope.setdefault("state", {})
    state[name] = value
    if caller is not None:
        state[WHOSE] = caller.name


def caller_of(request: Request) -> Caller:
    """Who calls. On the socket he says himself what the audit log shall call him."""
    caller: Caller | None = getattr(request.state, _CALLER, None)
    if caller is not None:
        return caller
    said = request.headers.get("x-yizhan-actor", "").strip()[:200]
    return Caller(said or "api", Role.ADMIN)


def of_node(station: T | None) -> T:
    """What only a node has. Conflict when none runs."""
    if station is None:
        raise Conflict("this is in the configuration of a node, and none runs")
    return station


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

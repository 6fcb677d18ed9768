"""All rooms of the console under one roof, and the menu that leads to them."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request

from yizhan.console.desk import Source
from yizhan.console.pages.channels import ChannelsRoom
from yizhan.console.pages.entry import EntryRoom
from yizhan.console.pages.frame import Corridor, Door, Frame
from yizhan.console.pages.gateway import GatewayRoom
from yizhan.console.pages.home import HomeRoom
from yizhan.console.pages.messages import MessagesRoom
from yizhan.console.pages.refusals import RefusalsRoom
from yizhan.console.pages.routes import RoutesRoom
from yizhan.console.pages.trace import TraceRoom
from yizhan.flow.about import About
from yizhan.flow.ask import Ask
from yizhan.flow.explain import Explain
from yizhan.flow.login import Login
from yizhan.flow.operate import Operate
from yizhan.model.views import Overview

_MENU = (
    Corridor(
        "traffic",
        (
            Door("overview", "/"),
            Door("door_messages", "/messages", ("GET", "/messages")),
            Door("door_scheduled", "/scheduled", ("GET", "/messages")),
            Door("door_replies", "/replies", ("GET", "/replies")),
            Door("door_refusals", "/refusals", ("GET", "/refusals")),
            Door("door_explain", "/explain", ("POST", "/explain")),
        ),
    ),
    Corridor(
        "carriers",
        (
            Door("door_channels", "/channels", ("GET", "/channels")),
            Door("door_routes", "/routes", ("GET", "/routes")),
        ),
    ),
    Corridor(
        "gateway",
        (
            Door("door_nodes", "/nodes", ("GET", "/nodes")),
            Door("door_health", "/health", ("GET", "/health")),
            Door("door_audit", "/audit", ("GET", "/audit")),
            Door("door_settings", "/settings", ("GET", "/settings")),
        ),
    ),
)


def make_site(
    login: Login,
    operate: Operate,
    ask: Ask,
    *,
    explain: Explain,
    about: About,
    overview: Callable[[], Awaitable[Overview]],
    source: Callable[[Request], Source],
) -> Starlette:
    """The console as an ASGI application, for who has a session (``console.desk.Doorkeeper``) and who has none."""
    frame = Frame(source, _MENU)
    rooms = (
        EntryRoom(frame, login, operate),
        HomeRoom(frame, ask, overview),
        MessagesRoom(frame, operate, ask),
        RefusalsRoom(frame, ask),
        ChannelsRoom(frame, operate, ask),
        TraceRoom(frame, ask),
        RoutesRoom(frame, operate, ask, explain),
        GatewayRoom(frame, ask, about),
    )
    return frame.app([page for room in rooms for page in room.pages()])

"""All rooms of the console under one roof, and the menu that leads to them."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request

from yizhan.console.desk import Source
from yizhan.console.pages.entry import EntryRoom
from yizhan.console.pages.frame import Corridor, Door, Frame
from yizhan.console.pages.home import HomeRoom
from yizhan.console.pages.messages import MessagesRoom
from yizhan.console.pages.refusals import RefusalsRoom
from yizhan.flow.ask import Ask
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
        ),
    ),
)


def make_site(
    login: Login,
    operate: Operate,
    ask: Ask,
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
    )
    return frame.app([page for room in rooms for page in room.pages()])

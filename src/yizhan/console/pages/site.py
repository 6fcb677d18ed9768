"""All rooms of the console under one roof, and the menu that leads to them."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request

from yizhan.console.desk import Source
from yizhan.console.pages.entry import EntryRoom
from yizhan.console.pages.frame import Corridor, Door, Frame
from yizhan.console.pages.home import HomeRoom
from yizhan.console.pages.phones import PhonesRoom
from yizhan.flow.ask import Ask
from yizhan.flow.login import Login
from yizhan.flow.operate import Operate
from yizhan.flow.play import Play
from yizhan.model.views import Overview


def make_site(
    login: Login,
    operate: Operate,
    ask: Ask,
    overview: Callable[[], Awaitable[Overview]],
    source: Callable[[Request], Source],
    *,
    play: Play,
) -> Starlette:
    """The console as an ASGI application, for who has a session (``console.desk.Doorkeeper``) and who has none."""
    menu = (
        Corridor(
            "traffic", (Door("overview", "/"), Door("phones", "/phones", ("GET", "/inbox"), lambda: play.possible))
        ),
    )
    frame = Frame(source, menu)
    rooms = (
        EntryRoom(frame, login, operate),
        HomeRoom(frame, ask, overview),
        PhonesRoom(frame, play, ask, operate),
    )
    return frame.app([page for room in rooms for page in room.pages()])

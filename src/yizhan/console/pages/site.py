"""All rooms of the console under one roof, and the menu that leads to them."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request

from yizhan.console.desk import Source
from yizhan.console.pages.customer import MAY_READ, CustomerRoom
from yizhan.console.pages.entry import EntryRoom
from yizhan.console.pages.frame import Corridor, Door, Frame
from yizhan.console.pages.home import HomeRoom
from yizhan.console.pages.mailing import MailingRoom
from yizhan.console.pages.send import MAY_SEND, Sending, SendRoom
from yizhan.flow.ask import Ask
from yizhan.flow.login import Login
from yizhan.flow.operate import Operate
from yizhan.model.views import Overview

_MENU = (
    Corridor(
        "traffic",
        (
            Door("overview", "/"),
            Door("send", "/send", MAY_SEND),
            Door("send_file_door", "/mailings", MAY_SEND),
            Door("reports", "/reports", MAY_READ),
        ),
    ),
)


def make_site(
    login: Login,
    operate: Operate,
    ask: Ask,
    sending: Sending,
    *,
    overview: Callable[[], Awaitable[Overview]],
    source: Callable[[Request], Source],
) -> Starlette:
    """The console as an ASGI application, for who has a session (``console.desk.Doorkeeper``) and who has none."""
    frame = Frame(source, _MENU)
    customer = CustomerRoom(frame, ask)
    rooms = (
        EntryRoom(frame, login, operate),
        HomeRoom(frame, customer, overview),
        customer,
        SendRoom(frame, sending),
        MailingRoom(frame, sending),
    )
    return frame.app([page for room in rooms for page in room.pages()])

"""All rooms of the console under one roof, and the menu that leads to them."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request

from yizhan.console.desk import Source
from yizhan.console.pages.accounts import AccountRoom
from yizhan.console.pages.call import Entry
from yizhan.console.pages.channels import ChannelsRoom
from yizhan.console.pages.customer import MAY_READ, CustomerRoom
from yizhan.console.pages.entry import EntryRoom
from yizhan.console.pages.frame import Corridor, Door, Frame
from yizhan.console.pages.gateway import GatewayRoom
from yizhan.console.pages.home import HomeRoom
from yizhan.console.pages.mailing import MailingRoom
from yizhan.console.pages.messages import MessagesRoom
from yizhan.console.pages.people import PeopleRoom
from yizhan.console.pages.phones import PhonesRoom
from yizhan.console.pages.refusals import RefusalsRoom
from yizhan.console.pages.routes import RoutesRoom
from yizhan.console.pages.rules import RuleRoom
from yizhan.console.pages.second_factor import SecondFactorRoom
from yizhan.console.pages.send import MAY_SEND, Sending, SendRoom
from yizhan.console.pages.trace import TraceRoom
from yizhan.flow.about import About
from yizhan.flow.ask import Ask
from yizhan.flow.live import Live
from yizhan.flow.login import Login
from yizhan.flow.operate import Operate
from yizhan.flow.play import Play
from yizhan.kit.clock import SystemClock

_MENU = (
    Corridor(
        "traffic",
        (
            Door("overview", "/"),
            Door("send", "/send", MAY_SEND),
            Door("send_file", "/mailings", MAY_SEND),
            Door("door_messages", "/messages", ("GET", "/messages")),
            Door("door_scheduled", "/scheduled", ("GET", "/messages")),
            Door("door_replies", "/replies", ("GET", "/replies")),
            Door("reports", "/reports", MAY_READ),
            Door("door_refusals", "/refusals", ("GET", "/refusals")),
            Door("door_explain", "/explain", ("POST", "/explain")),
        ),
    ),
    Corridor(
        "customers",
        (
            Door("acc_own", "/account", Entry.CUSTOMER),
            Door("accounts", "/accounts", ("GET", "/accounts")),
            Door("cards", "/cards", ("GET", "/cards")),
        ),
    ),
    Corridor(
        "rules",
        (
            Door("keywords", "/keywords", ("GET", "/keywords")),
            Door("numbers", "/numbers", ("GET", "/numbers")),
            Door("addresses", "/addresses", ("GET", "/addresses")),
        ),
    ),
    Corridor(
        "carriers",
        (
            Door("door_channels", "/channels", ("GET", "/channels")),
            Door("door_routes", "/routes", ("GET", "/routes")),
            Door("phones", "/phones", ("GET", "/inbox")),
        ),
    ),
    Corridor(
        "gateway",
        (
            Door("people", "/people", ("GET", "/people")),
            Door("tokens", "/tokens", ("GET", "/tokens")),
            Door("door_audit", "/audit", ("GET", "/audit")),
            Door("door_health", "/health", ("GET", "/health")),
            Door("door_nodes", "/nodes", ("GET", "/nodes")),
            Door("door_settings", "/settings", ("GET", "/settings")),
        ),
    ),
)


def make_site(
    login: Login,
    operate: Operate,
    ask: Ask,
    live: Live,
    sending: Sending,
    *,
    about: About,
    source: Callable[[Request], Source],
    play: Play,
) -> Starlette:
    """The console as an ASGI application, for who has a session (``console.desk.Doorkeeper``) and who has none."""
    frame = Frame(source, _MENU, lambda path: play.possible or path != "/phones")
    customer = CustomerRoom(frame, ask)
    rooms = (
        EntryRoom(frame, login, operate),
        SecondFactorRoom(frame, login, operate),
        HomeRoom(frame, customer, login, live),
        customer,
        SendRoom(frame, sending),
        MailingRoom(frame, sending),
        MessagesRoom(frame, operate, ask),
        RefusalsRoom(frame, ask),
        AccountRoom(frame, operate, ask),
        RuleRoom(frame, operate, ask, SystemClock()),
        ChannelsRoom(frame, operate, ask),
        TraceRoom(frame, ask),
        RoutesRoom(frame, operate, ask, sending.explain),
        GatewayRoom(frame, ask, about),
        PeopleRoom(frame, operate, ask),
        PhonesRoom(frame, play),
    )
    return frame.app([page for room in rooms for page in room.pages()])

"""Routes: the rules in their order; and the dry run, which says what would become of a message."""

from collections import defaultdict
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from yizhan.console.pages.call import Call, Page
from yizhan.console.pages.cursor import id_of
from yizhan.console.pages.frame import Frame, go
from yizhan.flow.ask import Ask
from yizhan.flow.explain import Explain
from yizhan.flow.office import NotFound
from yizhan.flow.operate import Operate
from yizhan.model.operation import FAMILY
from yizhan.model.route import Network, TextClass
from yizhan.model.sentence import spoken
from yizhan.model.views import Explanation, KeywordHit, RouteExplained

_ADD = ("POST", "/routes")
_EXPLAIN, _EXPLAIN_ROUTE = ("POST", "/explain"), ("GET", "/routes/explain")
_TIERS = 5
_MOST_NUMBERS = 100
_FORM_BYTES = 65_536
_PLAIN = "IntlSend"


class RoutesRoom:
    """``/routes`` and ``/explain``."""

    def __init__(self, frame: Frame, operate: Operate, ask: Ask, explain: Explain) -> None:
        self._frame = frame
        self._operate = operate
        self._ask = ask
        self._explain = explain

    def pages(self) -> list[Page]:
        """All of them."""
        return [
            Page("/routes", self._list, ("GET", "/routes")),
            Page("/routes/new", self._add, _ADD, _ADD),
            Page("/routes/{id:key}/move", self._move, None, ("POST", "/routes/{id}/move")),
            Page("/routes/{id:key}/remove", self._remove, None, ("DELETE", "/routes/{id:int}")),
            Page("/explain", self._dry_run, _EXPLAIN, _EXPLAIN, max_bytes=_FORM_BYTES),
        ]

    async def _list(self, call: Call) -> Response:
        return self._frame.show(call, "routes/list", "door_routes", routes=await self._ask.routes())

    async def _move(self, call: Call) -> Response:
        await self._operate.move_route(call.actor, id_of(call), int(call.field("position")))
        return go("/routes", "saved")

    async def _remove(self, call: Call) -> Response:
        await self._operate.remove_route(call.actor, id_of(call))
        return go("/routes", "removed")

    async def _add(self, call: Call) -> Response:
        if not call.is_change:
            return await self._form(call)
        channels = [one.name for one in await self._ask.channels()]
        tiers: defaultdict[str, dict[str, int]] = defaultdict(dict)
        try:
            for name in channels:
                if tier := call.field(f"tier_{name}"):
                    tiers[tier][name] = int(call.field(f"weight_{name}") or 1)
            await self._operate.add_route(
                call.actor,
                [tiers[tier] for tier in sorted(tiers)],
                corp_id=call.field("account") or None,
                prefix=call.field("prefix"),
                country=call.field("country"),
                network=call.field("network"),
                text_class=call.field("text_class"),
                position=int(call.field("position") or 0),
                note=call.field("note"),
            )
        except (ValueError, NotFound) as error:
            return await self._form(call, error)
        return go("/routes", "saved")

    async def _form(self, call: Call, error: Exception | None = None) -> Response:
        """An empty one, or what was typed with what is wrong with it."""
        said, mistake, detail = spoken(error) if error else "", "", ""
        if error is not None:
            known = {"needs a channel": "route_no_channel", "no account": "route_no_account"}
            mistake = next((word for part, word in known.items() if part in said), "wrong_value_why")
            detail = said if mistake == "wrong_value_why" else ""
        return self._frame.show(
            call,
            "routes/new",
            "route_add",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if error else HTTPStatus.OK,
            mistake=mistake,
            detail=detail,
            accounts=[one.account for one in await self._ask.accounts()],
            channels=[one.name for one in await self._ask.channels()],
            networks=[one.value for one in Network],
            classes=[one.value for one in TextClass],
            tiers=range(1, _TIERS + 1),
            typed=call.field,
        )

    async def _dry_run(self, call: Call) -> Response:
        """What would become of a message. A customer asks for his own account alone."""
        only = call.reach.only(None)
        account = call.reach.account(call.field("account") or only or call.asked("account") or "")
        text, numbers = call.lines("text"), call.field("to").replace(",", " ").split()
        values: dict[str, Any] = {"explanation": None, "marked": [], "route": None}
        mistake, detail = "", ""
        if call.is_change:
            try:
                values |= await self._told(call, account, numbers, text)
            except NotFound:
                mistake = "route_no_account"
            except ValueError as error:
                mistake, detail = "wrong_value_why", spoken(error)
        return self._frame.show(
            call,
            "routes/explain",
            "door_explain",
            status=HTTPStatus.UNPROCESSABLE_ENTITY if mistake else HTTPStatus.OK,
            mistake=mistake,
            detail=detail,
            account=account,
            accounts=[] if only else [one.account for one in await self._ask.accounts()],
            to=call.field("to"),
            text=text,
            cell=call.field("cell"),
            operation=call.field("operation") or _PLAIN,
            operations=[one.name for one in FAMILY if one.submits and {"Mobile", "Content"} <= set(one.parameters)],
            **values,
        )

    async def _told(self, call: Call, account: str, numbers: Sequence[str], text: str) -> dict[str, Any]:
        wanted = {
            "mobile": ",".join(numbers[:_MOST_NUMBERS]),
            "content": text,
            "cell": call.field("cell"),
            "sendtime": "",
        }
        told = await self._explain.explain(account, call.field("operation") or _PLAIN, wanted)
        return {
            "explanation": told,
            "marked": mark(text, told.keywords),
            "routes": await self._routes_of(call, told, numbers, text),
        }

    async def _routes_of(
        self, call: Call, told: Explanation, numbers: Sequence[str], text: str
    ) -> Sequence[RouteExplained]:
        """Where the numbers would go; also of a message that is refused, if its first number is one."""
        if not call.may(*_EXPLAIN_ROUTE):
            return []
        if told.routes or not numbers:
            return told.routes
        try:
            return [await self._ask.explain_route(numbers[0], told.account, text)]
        except ValueError:
            return []


def mark(text: str, hits: Sequence[KeywordHit]) -> list[tuple[str, bool]]:
    """A text in pieces, and whether each is hit; hits that overlap are one piece."""
    pieces: list[tuple[str, bool]] = []
    at = 0
    for hit in sorted(hits, key=lambda hit: hit.start):
        if hit.end <= at:
            continue
        if hit.start > at:
            pieces.append((text[at : hit.start], False))
        pieces.append((text[max(at, hit.start) : hit.end], True))
        at = hit.end
    return [*pieces, (text[at:], False)]

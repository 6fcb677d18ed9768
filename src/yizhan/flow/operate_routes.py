"""What operators change about routes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from yizhan.flow.ask import route_view
from yizhan.flow.office import Deed, NotFound, Office
from yizhan.flow.ports import Board
from yizhan.model.route import Network, Route, TextClass
from yizhan.model.sentence import Sentence
from yizhan.model.views import RouteView
from yizhan.policy.text_class import text_class
from yizhan.store import routes
from yizhan.store.database import Session
from yizhan.store.schema import FIRST_MESSAGE_KEY

M = TypeVar("M", bound=StrEnum)
_REKEYED_AT_ONCE = 20_000  # messages whose keys one commit looks at
_MOST_WEIGHT = 1_000


class RouteActions(Office):
    """Every change an operator can make to the rules."""

    _board: Board

    async def add_route(
        self,
        actor: str,
        tiers: Sequence[Mapping[str, int]],
        *,
        corp_id: str | None = None,
        prefix: str = "",
        country: str = "",
        network: str = "",
        text_class: str = "",
        position: int = 0,
        note: str = "",
    ) -> RouteView:
        """A new rule at ``position`` (1 and up; 0: the last). ValueError for what cannot be matched or carried."""
        route = Route(
            id=0,
            position=position,
            account_id=None if corp_id is None else self._account(corp_id).id,
            prefix=_digits(prefix, Sentence.PREFIX, 15),
            country=_digits(country, Sentence.COUNTRY, 3),
            network=_member(Network, network, "a network"),
            text_class=_member(TextClass, text_class, "a text class"),
            tiers=self._tiers(tiers),
            note=note[:500],
        )
        deed = Deed(actor, "route add", _subject(route), {}, {})

        def act(session: Session) -> int:
            route_id = routes.insert_route(session, route)
            deed.after.update(self._told(session, route_id))
            return route_id

        route_id = await self._carry_out(deed, act)
        await self._routes_changed()
        names = self._living.standing.names()
        return next(route_view(one, names) for one in self._living.standing.routes if one.id == route_id)

    async def move_route(self, actor: str, route_id: int, position: int) -> None:
        """Put a rule at another position. NotFound."""
        deed = Deed(actor, "route move", str(route_id), {}, {})

        def act(session: Session) -> bool:
            deed.before.update(self._told(session, route_id))
            moved = routes.move_route(session, route_id, position)
            deed.after.update(self._told(session, route_id))
            return moved

        if not await self._carry_out(deed, act):
            raise NotFound(f"no route {route_id}")
        await self._routes_changed()

    async def remove_route(self, actor: str, route_id: int) -> None:
        """Take a rule away. NotFound."""
        deed = Deed(actor, "route remove", str(route_id), {}, {})

        def act(session: Session) -> bool:
            deed.before.update(self._told(session, route_id))
            return routes.delete_route(session, route_id)

        if not await self._carry_out(deed, act):
            raise NotFound(f"no route {route_id}")
        await self._routes_changed()

    def _told(self, session: Session, route_id: int) -> dict[str, Any]:
        """A rule for the audit log; empty when there is none."""
        names = self._living.standing.names()
        found = (asdict(route_view(one, names)) for one in routes.load_routes(session) if one.id == route_id)
        return next(found, {})

    async def _routes_changed(self) -> None:
        """New calls see the rules at once; what waits gets its keys anew."""
        before = self._living.standing.keys
        await self._living.reload_routes()
        keys = self._living.standing.keys
        if keys != before:

            def key(number: str, text: str) -> str:
                return keys.key(number, text_class(text) if keys.needs_class else TextClass.NOTICE)

            last = await self._database.read(routes.last_message)
            for after in range(FIRST_MESSAGE_KEY - 1, last, _REKEYED_AT_ONCE):
                await self._database.change(partial(routes.rekey, after=after, count=_REKEYED_AT_ONCE, key=key))
        self._board.changed()

    def _tiers(self, tiers: Sequence[Mapping[str, int]]) -> tuple[dict[str, int], ...]:
        if not tiers or not all(tiers):
            raise ValueError("a route needs a channel to go to")
        known = {one.name for one in self._board.settings()}
        for name in (name for tier in tiers for name in tier):
            if name not in known:
                raise ValueError(Sentence.NO_CHANNEL(name=name, known=", ".join(sorted(known)) or Sentence.NONE()))
        if any(not 1 <= weight <= _MOST_WEIGHT for tier in tiers for weight in tier.values()):
            raise ValueError(Sentence.WEIGHT(most=_MOST_WEIGHT))
        return tuple(dict(tier) for tier in tiers)


def _digits(text: str, mistake: Sentence, most: int) -> str:
    digits = text.strip().removeprefix("+")
    if digits and not (digits.isascii() and digits.isdigit() and len(digits) <= most and digits[0] != "0"):
        raise ValueError(mistake(most=most, given=repr(text[:32])))
    return digits


def _member(kind: type[M], text: str, what: str) -> M | None:
    if not text:
        return None
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{what} is one of {', '.join(one.value for one in kind)}: not {text[:32]!r}") from None


def _subject(route: Route) -> str:
    words = (route.prefix, route.country, route.network or "", route.text_class or "")
    return " ".join(word for word in words if word) or "everything"

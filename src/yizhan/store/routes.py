"""Routes as rows, and the route keys of what waits."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from yizhan.model.route import Network, Route, TextClass
from yizhan.policy.route_key import renewed
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.schema import routes


def load_routes(connection: Connection) -> tuple[Route, ...]:
    """Every rule, by position."""
    rows = connection.execute(select(routes).order_by(routes.c.position, routes.c.id))
    return tuple(
        Route(
            id=row.id,
            position=place,
            account_id=row.account_id,
            prefix=row.prefix,
            country=row.country,
            network=Network(row.network) if row.network else None,
            text_class=TextClass(row.text_class) if row.text_class else None,
            tiers=tuple(json.loads(row.tiers)),
            note=row.note,
        )
        for place, row in enumerate(rows, 1)
    )


def insert_route(connection: Connection, route: Route) -> int:
    """A new rule at ``route.position`` (1 and up; 0: behind all others): its id."""
    known = list(load_routes(connection))
    new_id = int(connection.execute(insert(routes).values(**_row(route)).returning(routes.c.id)).scalar_one())
    place = len(known) if route.position < 1 else min(route.position - 1, len(known))
    known.insert(place, replace(route, id=new_id))
    _number(connection, known)
    return new_id


def move_route(connection: Connection, route_id: int, position: int) -> bool:
    """Whether there is such a rule; it stands at ``position`` (1 and up) now."""
    known = list(load_routes(connection))
    moved = next((route for route in known if route.id == route_id), None)
    if moved is None:
        return False
    known.remove(moved)
    known.insert(min(max(position, 1) - 1, len(known)), moved)
    _number(connection, known)
    return True


def delete_route(connection: Connection, route_id: int) -> bool:
    """Whether there was such a rule."""
    return bool(connection.execute(delete(routes).where(routes.c.id == route_id)).rowcount)


def _number(connection: Connection, known: Sequence[Route]) -> None:
    for place, route in enumerate(known, 1):
        connection.execute(update(routes).where(routes.c.id == route.id).values(position=place))


def _row(route: Route) -> dict[str, Any]:
    return {
        "position": route.position,
        "account_id": route.account_id,
        "prefix": route.prefix,
        "country": route.country,
        "network": route.network.value if route.network else None,
        "text_class": route.text_class.value if route.text_class else None,
        "tiers": json.dumps([dict(tier) for tier in route.tiers]),
        "note": route.note,
    }


def rekey(connection: Connection, after: int, count: int, key: Callable[[str, str], str]) -> int:
    """Give what waits among the ``count`` messages behind ``after`` its key by today's rules: how many changed.

    ``key`` makes it of a number and a text.
    """
    raw = driver(connection)
    rows = raw.execute(sql.TO_REKEY, (after, after + count))
    changed = [(new, row[0]) for row in rows if (new := renewed(key(row[1], row[2]), row[3])) != row[3]]
    raw.executemany(sql.REKEY, changed)
    return len(changed)


def last_message(connection: Connection) -> int:
    """The newest message; 0 when there is none."""
    return int(driver(connection).execute(sql.LAST_MESSAGE).fetchone()[0] or 0)

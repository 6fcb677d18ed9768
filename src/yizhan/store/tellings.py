"""Tellings: what nodes have counted (``policy.tally``), told to each other with their beats.

A node's tellings are numbered and stay for some leases. Whoever reads them looks back a lease each time, and passes
over what it has read before: so it misses none that was committed late, after others that are younger. (One that takes
longer than a lease is never committed: see ``berths._end_sessions``.)
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from yizhan.policy.tally import Taking
from yizhan.store.insert import insert
from yizhan.store.schema import tellings

_KEPT_LEASES = 12


@dataclass(frozen=True, slots=True)
class Told:
    """What a node says; said again with the same number, it counts once."""

    number: int
    takings: Sequence[Taking]
    heard_at_ms: int | None = None  # when the node heard the others last, by the server's clock; None: never


@dataclass(frozen=True, slots=True)
class Heard:
    """What another node has said."""

    node_id: int
    number: int
    at_ms: int  # by the server's clock
    takings: list[Taking]


def tell(connection: Connection, node_id: int, told: Told, now_ms: int, lease_ms: int) -> list[Heard]:
    """Say it, and hear what others have said since ``heard_at_ms`` or up to a lease before, in their order."""
    old = (tellings.c.node_id == node_id) & (tellings.c.at_ms < now_ms - _KEPT_LEASES * lease_ms)
    connection.execute(delete(tellings).where(old))
    if told.takings:
        row = {"node_id": node_id, "number": told.number, "at_ms": now_ms, "takings": json.dumps(told.takings)}
        connection.execute(insert(connection, tellings).values(row).on_conflict_do_nothing())
    since_ms = (now_ms if told.heard_at_ms is None else told.heard_at_ms) - lease_ms
    others = select(tellings).where(tellings.c.node_id != node_id, tellings.c.at_ms > since_ms)
    return [
        Heard(row.node_id, row.number, row.at_ms, [(name, key, count) for name, key, count in json.loads(row.takings)])
        for row in connection.execute(others.order_by(tellings.c.at_ms))
    ]


def forget_tellings(connection: Connection, before_ms: int) -> None:
    """Of nodes that have gone."""
    connection.execute(delete(tellings).where(tellings.c.at_ms < before_ms))

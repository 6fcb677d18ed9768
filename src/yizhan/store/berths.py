"""Berths: channels and duties, each held by one node at a time (ADR 0018). Only a store that nodes share has any.

A node renews its berths with every beat. One that has not done so in time loses them to the others; whoever takes a
berth gets a new epoch, and what was being sent under the former one is uncertain from that moment on. All times are by
the server's clock, so the clocks of the nodes do not matter.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, Row, delete, func, select, text, update

from yizhan.store.accept import take_keys
from yizhan.store.hand import driver
from yizhan.store.insert import insert
from yizhan.store.migrate import HEAD, hold
from yizhan.store.queue import lose_epoch
from yizhan.store.revisions import read_revisions
from yizhan.store.schema import berths, nodes
from yizhan.store.server_clock import server_now_ms
from yizhan.store.tellings import Heard, Told, forget_tellings, tell

_END_SESSIONS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name LIKE :name AND pid <> pg_backend_pid()"
)
# A berth that nobody has taken for so many leases is nobody's any more: its channel has gone.
_FORSAKEN_LEASES = 3
# A node that was not seen for so long has gone for good.
_FORGOTTEN_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Beat:
    """What a node says of itself."""

    node_id: int
    sessions: str  # how its sessions at the server are called
    wanted: Sequence[str]  # berths that it could fill
    left: Sequence[tuple[str, int]]  # those that it gives back, with their epochs
    lease_ms: int
    resends: Callable[[str], bool]  # whether a channel sends again what is uncertain
    told: Told  # to the other nodes
    going: bool = False  # it is leaving: it takes nothing more


@dataclass(slots=True)
class Tide:
    """How things stand after a beat."""

    held: dict[str, int] = field(default_factory=dict)  # this node's berths with their epochs
    lost: dict[str, int] = field(default_factory=dict)  # messages that became uncertain, by channel
    at: dict[str, str] = field(default_factory=dict)  # berths of other nodes -> their names
    nodes: int = 1  # that are there
    too_many: list[str] = field(default_factory=list)  # berths that others have room for
    revisions: dict[str, int] = field(default_factory=dict)
    now_ms: int = 0  # by the server's clock
    heard: list[Heard] = field(default_factory=list)  # from the other nodes


def sign_on(connection: Connection, name: str, version: str, sessions: str) -> int:
    """A new node: its id. Raises SchemaTooNew: newer nodes do not expect it any more."""
    hold(connection)
    now_ms = server_now_ms(connection)
    row: dict[str, str | int] = {"name": name[:64], "version": version[:32], "sessions": sessions, "schema": HEAD}
    row |= {"started_at_ms": now_ms, "seen_at_ms": now_ms}
    connection.execute(delete(nodes).where(nodes.c.seen_at_ms < now_ms - _FORGOTTEN_MS))
    forget_tellings(connection, now_ms - _FORGOTTEN_MS)
    return int(connection.execute(insert(connection, nodes).values(row).returning(nodes.c.id)).scalar_one())


def sign_off(connection: Connection, node_id: int) -> None:
    """A node that goes: its berths are free at once."""
    connection.execute(update(berths).where(berths.c.node_id == node_id).values(node_id=None, until_ms=0))
    connection.execute(delete(nodes).where(nodes.c.id == node_id))


def beat(connection: Connection, said: Sequence[Beat]) -> list[Tide]:
    """Signs of life, one after the other."""
    return [_beat(connection, one) for one in said]


def _beat(connection: Connection, said: Beat) -> Tide:
    """A sign of life: renew what is held, give back what is left, take what is free, up to a fair share."""
    now_ms = server_now_ms(connection)
    until_ms = now_ms + said.lease_ms
    mine = berths.c.node_id == said.node_id
    _end_sessions(connection, said, now_ms)
    me = update(nodes).where(nodes.c.id == said.node_id)
    connection.execute(me.values(seen_at_ms=now_ms, sessions=said.sessions))
    for name, epoch in said.left:
        connection.execute(
            update(berths).where(mine, berths.c.name == name, berths.c.epoch == epoch).values(node_id=None, until_ms=0)
        )
    connection.execute(update(berths).where(mine).values(until_ms=until_ms))
    tide = Tide(now_ms=now_ms, heard=tell(connection, said.node_id, said.told, now_ms, said.lease_ms))
    there = {
        row.id: row.name for row in connection.execute(select(nodes).where(nodes.c.seen_at_ms > now_ms - said.lease_ms))
    }
    tide.nodes = max(1, len(there))
    rows = {row.name: row for row in connection.execute(select(berths).order_by(berths.c.name))}
    for name in sorted(set(said.wanted) - rows.keys()):
        made = insert(connection, berths).values(name=name, node_id=None, epoch=0, until_ms=0)
        connection.execute(made.on_conflict_do_nothing())
    if len(rows) < len(set(said.wanted) | rows.keys()):
        rows = {row.name: row for row in connection.execute(select(berths).order_by(berths.c.name))}
    tide.held = {name: row.epoch for name, row in rows.items() if row.node_id == said.node_id}
    _take(connection, said, tide, rows, now_ms)
    tide.at = {
        name: there.get(row.node_id, "a node that is gone")
        for name, row in rows.items()
        if row.node_id is not None and name not in tide.held
    }
    tide.revisions = read_revisions(connection)
    return tide


def _end_sessions(connection: Connection, said: Beat, now_ms: int) -> None:
    """Of nodes that are silent: one that was frozen inside a transaction would keep its locks for ever."""
    silent = (nodes.c.seen_at_ms <= now_ms - said.lease_ms) & (nodes.c.sessions != "") & (nodes.c.id != said.node_id)
    for row in connection.execute(select(nodes).where(silent)).fetchall():
        connection.execute(_END_SESSIONS, {"name": f"{row.sessions} %"}).close()
        connection.execute(update(nodes).where(nodes.c.id == row.id).values(sessions=""))


def _take(
    connection: Connection, said: Beat, tide: Tide, rows: dict[str, Row[tuple[object, ...]]], now_ms: int
) -> None:
    for kind in ("channel:", "duty:"):
        wanted = [name for name in said.wanted if name.startswith(kind)]
        held = [name for name in tide.held if name.startswith(kind)]
        share = -(-len(wanted) // tide.nodes)
        free = [name for name in wanted if name not in tide.held and _is_free(rows[name], now_ms)]
        for name in free[: 0 if said.going else max(0, share - len(held))]:
            _take_one(connection, said, tide, rows[name], now_ms)
        tide.too_many += held[share:]
    for name, row in rows.items():
        forsaken = now_ms - _FORSAKEN_LEASES * said.lease_ms
        if name not in said.wanted and row.node_id is not None and row.until_ms < forsaken:
            _take_one(connection, said, tide, row, now_ms)
            tide.held.pop(name, None)
            connection.execute(update(berths).where(berths.c.name == name).values(node_id=None, until_ms=0))


def _is_free(row: Row[tuple[object, ...]], now_ms: int) -> bool:
    return bool(row.node_id is None or row.until_ms < now_ms)


def _take_one(connection: Connection, said: Beat, tide: Tide, row: Row[tuple[object, ...]], now_ms: int) -> None:
    """Unless another node was quicker. What was under way under the former epoch is over in the same commit."""
    (epoch,) = take_keys(driver(connection), "epoch", 1)
    took = connection.execute(
        update(berths)
        .where(
            berths.c.name == row.name,
            berths.c.epoch == row.epoch,
            func.coalesce(berths.c.until_ms, 0) < now_ms,
        )
        .values(node_id=said.node_id, epoch=epoch, until_ms=now_ms + said.lease_ms)
    ).rowcount
    if not took:
        return
    tide.held[row.name] = epoch
    kind, _, channel = row.name.partition(":")
    if kind == "channel":  # also of epoch 0, under which a store that nobody shared was moved here
        count = lose_epoch(connection, channel, row.epoch, said.resends(channel))
        if count:
            tide.lost[channel] = count

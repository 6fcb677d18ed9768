"""Berths: channels and duties, each held by one node at a time (ADR 0018). Only a store that nodes share has any.

A node renews its berths with every beat. One that has not done so in time loses them to the others; whoever takes a
berth gets a new epoch, and what was being sent under the former one is uncertain from that moment on. All times are by
the server's clock, so the clocks of the nodes do not matter.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, select, text, update

from yizhan.kit.clock import to_rfc3339
from yizhan.model.channel import channel_of_share
from yizhan.model.views import NodeView
from yizhan.store.accept import take_keys
from yizhan.store.hand import driver, lock
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
_KINDS = ("channel:", "duty:")
# A berth that nobody has taken for so many leases is nobody's any more: its channel has gone.
_FORSAKEN_LEASES = 3
# A node that was not seen for so long has gone for good.
_FORGOTTEN_MS = 24 * 3600 * 1000
_LOST_LATELY_MS = 3600 * 1000

Berth = Row[tuple[Any, ...]]


def berth_of(share: str) -> str:
    """The name of the berth of a channel's share."""
    return f"channel:{share}"


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


def lost_nodes(connection: Connection, lease_ms: int) -> list[str]:
    """Nodes that were lost within the hour: they have not signed off. None by a name that is there again."""
    since_ms = server_now_ms(connection) - lease_ms
    there = select(nodes.c.name).where(nodes.c.seen_at_ms > since_ms)
    gone = nodes.c.seen_at_ms.between(since_ms - _LOST_LATELY_MS, since_ms)
    query = select(nodes.c.name).distinct().where(gone, nodes.c.name.not_in(there)).order_by(nodes.c.name)
    return list(connection.execute(query).scalars())


def sign_off(connection: Connection, node_id: int) -> None:
    """A node that goes: its berths are free at once."""
    connection.execute(update(berths).where(berths.c.node_id == node_id).values(node_id=None, until_ms=0))
    connection.execute(delete(nodes).where(nodes.c.id == node_id))


def view_nodes(connection: Connection, name: str, lease_ms: int) -> list[NodeView]:
    """Every node that has signed on, by name; ``name`` is the one that asks. A silent one is forgotten after a day."""
    now_ms, held = server_now_ms(connection), defaultdict(list)
    for berth in _read(connection).values():
        held[berth.node_id].append(berth.name)
    return [
        NodeView(
            name=row.name,
            version=row.version,
            schema=row.schema,
            started_at=to_rfc3339(row.started_at_ms) or "",
            seen_at=to_rfc3339(row.seen_at_ms) or "",
            there=row.seen_at_ms > now_ms - lease_ms,
            this=row.name == name[:64],
            channels=[one.partition(":")[2] for one in held[row.id] if one.startswith("channel:")],
            duties=[one.partition(":")[2] for one in held[row.id] if one.startswith("duty:")],
        )
        for row in connection.execute(select(nodes).order_by(nodes.c.name, nodes.c.id))
    ]


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
    rows = _read(connection)
    if _tidy(connection, said, tide, rows, now_ms):
        rows = _read(connection)
    tide.held = {name: row.epoch for name, row in rows.items() if row.node_id == said.node_id}
    tide.too_many = [name for name in tide.held if name not in said.wanted]
    for kind in _KINDS:
        tide.too_many += _of(kind, tide.held)[_fair(kind, said, tide) :]
    if _free(said, tide, rows, now_ms):
        # Two nodes that know other settings of a channel must not divide it at the same moment.
        lock(driver(connection), "berths")
        rows = _read(connection)
        for name in _free(said, tide, rows, now_ms):
            _take(connection, said, tide, rows[name], now_ms)
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


def _read(connection: Connection) -> dict[str, Berth]:
    return {row.name: row for row in connection.execute(select(berths).order_by(berths.c.name))}


def _of(kind: str, names: Iterable[str]) -> list[str]:
    """The berths of a kind; the first share of each channel, then the second ones, so that nodes have one of each."""
    return sorted((name for name in names if name.startswith(kind)), key=lambda name: name.partition("/")[2])


def _fair(kind: str, said: Beat, tide: Tide) -> int:
    """How many berths of a kind each node may have."""
    return -(-len(_of(kind, said.wanted)) // tide.nodes)


def _free(said: Beat, tide: Tide, rows: Mapping[str, Berth], now_ms: int) -> list[str]:
    """What the node takes now, up to a fair share. No share of a channel that others still divide otherwise."""
    held = {(_channel(name), _division(name)) for name, row in rows.items() if row.node_id is not None}
    found: list[str] = []
    for kind in _KINDS if not said.going else ():
        free = [
            name
            for name in _of(kind, said.wanted)
            if (row := rows.get(name)) is not None
            and (row.node_id is None or row.until_ms < now_ms)
            and name not in tide.held
            and not any(channel == _channel(name) and way != _division(name) for channel, way in held)
        ]
        found += free[: max(0, _fair(kind, said, tide) - len(_of(kind, tide.held)))]
    return found


def _channel(berth: str) -> str:
    """The channel of a berth, empty for a duty."""
    kind, _, share = berth.partition(":")
    return channel_of_share(share) if kind == "channel" else ""


def _division(berth: str) -> str:
    return berth.partition("/")[2].partition("of")[2]


def _take(connection: Connection, said: Beat, tide: Tide, row: Berth, now_ms: int) -> None:
    """Unless another node was quicker. What was under way under the former epoch is over in the same commit."""
    (epoch,) = take_keys(driver(connection), "epoch", 1)
    taken = {"node_id": said.node_id, "epoch": epoch, "until_ms": now_ms + said.lease_ms}
    if connection.execute(update(berths).where(_unchanged(row, now_ms)).values(taken)).rowcount:
        tide.held[row.name] = epoch
        _end(connection, said, tide, row)


def _tidy(connection: Connection, said: Beat, tide: Tide, rows: Mapping[str, Berth], now_ms: int) -> bool:
    """Make the berths that are wanted, and forget those that nobody wants: their channels are gone, or are divided
    otherwise now. Whether there were any.
    """
    missing = sorted(set(said.wanted) - rows.keys())
    for name in missing:
        made = insert(connection, berths).values(name=name, node_id=None, epoch=0, until_ms=0)
        connection.execute(made.on_conflict_do_nothing())
    divided = {_channel(name) for name in said.wanted}
    stale = [row for name, row in rows.items() if name not in said.wanted]
    for row in stale:
        leases = 0 if _channel(row.name) in divided else _FORSAKEN_LEASES
        if row.node_id is not None and row.until_ms >= now_ms - leases * said.lease_ms:
            continue
        if connection.execute(delete(berths).where(_unchanged(row, now_ms))).rowcount:
            _end(connection, said, tide, row)
    return bool(missing or stale)


def _unchanged(row: Berth, now_ms: int) -> ColumnElement[bool]:
    """Still as it was read, and nobody's."""
    return and_(berths.c.name == row.name, berths.c.epoch == row.epoch, berths.c.until_ms < now_ms)


def _end(connection: Connection, said: Beat, tide: Tide, row: Berth) -> None:
    """An epoch: also 0, under which a store that nobody shared was moved here."""
    if channel := _channel(row.name):
        count = lose_epoch(connection, channel, row.epoch, said.resends(channel))
        if count:
            tide.lost[channel] = tide.lost.get(channel, 0) + count

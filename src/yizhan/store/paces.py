"""Paces: the intervals between two answered calls (contract, section 5, row 9), where several nodes answer them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from yizhan.store.insert import insert
from yizhan.store.schema import paces
from yizhan.store.server_clock import server_now_ms

_LONG_AGO = 0


@dataclass(frozen=True, slots=True)
class Start:
    """A call that is about to be answered."""

    account_id: int
    operation: str
    interval_ms: int


@dataclass(frozen=True, slots=True)
class Started:
    """What came of it: too soon, so long after the last one; or started, in place of a former start."""

    too_soon_ms: int | None
    at_ms: int
    former_ms: int


def start_intervals(connection: Connection, starts: Sequence[Start]) -> list[Started]:
    """One after the other, so that of two calls at two nodes at once only one starts."""
    return [_start(connection, one) for one in starts]


def _start(connection: Connection, one: Start) -> Started:
    row = {"account_id": one.account_id, "operation": one.operation, "at_ms": _LONG_AGO}
    connection.execute(insert(connection, paces).values(row).on_conflict_do_nothing())
    this = (paces.c.account_id == one.account_id) & (paces.c.operation == one.operation)
    former_ms = int(connection.execute(select(paces.c.at_ms).where(this).with_for_update()).scalar_one())
    now_ms = server_now_ms(connection)
    if now_ms - former_ms < one.interval_ms:
        return Started(now_ms - former_ms, now_ms, former_ms)
    connection.execute(update(paces).where(this).values(at_ms=now_ms))
    return Started(None, now_ms, former_ms)


def restore_intervals(connection: Connection, undone: Sequence[tuple[Start, Started]]) -> list[None]:
    """Calls that were not answered after all, unless later ones have started the interval anew."""
    for start, started in undone:
        this = (paces.c.account_id == start.account_id) & (paces.c.operation == start.operation)
        this &= paces.c.at_ms == started.at_ms
        if started.former_ms == _LONG_AGO:
            connection.execute(delete(paces).where(this))
        else:
            connection.execute(update(paces).where(this).values(at_ms=started.former_ms))
    return [None] * len(undone)

"""What an account sent: how many messages of each day stand in which state, and what they cost."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from yizhan.model.message import State
from yizhan.store.accept import CLIENT_IDS, client_id_of, read_counter
from yizhan.store.hand import driver
from yizhan.store.schema import messages, submissions

_BEIJING_MS = 28_800_000
_DAY_MS = 86_400_000


class Total(NamedTuple):
    """Of one day (counted from 1970, in Beijing) and one state."""

    day: int
    state: State
    messages: int
    price_milli: int
    refunded_milli: int


def day_of(at_ms: int) -> int:
    """The day in Beijing on which a moment lies."""
    return (at_ms + _BEIJING_MS) // _DAY_MS


def totals(connection: Connection, account_id: int, first_day: int, most: int) -> Sequence[Total]:
    """By day and state, from ``first_day`` on; of no more than the newest ``most`` messages."""
    since_ms = first_day * _DAY_MS - _BEIJING_MS
    last = read_counter(driver(connection), "submission")
    day = (submissions.c.accepted_at_ms + _BEIJING_MS) // _DAY_MS
    wanted = (
        select(day.label("day"), messages.c.state, messages.c.price_milli, messages.c.refunded_milli)
        .join(messages, messages.c.submission_id == submissions.c.id)
        .where(submissions.c.account_id == account_id, submissions.c.accepted_at_ms >= since_ms)
        .order_by(submissions.c.client_id.desc())  # an index by account has them so
        .limit(most)
    )
    if last <= CLIENT_IDS:  # later, an id does not tell what is older
        wanted = wanted.where(submissions.c.client_id >= client_id_of(_first_since(connection, since_ms, last)))
    rows = wanted.subquery()
    query = select(
        rows.c.day, rows.c.state, func.count(), func.sum(rows.c.price_milli), func.sum(rows.c.refunded_milli)
    ).group_by(rows.c.day, rows.c.state)
    return [Total(int(day), State(state), *map(int, sums)) for day, state, *sums in connection.execute(query)]


def _first_since(connection: Connection, since_ms: int, last: int) -> int:
    """A submission's key before which everything was accepted before a moment: keys grow with the time, by and large,
    so half of them are put aside with each look.
    """
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        look = select(submissions.c.id, submissions.c.accepted_at_ms).where(submissions.c.id >= middle)
        found = connection.execute(look.order_by(submissions.c.id).limit(1)).first()
        if found is None or found.accepted_at_ms >= since_ms:
            high = middle
        else:
            low = found.id + 1
    return low

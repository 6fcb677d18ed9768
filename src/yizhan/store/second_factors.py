"""Second factors of people: the secret that codes are made of, and the recovery codes that are left.

What turns one on or off ends the person's other sessions in the same commit.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from yizhan.policy.totp import step_of
from yizhan.store.insert import insert
from yizhan.store.people import end_sessions, find_person
from yizhan.store.schema import second_factors


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Of one person."""

    secret: str
    last_step: int
    recovery: tuple[str, ...]  # hashes
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A code that was typed, and its hash if it is a recovery code."""

    person: str
    code: str
    hash: str
    at_ms: int


def find_second_factor(connection: Connection, person: str) -> SecondFactor | None:
    """None: he has none."""
    row = connection.execute(select(second_factors).where(second_factors.c.person == person)).first()
    if row is None:
        return None
    return SecondFactor(row.secret, row.last_step, tuple(json.loads(row.recovery)), row.created_at_ms)


def insert_second_factor(connection: Connection, person: str, factor: SecondFactor, session: str) -> bool:
    """Turn it on, and end his sessions but the one with this hash; False when he has one, or there is nobody."""
    if find_person(connection, person) is None:
        return False
    row = {
        "person": person,
        "secret": factor.secret,
        "last_step": factor.last_step,
        "recovery": _write(factor.recovery),
        "created_at_ms": factor.created_at_ms,
    }
    made = insert(connection, second_factors).values(row).on_conflict_do_nothing().returning(second_factors.c.person)
    if connection.execute(made).first() is None:
        return False
    end_sessions(connection, person, but=session)
    return True


def delete_second_factor(connection: Connection, person: str, session: str | None = None) -> bool:
    """Turn it off, and end his sessions but the one with this hash; False when he has none."""
    end_sessions(connection, person, but=session)
    return connection.execute(delete(second_factors).where(second_factors.c.person == person)).rowcount > 0


def use_code(connection: Connection, shown: Shown) -> bool:
    """Whether a code of the app is good; it is not, any more, after this."""
    found = find_second_factor(connection, shown.person)
    step = None if found is None else step_of(found.secret, shown.code, shown.at_ms, found.last_step)
    if step is None:
        return False
    # Another node may take the same code at this moment: one of the two changes the row.
    query = update(second_factors).where(second_factors.c.person == shown.person, second_factors.c.last_step < step)
    return connection.execute(query.values(last_step=step)).rowcount > 0


def use_recovery_code(connection: Connection, shown: Shown) -> bool:
    """The same for a recovery code."""
    found = find_second_factor(connection, shown.person)
    if found is None or shown.hash not in found.recovery:
        return False
    left = [one for one in found.recovery if one != shown.hash]
    query = update(second_factors).where(
        second_factors.c.person == shown.person, second_factors.c.recovery == _write(found.recovery)
    )
    return connection.execute(query.values(recovery=_write(left))).rowcount > 0


def write_recovery(connection: Connection, person: str, hashes: Sequence[str]) -> bool:
    """These are his recovery codes from now on; False when he has no second factor."""
    query = update(second_factors).where(second_factors.c.person == person).values(recovery=_write(hashes))
    return connection.execute(query).rowcount > 0


def _write(hashes: Sequence[str]) -> str:
    return json.dumps(list(hashes))

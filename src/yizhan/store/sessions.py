"""Sessions of people who have logged in, and those that wait for a code until then."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from yizhan.model.access import Role
from yizhan.store.people import HAS_SECOND_FACTOR, Person, find_person
from yizhan.store.schema import accounts, half_sessions, people, sessions


@dataclass(frozen=True, slots=True)
class Session:
    """Who it is, and when it was last seen and ends (UTC ms)."""

    person: str
    role: Role
    account: str | None
    csrf: str
    seen_at_ms: int
    ends_at_ms: int
    second_factor: bool  # of the person


def insert_session(connection: Connection, row: Mapping[str, Any], proved: Person, former: str | None) -> bool:
    """A session in the place of the ``former`` one (its hash); False when who has proved to be somebody is somebody
    else by now: with another password, say.
    """
    if find_person(connection, proved.name) != proved:
        return False
    connection.execute(delete(sessions).where(sessions.c.hash == former))
    connection.execute(insert(sessions).values(row))
    return True


def find_session(connection: Connection, hash: str) -> Session | None:
    """Whose session has this hash; None also when he is disabled."""
    query = select(sessions, people.c.role, accounts.c.corp_id, HAS_SECOND_FACTOR)
    query = query.join(people, people.c.name == sessions.c.person)
    query = query.outerjoin(accounts, accounts.c.id == people.c.account_id)
    row = connection.execute(query.where(sessions.c.hash == hash, ~people.c.disabled)).first()
    if row is None:
        return None
    who = (row.person, Role(row.role), row.corp_id)
    return Session(*who, row.csrf, row.seen_at_ms, row.ends_at_ms, row.second_factor)


def see_session(connection: Connection, hash: str, at_ms: int) -> None:
    """It is being used."""
    connection.execute(update(sessions).where(sessions.c.hash == hash).values(seen_at_ms=at_ms))


def delete_session(connection: Connection, hash: str) -> bool:
    """It has ended; False when there is none."""
    return connection.execute(delete(sessions).where(sessions.c.hash == hash)).rowcount > 0


def insert_half_session(connection: Connection, row: Mapping[str, Any], proved: Person) -> bool:
    """Somebody has shown his password; False when he is somebody else by now."""
    if find_person(connection, proved.name) != proved:
        return False
    connection.execute(insert(half_sessions).values(row))
    return True


def find_half_session(connection: Connection, hash: str, now_ms: int) -> Person | None:
    """Who it was; None also when he may not log in, or it has taken too long."""
    query = select(half_sessions.c.person).where(half_sessions.c.hash == hash, half_sessions.c.ends_at_ms > now_ms)
    name = connection.execute(query).scalar_one_or_none()
    person = None if name is None else find_person(connection, name)
    return None if person is None or person.disabled else person


def delete_half_session(connection: Connection, hash: str) -> bool:
    """It was used; False when there is none any more."""
    return connection.execute(delete(half_sessions).where(half_sessions.c.hash == hash)).rowcount > 0


def forget_sessions(connection: Connection, now_ms: int) -> int:
    """Drop those that have ended at the latest by now: how many."""
    connection.execute(delete(half_sessions).where(half_sessions.c.ends_at_ms <= now_ms))
    return connection.execute(delete(sessions).where(sessions.c.ends_at_ms <= now_ms)).rowcount

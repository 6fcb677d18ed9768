"""Sessions of people who have logged in."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from yizhan.model.access import Role
from yizhan.store.people import find_person
from yizhan.store.schema import accounts, people, sessions


@dataclass(frozen=True, slots=True)
class Session:
    """Who it is, and when it was last seen and ends (UTC ms)."""

    person: str
    role: Role
    account: str | None
    csrf: str
    seen_at_ms: int
    ends_at_ms: int


def insert_session(connection: Connection, row: Mapping[str, Any], credential: str, former: str | None) -> bool:
    """A session in the place of the ``former`` one (its hash); False when who proved to be somebody by ``credential``
    is nobody any more.
    """
    person = find_person(connection, row["person"])
    if person is None or person.disabled or person.credential != credential:
        return False
    connection.execute(delete(sessions).where(sessions.c.hash == former))
    connection.execute(insert(sessions).values(row))
    return True


def find_session(connection: Connection, hash: str) -> Session | None:
    """Whose session has this hash; None also when he is disabled."""
    query = select(sessions, people.c.role, accounts.c.corp_id).join(people, people.c.name == sessions.c.person)
    query = query.outerjoin(accounts, accounts.c.id == people.c.account_id)
    row = connection.execute(query.where(sessions.c.hash == hash, ~people.c.disabled)).first()
    if row is None:
        return None
    return Session(row.person, Role(row.role), row.corp_id, row.csrf, row.seen_at_ms, row.ends_at_ms)


def see_session(connection: Connection, hash: str, at_ms: int) -> None:
    """It is being used."""
    connection.execute(update(sessions).where(sessions.c.hash == hash).values(seen_at_ms=at_ms))


def delete_session(connection: Connection, hash: str) -> bool:
    """It has ended; False when there is none."""
    return connection.execute(delete(sessions).where(sessions.c.hash == hash)).rowcount > 0


def forget_sessions(connection: Connection, now_ms: int) -> int:
    """Drop those that have ended at the latest by now: how many."""
    return connection.execute(delete(sessions).where(sessions.c.ends_at_ms <= now_ms)).rowcount

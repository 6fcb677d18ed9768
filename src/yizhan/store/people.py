"""People who log in at the console. What changes who somebody is ends the sessions in the same commit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, exists, func, select, text, update

from yizhan.kit.clock import to_rfc3339
from yizhan.model.access import Role
from yizhan.model.views import PersonView
from yizhan.store.insert import insert
from yizhan.store.schema import accounts, half_sessions, people, second_factors, sessions


@dataclass(frozen=True, slots=True)
class Person:
    """Who it is, with the hash of the password."""

    name: str
    role: Role
    account: str | None
    credential: str
    disabled: bool
    second_factor: bool  # he has to show a code, too


# A column of a query of people.
HAS_SECOND_FACTOR = exists().where(second_factors.c.person == people.c.name).label("second_factor")


def insert_person(connection: Connection, row: Mapping[str, Any]) -> bool:
    """Somebody new; False when the name is taken."""
    made = insert(connection, people).values(row).on_conflict_do_nothing().returning(people.c.name)
    return connection.execute(made).first() is not None


def insert_first_person(connection: Connection, row: Mapping[str, Any]) -> bool:
    """The first person of all; False when there is somebody."""
    if connection.dialect.name == "postgresql":  # other nodes may ask at the same moment
        connection.execute(text("LOCK TABLE people IN EXCLUSIVE MODE")).close()
    return not has_people(connection) and insert_person(connection, row)


def has_people(connection: Connection) -> bool:
    """Whether there is anybody."""
    return bool(connection.execute(select(exists().select_from(people))).scalar_one())


def find_person(connection: Connection, name: str) -> Person | None:
    """Whoever has this name."""
    query = select(people, accounts.c.corp_id, HAS_SECOND_FACTOR)
    query = query.outerjoin(accounts, accounts.c.id == people.c.account_id).where(people.c.name == name)
    row = connection.execute(query).first()
    if row is None:
        return None
    return Person(row.name, Role(row.role), row.corp_id, row.credential, row.disabled, row.second_factor)


def change_person(connection: Connection, name: str, values: Mapping[str, Any]) -> bool:
    """Another password, or whether he is disabled; whoever has logged in under this name has to do so again. False
    when there is nobody.
    """
    end_sessions(connection, name)
    return connection.execute(update(people).where(people.c.name == name).values(values)).rowcount > 0


def delete_person(connection: Connection, name: str) -> bool:
    """He is gone, with his sessions and his second factor; False when there is nobody."""
    end_sessions(connection, name)
    connection.execute(delete(second_factors).where(second_factors.c.person == name))
    return connection.execute(delete(people).where(people.c.name == name)).rowcount > 0


def end_sessions(connection: Connection, name: str, but: str | None = None) -> None:
    """He has to log in again, but for the session with this hash."""
    connection.execute(delete(half_sessions).where(half_sessions.c.person == name))
    connection.execute(delete(sessions).where(sessions.c.person == name, sessions.c.hash != (but or "")))


def view_people(connection: Connection) -> list[PersonView]:
    """All of them, by name."""
    seen = select(func.max(sessions.c.seen_at_ms)).where(sessions.c.person == people.c.name).scalar_subquery()
    query = select(people, accounts.c.corp_id, seen.label("seen_at_ms"), HAS_SECOND_FACTOR)
    query = query.outerjoin(accounts, accounts.c.id == people.c.account_id)
    return [
        PersonView(
            name=row.name,
            role=row.role,
            account=row.corp_id,
            disabled=row.disabled,
            created_at=to_rfc3339(row.created_at_ms) or "",
            seen_at=to_rfc3339(row.seen_at_ms),
            second_factor=row.second_factor,
        )
        for row in connection.execute(query.order_by(people.c.name))
    ]

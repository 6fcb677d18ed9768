"""Tokens of the admin API. Only their hashes are kept: they are random and long, so a plain hash will do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, select

from yizhan.kit.clock import to_rfc3339
from yizhan.model.access import Role
from yizhan.model.views import TokenView
from yizhan.store.insert import insert
from yizhan.store.schema import accounts, tokens


@dataclass(frozen=True, slots=True)
class Token:
    """Whose it is, and until when it is good (UTC ms; None: always)."""

    name: str
    role: Role
    account: str | None
    until_ms: int | None


def insert_token(connection: Connection, row: Mapping[str, Any]) -> bool:
    """A new token; False when the name is taken."""
    made = insert(connection, tokens).values(row).on_conflict_do_nothing().returning(tokens.c.name)
    return connection.execute(made).first() is not None


def find_token(connection: Connection, hash: str) -> Token | None:
    """Whose token has this hash."""
    query = select(tokens, accounts.c.corp_id).outerjoin(accounts, accounts.c.id == tokens.c.account_id)
    row = connection.execute(query.where(tokens.c.hash == hash)).first()
    return None if row is None else Token(row.name, Role(row.role), row.corp_id, row.until_ms)


def delete_token(connection: Connection, name: str) -> bool:
    """It is good for nothing from now on; False when there is none."""
    return connection.execute(delete(tokens).where(tokens.c.name == name)).rowcount > 0


def view_tokens(connection: Connection) -> list[TokenView]:
    """All of them, by name."""
    query = select(tokens, accounts.c.corp_id).outerjoin(accounts, accounts.c.id == tokens.c.account_id)
    return [
        TokenView(
            name=row.name,
            role=row.role,
            account=row.corp_id,
            created_at=to_rfc3339(row.created_at_ms) or "",
            until=to_rfc3339(row.until_ms),
        )
        for row in connection.execute(query.order_by(tokens.c.name))
    ]

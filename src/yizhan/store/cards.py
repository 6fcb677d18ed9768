"""Recharge cards: made, and used once each."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, insert, or_, select, update

from yizhan.kit.clock import to_rfc3339
from yizhan.model.money import as_number
from yizhan.model.views import CardView
from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.schema import BOOK_ISSUED, accounts, cards


def insert_cards(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """New cards. IntegrityError when a number is taken."""
    connection.execute(insert(cards), list(rows))


def use_card(connection: Connection, number: str, secret_hash: str, account_id: int, at_ms: int) -> bool:
    """Give the account what the card is worth; False for a card that is unknown, wrong or used."""
    query = (
        update(cards)
        .where(cards.c.number == number, cards.c.secret_hash == secret_hash, cards.c.used_at_ms.is_(None))
        .values(used_at_ms=at_ms, used_by=account_id)
        .returning(cards.c.credit_milli)
    )
    credit_milli = connection.execute(query).scalar()
    if credit_milli is None:
        return False
    raw = driver(connection)
    raw.execute(sql.CREDIT, (credit_milli, account_id))
    raw.execute(sql.INSERT_ENTRY, (at_ms, "card", BOOK_ISSUED, account_id, credit_milli, None, f"card {number}"))
    return True


def view_cards(
    connection: Connection, used: bool | None, limit: int, before: str | None = None, part: str = ""
) -> list[CardView]:
    """The newest cards (or those behind one) with ``part`` in their numbers, only used or unused ones if wanted; never
    their passwords.
    """
    query = select(cards, accounts.c.corp_id).outerjoin(accounts, accounts.c.id == cards.c.used_by)
    query = query.where(cards.c.number.contains(part, autoescape=True))
    query = query.order_by(cards.c.created_at_ms.desc(), cards.c.number).limit(limit)
    if used is not None:
        query = query.where(cards.c.used_at_ms.is_not(None) if used else cards.c.used_at_ms.is_(None))
    if before is not None:
        made_ms = select(cards.c.created_at_ms).where(cards.c.number == before).scalar_subquery()
        query = query.where(
            or_(cards.c.created_at_ms < made_ms, and_(cards.c.created_at_ms == made_ms, cards.c.number > before))
        )
    return [
        CardView(
            number=row.number,
            credit=as_number(row.credit_milli),
            created_at=to_rfc3339(row.created_at_ms) or "",
            used_at=to_rfc3339(row.used_at_ms),
            used_by=row.corp_id,
        )
        for row in connection.execute(query)
    ]

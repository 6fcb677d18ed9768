"""Revisions: that settings were changed, so that every node of the store reads them anew."""

from sqlalchemy import Connection, select

from yizhan.store import sqlite as sql
from yizhan.store.hand import driver
from yizhan.store.schema import revisions

TOPICS = ("account", "channel", "ip", "keyword", "number", "route")


def touch(connection: Connection, topic: str) -> None:
    """In the transaction that changes them. The row stays locked until it ends, so revisions are in commit order."""
    driver(connection).execute(sql.TOUCH, (topic,))


def read_revisions(connection: Connection) -> dict[str, int]:
    """How often each topic was changed."""
    return {row.topic: row.revision for row in connection.execute(select(revisions))}

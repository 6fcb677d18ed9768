"""Partitions: on PostgreSQL the large tables lie in pieces by their keys, which is by time, and old pieces go whole.

Messages and their parts have the same bounds, as have submissions and their requests (ADR 0020). New pieces are made
long before a key needs them. A piece is emptied in the commit that adds what it cost to the accounts' rows in
``carried``, so the books hold at every moment; the empty one then goes when nobody looks.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from sqlalchemy import Connection, text

from yizhan.store.accept import read_counter
from yizhan.store.hand import driver
from yizhan.store.sqlite import carry, ended

# What has its bounds in common, and the counter that its keys come from.
CHAINS = {"message": ("messages", "parts"), "submission": ("submissions", "requests")}
# The column that a table is divided by.
KEYS = {"messages": "id", "parts": "message_id", "submissions": "id", "requests": "submission_id"}
_AHEAD = 2  # so many pieces are there before a key needs them
_MOST_AT_ONCE = 50  # should keys have leapt ahead, as they do when a store is moved here, pieces are larger

_BOUNDS = """
SELECT child.relname, pg_get_expr(child.relpartbound, child.oid) FROM pg_inherits
JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = CAST(:table AS regclass)"""
_IS_PARTITIONED = "SELECT relkind = 'p' FROM pg_class WHERE oid = CAST('messages' AS regclass)"
_BOUND = re.compile(r"FROM \((?:MINVALUE|'(\d+)')\) TO \('(\d+)'\)")

# A piece without an index that messages have, and whether one stands there that is only not attached.
_LACKING = """
SELECT whole.relname, piece.relname, substring(pg_get_indexdef(i.indexrelid) FROM 'USING .*'),
    piece.relname || '_' || whole.relname, EXISTS (SELECT 1 FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = piece.oid AND relname = piece.relname || '_' || whole.relname AND indisvalid)
FROM pg_index AS i JOIN pg_class AS whole ON whole.oid = i.indexrelid
JOIN pg_inherits ON inhparent = i.indrelid JOIN pg_class AS piece ON piece.oid = inhrelid
WHERE NOT i.indisvalid AND i.indrelid = CAST('messages' AS regclass) AND NOT EXISTS (
    SELECT 1 FROM pg_inherits AS own JOIN pg_index AS part ON part.indexrelid = own.inhrelid
    WHERE own.inhparent = i.indexrelid AND part.indrelid = piece.oid)
ORDER BY piece.oid LIMIT 1"""

_CARRY = carry(
    "SELECT account_id, {submissions}, {messages}, {sent}, {refunded} FROM {rows}"
    " GROUP BY account_id ORDER BY account_id"
)
_NO_LONGER_WHOLE = """
INSERT INTO counters (name, value) SELECT 'pruned', coalesce(max(submission_id), 0) FROM {piece}
ON CONFLICT (name) DO UPDATE SET value = greatest(counters.value, excluded.value)"""


@dataclass(frozen=True, slots=True)
class Piece:
    """Keys from ``low`` to below ``high`` of a table."""

    name: str
    low: int
    high: int


def is_partitioned(connection: Connection) -> bool:
    """Whether this store's large tables lie in pieces: on PostgreSQL, once its migration has come."""
    return connection.dialect.name == "postgresql" and bool(connection.execute(text(_IS_PARTITIONED)).scalar_one())


def pieces(connection: Connection, table: str) -> list[Piece]:
    """The oldest first."""
    found = []
    for name, said in connection.execute(text(_BOUNDS), {"table": table}):
        bound = _BOUND.search(said)
        if bound is None:
            raise ValueError(f"{name} is no range: {said}")
        found.append(Piece(name, int(bound[1] or 0), int(bound[2])))
    return sorted(found, key=lambda piece: piece.low)


def extend(connection: Connection, rows: int) -> int:
    """Make the pieces, of ``rows`` keys as a rule, that the next keys will need: how many. In its own transaction."""
    made = 0
    for counter, tables in CHAINS.items():
        last = read_counter(driver(connection), counter)
        for table in tables:
            end = pieces(connection, table)[-1].high
            size = max(rows, (last - end) // _MOST_AT_ONCE + 1)
            while end < last + _AHEAD * rows:
                _add(connection, table, end, end + size)
                end, made = end + size, made + 1
    return made


def _add(connection: Connection, table: str, low: int, high: int) -> None:
    """Attached, and not made as a part of the table, which nobody could use meanwhile."""
    name = f"{table}_{low}"
    connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")).close()
    connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({low}) TO ({high})")).close()


def build_index(connection: Connection) -> tuple[str, str] | None:
    """Build one that a table has, and a piece of it lacks: its name, and that of the piece's own; None: none lacks one.

    A migration that adds an index to a table with rows leaves that to this: CONCURRENTLY, for which nobody waits, and
    which is no part of a transaction.
    """
    with connection.begin():
        lacking = connection.execute(text(_LACKING)).first()
    if lacking is None:
        return None
    index, piece, made_by, own, stands = lacking
    if not stands:  # or is what an attempt that was broken off has left behind
        server = driver(connection).server
        server.execute("SET lock_timeout = 0")
        server.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {own}")
        server.execute(f"CREATE INDEX CONCURRENTLY {own} ON {piece} {made_by}")
    return index, own


def attach_index(connection: Connection, index: str, own: str) -> bool:
    """Make a piece's own index a part of its table's: True. In a transaction of its own."""
    connection.execute(text(f"ALTER INDEX {index} ATTACH PARTITION {own}")).close()
    return True


def empty_old(connection: Connection, before_ms: int) -> tuple[int, int]:
    """Empty the oldest piece whose messages have all ended before a moment, and the oldest of submissions that none of
    is left: how many rows went of each. One of both a time, each time in a transaction of its own; (0, 0): no more.
    """
    return _empty_messages(connection, before_ms), _empty_submissions(connection, before_ms)


def drop_empty(connection: Connection) -> int:
    """Drop pieces that are empty and will stay so: how many. In a transaction of its own."""
    count = 0
    for counter, (table, *others) in CHAINS.items():
        for piece in _past(connection, counter, table):
            if connection.execute(text(f"SELECT 1 FROM {piece.name} LIMIT 1")).first() is None:
                twins = [one for other in others for one in pieces(connection, other) if one.high == piece.high]
                for one in (piece, *twins):
                    connection.execute(text(f"DROP TABLE {one.name}")).close()
                count += 1
    return count


def _past(connection: Connection, counter: str, table: str) -> Iterator[Piece]:
    """Pieces behind which another one is full: no call that took its keys in them still has to write."""
    last = read_counter(driver(connection), counter)
    for piece, behind in pairwise(pieces(connection, table)):
        if behind.high <= last:
            yield piece


def _empty_messages(connection: Connection, before_ms: int) -> int:
    young = f"NOT ({ended(':before')})"
    parts = {piece.high: piece.name for piece in pieces(connection, "parts")}
    for piece in _past(connection, "message", "messages"):
        if connection.execute(text(f"SELECT 1 FROM {piece.name} WHERE {young} LIMIT 1"), {"before": before_ms}).first():
            continue
        connection.execute(text(f"LOCK TABLE {piece.name}, {parts[piece.high]} IN ACCESS EXCLUSIVE MODE")).close()
        count = int(connection.execute(text(f"SELECT count(*) FROM {piece.name}")).scalar_one())
        if not count:
            continue
        amounts = {"submissions": 0, "messages": "count(*)", "sent": 0, "refunded": "sum(refunded_milli)"}
        connection.execute(text(_CARRY.format(rows=piece.name, **amounts))).close()
        connection.execute(text(_NO_LONGER_WHOLE.format(piece=piece.name))).close()
        connection.execute(text(f"TRUNCATE {piece.name}, {parts[piece.high]}")).close()
        return count
    return 0


def _empty_submissions(connection: Connection, before_ms: int) -> int:
    requests = {piece.high: piece.name for piece in pieces(connection, "requests")}
    for piece in _past(connection, "submission", "submissions"):
        own = f"BETWEEN {piece.low} AND {piece.high - 1}"
        young = text(f"SELECT 1 FROM {piece.name} WHERE accepted_at_ms >= :before LIMIT 1")
        with_messages = text(f"SELECT 1 FROM messages WHERE submission_id {own} LIMIT 1")
        if connection.execute(young, {"before": before_ms}).first() or connection.execute(with_messages).first():
            continue
        if connection.execute(text(f"SELECT 1 FROM {piece.name} LIMIT 1")).first() is None:
            continue
        # Entries are never changed, so nobody waits for these locks; the piece itself is locked at the very end.
        gone = f"DELETE FROM ledger WHERE kind = 'send' AND submission_id {own} RETURNING debit_book, amount_milli"
        rows = "(SELECT debit_book AS account_id, amount_milli FROM gone) AS paid"
        amounts = {"submissions": 0, "messages": 0, "sent": "sum(amount_milli)", "refunded": 0}
        connection.execute(text(f"WITH gone AS ({gone}) {_CARRY.format(rows=rows, **amounts)}")).close()
        both = f"{piece.name}, {requests[piece.high]}"
        connection.execute(text(f"LOCK TABLE {both} IN ACCESS EXCLUSIVE MODE")).close()
        count = int(connection.execute(text(f"SELECT count(*) FROM {piece.name}")).scalar_one())
        amounts = {"submissions": "count(*)", "messages": 0, "sent": 0, "refunded": 0}
        connection.execute(text(_CARRY.format(rows=piece.name, **amounts))).close()
        connection.execute(text(f"TRUNCATE {both}")).close()
        return count
    return 0

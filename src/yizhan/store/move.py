"""Move: everything that a SQLite store holds goes into an empty PostgreSQL, in steps that can be taken up again.

Each step is one transaction: some rows, and how far that is. So whoever is killed goes on behind the last step, and no
row comes twice. At the end both sides are counted and summed, and the books of the new one are held against its rows.
"""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Table, func, inspect, select, text, tuple_
from sqlalchemy.exc import DatabaseError

from yizhan.model.settings import StoreSettings
from yizhan.store.accept import read_counter
from yizhan.store.directory import Locked, Unusable, lock_directory
from yizhan.store.hand import driver
from yizhan.store.ledger import verify_ledger
from yizhan.store.migrate import SchemaTooNew, migrate
from yizhan.store.partitions import extend
from yizhan.store.schema import FIRST_MESSAGE_KEY, berths, counters, marks, metadata, nodes, schema_floor, tellings
from yizhan.store.sqlite import LAST_PUSH
from yizhan.store.sqlite_file import engine_on
from yizhan.store.writer import one_line

ROWS_A_STEP = 20_000
_LARGE = {"mailing_pieces": 100}  # each has hundreds of a file's rows, so that fewer are a step
# What each engine has for itself.
_STAYS = (counters, nodes, berths, marks, schema_floor, tellings)
TABLES = tuple(table for table in metadata.sorted_tables if table not in _STAYS)
_SUMS = {"accounts": "balance_milli", "ledger": "amount_milli", "submissions": "price_milli", "messages": "price_milli"}
_PROGRESS = "moving"
_LEAST = {"submission": 0, "message": FIRST_MESSAGE_KEY - 1}


class MoveFailed(Exception):
    """The new store is not complete; the old one is what it was. The text says why."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    table: str
    rows: int  # of the table, moved so far
    of: int


@dataclass(slots=True)
class MoveView:
    """What was moved, and what both sides say of it."""

    rows: dict[str, int] = field(default_factory=dict)
    sums_milli: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)


def move(data: Path, store: Path, url: str, tell: Callable[[Progress], None]) -> MoveView:
    """Move the database ``store`` of the data directory ``data`` to the PostgreSQL ``url``; no gateway may run.

    The old store is only read, but for being brought to this program's schema. Raises MoveFailed.
    """
    if not store.exists():
        raise MoveFailed(f"there is no store {store}")
    try:
        import psycopg

        from yizhan.store import postgres_server
    except ModuleNotFoundError as error:
        raise MoveFailed(f"{error.name} is not installed: pip install yizhan[postgres]") from error
    try:
        with ExitStack() as stack:
            lock = lock_directory(data)
            stack.callback(os.close, lock)
            old = stack.enter_context(engine_on(store, writes=True).connect())
            migrate(old)
            new = stack.enter_context(postgres_server.engine_on(url, writes=True).connect())
            migrate(new)
            _begin(new)
            _set_counters(old, new)
            with old.begin():
                for table in TABLES:
                    _move_table(old, new, table, tell)
                return _finish(old, new)
    except Locked as error:
        raise MoveFailed(f"{error}: stop the gateway first") from error
    except (Unusable, SchemaTooNew, OSError) as error:
        raise MoveFailed(str(error)) from error
    except (DatabaseError, psycopg.Error) as error:
        raise MoveFailed(one_line(error)) from error


def _begin(new: Connection) -> None:
    """An empty store, or one that a move has begun to fill."""
    with new.begin():
        if inspect(new).has_table(_PROGRESS):
            return
        for table in TABLES:
            if new.execute(select(func.count()).select_from(table.select().limit(1).subquery())).scalar_one():
                raise MoveFailed(f"the new store is in use: its table {table.name} has rows")
        new.execute(text(f"CREATE TABLE {_PROGRESS} (name text PRIMARY KEY, last text NOT NULL, rows bigint NOT NULL)"))


def _move_table(old: Connection, new: Connection, table: Table, tell: Callable[[Progress], None]) -> None:
    of = _count(old, table)
    with new.begin():
        found = new.execute(
            text(f"SELECT last, rows FROM {_PROGRESS} WHERE name = :name"), {"name": table.name}
        ).first()
    last, moved = (json.loads(found.last), found.rows) if found else (None, 0)
    tell(Progress(table.name, moved, of))
    columns = list(table.columns)
    for rows in _steps(old, table, last, min(ROWS_A_STEP, _LARGE.get(table.name, ROWS_A_STEP))):
        with new.begin():
            _copy(new, table, columns, rows)
            moved += len(rows)
            key = [rows[-1][columns.index(column)] for column in table.primary_key]
            _note(new, table, json.dumps(key), moved)
        tell(Progress(table.name, moved, of))


def _steps(old: Connection, table: Table, last: Sequence[Any] | None, size: int) -> Iterator[Sequence[Sequence[Any]]]:
    """The rows behind ``last``, in the order of their keys, some at a time."""
    keys: list[Column[Any]] = list(table.primary_key)
    while True:
        query = select(table).order_by(*keys).limit(size)
        if last is not None:
            query = query.where(tuple_(*keys) > tuple_(*last))
        rows = old.execute(query).fetchall()
        if not rows:
            return
        yield rows
        last = [getattr(rows[-1], column.key) for column in keys]


def _copy(new: Connection, table: Table, columns: list[Column[Any]], rows: Sequence[Sequence[Any]]) -> None:
    names = ", ".join(f'"{column.name}"' for column in columns)
    truths = [place for place, column in enumerate(columns) if isinstance(column.type, Boolean)]
    cursor = driver(new).server.cursor()
    with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row([bool(v) if place in truths else v for place, v in enumerate(row)] if truths else row)


def _note(new: Connection, table: Table, last: str, moved: int) -> None:
    new.execute(
        text(
            f"INSERT INTO {_PROGRESS} (name, last, rows) VALUES (:name, :last, :rows)"
            " ON CONFLICT (name) DO UPDATE SET last = excluded.last, rows = excluded.rows"
        ),
        {"name": table.name, "last": last, "rows": moved},
    )


def _finish(old: Connection, new: Connection) -> MoveView:
    """Counters, and both sides compared. Only what holds loses the mark of being under way."""
    with new.begin():
        _set_sequences(old, new)
        new.execute(text("ANALYZE"))
    with new.begin():
        view = _compare(old, new)
        if not view.faults:
            new.execute(text(f"DROP TABLE {_PROGRESS}"))
    return view


def _set_counters(old: Connection, new: Connection) -> None:
    """No id is given out again; and every row that comes has a piece of its table to go into."""
    with new.begin():
        for name, least in _LEAST.items():
            if (last := read_counter(driver(old), name, least)) > least:
                new.execute(text("SELECT setval(:keys, :last)"), {"keys": f"{name}_keys", "last": last})
        extend(new, StoreSettings().partition_rows)


def _set_sequences(old: Connection, new: Connection) -> None:
    """The same of the keys that tables count by themselves."""
    last_push = int(driver(old).execute(LAST_PUSH).fetchone()[0])
    for table in TABLES:
        sequence = None
        if table.autoincrement_column is not None:
            sequence = new.execute(text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table.name}).scalar()
        if sequence is None:
            continue
        newest = new.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one()
        if newest := max(newest, last_push if table.name == "pushes" else 0):
            new.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": newest})


def _compare(old: Connection, new: Connection) -> MoveView:
    view = MoveView()
    for table in TABLES:
        ours, theirs = _count(old, table), _count(new, table)
        view.rows[table.name] = theirs
        if ours != theirs:
            view.faults.append(f"{table.name}: {ours} rows there, {theirs} here")
        if column := _SUMS.get(table.name):
            total = func.coalesce(func.sum(table.c[column]), 0)
            before, after = (int(side.execute(select(total)).scalar_one()) for side in (old, new))
            view.sums_milli[f"{table.name}.{column}"] = after
            if before != after:
                view.faults.append(f"{table.name}.{column}: {before} there, {after} here")
    view.faults += [f"the ledger does not hold: {fault}" for fault in verify_ledger(new).faults]
    return view


def _count(side: Connection, table: Table) -> int:
    return int(side.execute(select(func.count()).select_from(table)).scalar_one())

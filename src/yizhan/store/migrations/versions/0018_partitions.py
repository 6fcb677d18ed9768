"""On PostgreSQL the large tables lie in pieces by their keys (ADR 0020). What there is becomes the first piece."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

# As long as nobody says otherwise; keys that are given out while this runs fit in, too.
_ROWS = 2_000_000
_TABLES = {
    "submissions": ("id", "submission"),
    "requests": ("submission_id", "submission"),
    "messages": ("id", "message"),
    "parts": ("message_id", "message"),
}
# The key of the pieces has to stand in everything unique.
_UNIQUE = {"submissions_client": "account_id, client_id, id"}

_INDEXES = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = :table"


def upgrade() -> None:
    """Nothing on SQLite."""
    if op.get_bind().dialect.name == "postgresql":
        for table, (key, counter) in _TABLES.items():
            _divide(table, key, counter)


def _divide(table: str, key: str, counter: str) -> None:
    connection = op.get_bind()
    indexes = connection.execute(sa.text(_INDEXES), {"table": table}).fetchall()
    first = f"{table}_first"
    last = connection.execute(sa.text(f"SELECT last_value FROM {counter}_keys")).scalar_one()
    op.execute(f"ALTER TABLE {table} RENAME TO {first}")
    for name, _ in indexes:
        op.execute(f"ALTER INDEX {name} RENAME TO first_{name}")
    op.execute(f"ALTER TABLE {first} ALTER COLUMN {key} DROP DEFAULT")
    op.execute(f"CREATE TABLE {table} (LIKE {first} INCLUDING DEFAULTS) PARTITION BY RANGE ({key})")
    for name, made_by in indexes:
        if name.endswith("_pkey"):
            columns = made_by[made_by.rindex("(") :]
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} PRIMARY KEY {columns}")
        elif name in _UNIQUE:
            op.execute(f"DROP INDEX first_{name}")
            for prefix, divided in (("first_", first), ("", table)):
                op.execute(f"CREATE UNIQUE INDEX {prefix}{name} ON {divided} ({_UNIQUE[name]})")
        else:
            op.execute(made_by)
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (MINVALUE) TO ({last + _ROWS})")

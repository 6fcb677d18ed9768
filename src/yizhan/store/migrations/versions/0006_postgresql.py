"""What PostgreSQL needs besides the tables: counters that hold no lock until the commit, text in code point order."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

# Counters of their own: a row of ``counters`` would be locked until its transaction has ended, and nodes would wait for
# each other at every call. The lock here is held for the moment of taking some keys.
_TAKE_KEYS = """
CREATE FUNCTION take_keys(name text, count bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    keys regclass := (name || '_keys')::regclass;
    last bigint;
BEGIN
    IF count = 0 THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_lock(keys::oid::bigint);
    last := setval(keys, nextval(keys) + count - 1);
    PERFORM pg_advisory_unlock(keys::oid::bigint);
    RETURN last;
END $$"""

_OWN_ORDER = """
SELECT table_name, column_name, character_maximum_length FROM information_schema.columns
WHERE table_schema = current_schema() AND data_type IN ('character varying', 'text') AND collation_name IS NULL
    AND table_name <> 'alembic_version'"""


def upgrade() -> None:
    """Nothing on SQLite."""
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    op.execute("CREATE SEQUENCE submission_keys")
    op.execute("CREATE SEQUENCE message_keys START 10000000001 MINVALUE 10000000001")
    op.execute(_TAKE_KEYS)
    for table, column, length in connection.execute(sa.text(_OWN_ORDER)).fetchall():
        kind = "text" if length is None else f"varchar({length})"
        op.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE {kind} COLLATE "C"')

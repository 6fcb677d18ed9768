"""What people send from files."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_TEXTS = {
    "mailings": (("id", 16), ("person", 64), ("file", None), ("how", None), ("forecast", None)),
    "mailing_pieces": (("mailing", 16), ("entries", None), ("fates", None)),
}
_SENDING = "confirmed_at_ms IS NOT NULL AND finished_at_ms IS NULL"


def upgrade() -> None:
    """Two tables more."""
    op.create_table(
        "mailings",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("forecast", sa.Text(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("stopped_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("mailings_account", "mailings", ["account_id", "made_at_ms"])
    op.create_index("mailings_made", "mailings", ["made_at_ms"])
    where = sa.text(_SENDING)
    op.create_index("mailings_sending", "mailings", ["confirmed_at_ms"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "mailing_pieces",
        sa.Column("mailing", sa.String(length=16), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sendable", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("price_milli", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Text(), nullable=False),
        sa.Column("fates", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("mailing", "place"),
        sqlite_with_rowid=False,
    )
    if op.get_bind().dialect.name == "postgresql":
        for table, columns in _TEXTS.items():
            for column, length in columns:
                kind = "text" if length is None else f"varchar({length})"
                op.execute(f'ALTER TABLE {table} ALTER COLUMN "{column}" TYPE {kind} COLLATE "C"')

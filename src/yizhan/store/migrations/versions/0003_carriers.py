"""Carriers: living channels, routes, long replies; ids that carriers use again; what routing knows of a message."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Build the tables, and give what is stored the columns of today."""
    op.add_column("messages", sa.Column("route_key", sa.String(length=255), nullable=False, server_default=""))
    op.drop_index("messages_claim", "messages")
    op.create_index(
        "messages_claim",
        "messages",
        ["state", "lane", "account_id", "route_key", "due_at_ms", "id"],
        unique=False,
        sqlite_where=sa.text("due_at_ms IS NOT NULL"),
        postgresql_where=sa.text("due_at_ms IS NOT NULL"),
    )
    op.create_index(
        "messages_sent",
        "messages",
        ["number", "sent_at_ms"],
        unique=False,
        sqlite_where=sa.text("state = 5"),
        postgresql_where=sa.text("state = 5"),
    )
    op.add_column("parts", sa.Column("carrier_key", sa.String(length=80), nullable=True))
    op.add_column("parts", sa.Column("pieces", sa.SmallInteger(), nullable=False, server_default="0"))
    op.execute(
        "UPDATE parts SET carrier_key = coalesce(nullif(ltrim(upper(carrier_id), '0'), ''), '0')"
        " WHERE carrier_id IS NOT NULL"
    )
    op.drop_index("parts_carrier", "parts")
    op.create_index(
        "parts_carrier",
        "parts",
        ["channel", "carrier_key"],
        unique=False,
        sqlite_where=sa.text("carrier_key IS NOT NULL"),
        postgresql_where=sa.text("carrier_key IS NOT NULL"),
    )
    _parked_receipts()
    _tables()


def _parked_receipts() -> None:
    op.rename_table("parked_receipts", "parked_before")
    op.create_table(
        "parked_receipts",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("carrier_key", sa.String(length=80), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("carrier_id", sa.String(length=80), nullable=False),
        sa.Column("word", sa.String(length=32), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "carrier_key", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("parked_number", "parked_receipts", ["channel", "number"], unique=False)
    op.execute(
        "INSERT INTO parked_receipts (channel, carrier_key, number, carrier_id, word, at_ms)"
        " SELECT channel, coalesce(nullif(ltrim(upper(carrier_id), '0'), ''), '0'), '', carrier_id, word, at_ms"
        " FROM parked_before WHERE true ON CONFLICT DO NOTHING"
    )
    op.drop_table("parked_before")


def _tables() -> None:
    op.create_table(
        "channels",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "paused_channels",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("paused_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "routes",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("prefix", sa.String(length=15), nullable=False),
        sa.Column("country", sa.String(length=4), nullable=False),
        sa.Column("network", sa.String(length=2), nullable=True),
        sa.Column("text_class", sa.String(length=16), nullable=True),
        sa.Column("tiers", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "reply_parts",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("sent_to", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("total", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "number", "sent_to", "reference", "total", "part"),
        sqlite_with_rowid=False,
    )

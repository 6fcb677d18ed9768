"""Replies, hand-outs, webhooks, cards, profiles, and what accounts need for them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# The messages that had ended before there were hand-outs: their reports wait from now on, too.
_WAITING_REPORTS = """
INSERT INTO handouts (queue, account_id, at_ms, item_id, leased_until_ms)
SELECT {queue}, account_id, finished_at_ms, id, 0 FROM messages
WHERE finished_at_ms IS NOT NULL AND state IN ({states})"""


def upgrade() -> None:
    """Build the tables, and hand out what has ended already."""
    for column in (
        sa.Column("extension", sa.String(length=20), nullable=False, server_default=""),
        sa.Column("opt_out", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("agent", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("agent_id", sa.BigInteger(), nullable=True),
    ):
        op.add_column("accounts", column)
    op.create_table(
        "profiles",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("corp_name", sa.Text(), nullable=False),
        sa.Column("link_man", sa.Text(), nullable=False),
        sa.Column("tel", sa.Text(), nullable=False),
        sa.Column("mobile", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("memo", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "cards",
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("credit_milli", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("used_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
        sqlite_with_rowid=False,
    )
    _handing_out()
    _pushing()
    op.execute(_WAITING_REPORTS.format(queue=2, states="10, 11, 12, 13, 14, 15, 16, 17"))
    op.execute(_WAITING_REPORTS.format(queue=3, states="11, 13, 15, 16, 17"))


def _handing_out() -> None:
    op.create_table(
        "replies",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("sent_to", sa.String(length=32), nullable=False),
        sa.Column("cell", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "handouts",
        sa.Column("queue", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("item_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leased_until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "account_id", "at_ms", "item_id"),
        sqlite_with_rowid=False,
    )


def _pushing() -> None:
    op.create_table(
        "webhooks",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "pushes",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("queue", sa.SmallInteger(), nullable=False),
        sa.Column("item_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.SmallInteger(), nullable=False),
        sa.Column("next_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("parked", sa.Boolean(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "pushes_order",
        "pushes",
        ["account_id", "id"],
        unique=False,
        sqlite_where=sa.text("parked = 0"),
        postgresql_where=sa.text("NOT parked"),
    )
    op.create_index(
        "pushes_due",
        "pushes",
        ["account_id", "number", "id"],
        unique=False,
        sqlite_where=sa.text("parked = 0"),
        postgresql_where=sa.text("NOT parked"),
    )

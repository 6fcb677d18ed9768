"""Tallies: what the nodes of a store tell each other of what they have counted."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """One table."""
    op.create_table(
        "tellings",
        sa.Column("node_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("takings", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("node_id", "number"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE tellings ALTER COLUMN takings TYPE text COLLATE "C"')

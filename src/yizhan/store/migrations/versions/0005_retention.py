"""Old messages go, and what they cost is carried forward."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """A table and a column more."""
    op.create_table(
        "carried",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("submissions", sa.BigInteger(), nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("sent_milli", sa.BigInteger(), nullable=False),
        sa.Column("refunded_milli", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.add_column("submissions", sa.Column("pruned_milli", sa.BigInteger(), nullable=False, server_default="0"))

"""What the admin API has answered to changes that may come again."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """A table more."""
    op.create_table(
        "answers",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for column, kind in (("key", "varchar(64)"), ("digest", "varchar(64)"), ("body", "text")):
            op.execute(f'ALTER TABLE answers ALTER COLUMN {column} TYPE {kind} COLLATE "C"')

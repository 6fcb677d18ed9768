"""What the API was asked to do once only."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """A table more."""
    op.create_table(
        "once",
        sa.Column("account_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("client_id", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "key"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for column in ("key", "digest"):
            op.execute(f'ALTER TABLE once ALTER COLUMN {column} TYPE varchar(64) COLLATE "C"')

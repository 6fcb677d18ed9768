"""Who may call the admin API over the network."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """A table more."""
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_index("tokens_hash", "tokens", ["hash"], unique=True)
    if op.get_bind().dialect.name == "postgresql":
        for column, length in (("name", 64), ("hash", 64), ("role", 16)):
            op.execute(f'ALTER TABLE tokens ALTER COLUMN {column} TYPE varchar({length}) COLLATE "C"')

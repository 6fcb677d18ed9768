"""Second factors of people, and log-ins that stand between the password and the code."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Two tables more."""
    op.create_table(
        "second_factors",
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.String(length=32), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("recovery", sa.Text(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "half_sessions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=32), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_index("half_sessions_person", "half_sessions", ["person"])
    if op.get_bind().dialect.name == "postgresql":
        texts = {"second_factors": (("person", 32), ("secret", 32)), "half_sessions": (("hash", 64), ("person", 32))}
        op.execute('ALTER TABLE second_factors ALTER COLUMN recovery TYPE text COLLATE "C"')
        for table, columns in texts.items():
            for column, length in columns:
                op.execute(f'ALTER TABLE {table} ALTER COLUMN {column} TYPE varchar({length}) COLLATE "C"')

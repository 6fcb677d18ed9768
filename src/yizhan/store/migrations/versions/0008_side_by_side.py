"""Old and new programs side by side: which of them may work on the store, and which schema each node knows."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """A table of one row, and a column more."""
    floor = op.create_table("schema_floor", sa.Column("revision", sa.String(length=8), nullable=False))
    op.bulk_insert(floor, [{"revision": revision}])
    op.add_column("nodes", sa.Column("schema", sa.String(length=8), nullable=False, server_default="0007"))
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE schema_floor ALTER COLUMN revision TYPE varchar(8) COLLATE "C"')
        op.execute('ALTER TABLE nodes ALTER COLUMN schema TYPE varchar(8) COLLATE "C"')

"""Messages are found by their number, and those that were not delivered by their state (ADR 0026)."""

from alembic import op

revision = "0019"
down_revision = "0018"

_INDEXES = {
    "messages_number": "((id >> 12), number)",
    "messages_undelivered": "(state, account_id, id) WHERE state > 10",
}


def upgrade() -> None:
    """Two indexes. Pieces that have rows get theirs while nobody waits (``store.partitions.build_index``)."""
    connection = op.get_bind()
    filled = connection.exec_driver_sql("SELECT 1 FROM messages LIMIT 1").first() is not None
    only = "ONLY " if filled and connection.dialect.name == "postgresql" else ""
    for name, columns in _INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON {only}messages {columns}")

"""What was done to one thing is found in the audit log without reading all of it."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """An index more."""
    op.create_index("audit_subject", "audit", ["subject"])

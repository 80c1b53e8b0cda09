"""REQUIRETLS of a message (RFC 8689)."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was accepted before asked for nothing."""
    op.add_column("messages", sa.Column("require_tls", sa.Boolean, nullable=False, server_default=sa.false()))

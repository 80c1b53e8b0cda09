"""MTA-STS policies, and what TLS reports are made of."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Three tables, empty."""
    op.create_table(
        "sts_policies",
        sa.Column("domain", sa.Text, primary_key=True),
        sa.Column("policy_id", sa.String(32), nullable=False),
        sa.Column("mode", sa.String(8), nullable=False),
        sa.Column("hosts", sa.JSON, nullable=False),
        sa.Column("max_age", sa.Integer, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("refresh_at", sa.BigInteger, nullable=False),
    )
    op.create_index("sts_policies_refresh", "sts_policies", ["refresh_at"])
    op.create_table(
        "tls_sessions",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("domain", sa.Text, nullable=False),
        sa.Column("policy", sa.JSON, nullable=False),
        sa.Column("result", sa.String(32), nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("our_address", sa.String(64), nullable=False),
        sa.Column("sessions", sa.BigInteger, nullable=False),
    )
    op.create_index("tls_sessions_day", "tls_sessions", ["day", "domain"])
    op.create_table(
        "tls_reports",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("domain", sa.Text, primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
    )

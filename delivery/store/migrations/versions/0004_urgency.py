"""How urgent an item is, and destinations that cannot be reached."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What waits already stands between what is new and what was tried."""
    op.add_column("items", sa.Column("urgency", sa.SmallInteger(), nullable=False, server_default="2"))
    op.execute("UPDATE items SET urgency = 1 WHERE kind <> 'mail'")
    op.execute("UPDATE items SET urgency = 10 WHERE kind = 'mail' AND attempts > 0")
    op.drop_index("items_due", "items")
    op.create_index("items_due", "items", ["state", "urgency", "next_at"])
    op.create_table(
        "circuits",
        sa.Column("id", sa.String(400), nullable=False),
        sa.Column("route", sa.String(16), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("probes", sa.Integer(), nullable=False),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )

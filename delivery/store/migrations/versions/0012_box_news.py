"""What is new in a box for each of those who keep it, and what is written for one guest alone."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What happened before is news to nobody."""
    for name in ("replies", "openings", "asks"):
        op.add_column("boxes", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("box_messages", sa.Column("only_for", sa.String(32), nullable=True))
    op.create_table(
        "box_looks",
        sa.Column("box_id", sa.String(32), sa.ForeignKey("boxes.id"), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("namespace", sa.String(63), sa.ForeignKey("namespaces.name"), nullable=False),
        sa.Column("replies", sa.Integer(), nullable=False),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("asks", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("box_id", "address_key"),
    )

"""What people chose to be spoken to in."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody has chosen anything yet."""
    op.create_table(
        "languages",
        sa.Column("namespace", sa.String(63), sa.ForeignKey("namespaces.name"), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("language", sa.String(16), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "address_key"),
    )
    op.create_index("languages_used", "languages", ["used_at"])

"""Sessions of senders, who sign in to their own SafeBoxes."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The address they proved; empty for guests' sessions, as for all that were there before."""
    op.add_column("sessions", sa.Column("owner", sa.Text(), nullable=True))

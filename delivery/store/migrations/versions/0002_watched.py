"""An index of what watching rules saw."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of these events only: other events pay nothing for it."""
    watched = sa.text("kind = 'rule.watched'")
    op.create_index("audit_events_watched", "audit_events", ["at"], sqlite_where=watched, postgresql_where=watched)

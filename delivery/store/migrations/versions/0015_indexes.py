"""Indexes of those rows only that are asked for, so that the others pay nothing for them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """An index that has every state led statements which name items to all that wait."""
    op.drop_index("items_due", "items")
    op.drop_index("items_worker", "items")
    op.drop_index("messages_finished", "messages")
    op.drop_index("finished_items_finished", "finished_items")
    op.drop_index("audit_events_box", "audit_events")
    for name, table, columns, condition in (
        ("items_due", "items", ["urgency", "next_at", "id"], "state = 'due'"),
        ("items_leased", "items", ["id"], "state = 'leased'"),
        ("messages_finished", "messages", ["finished_at"], "finished_at IS NOT NULL"),
        ("audit_events_box", "audit_events", ["box_id"], "box_id IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)

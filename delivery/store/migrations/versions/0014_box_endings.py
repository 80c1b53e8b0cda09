"""When guests are told that a box's content goes soon, and when somebody last did something with a box."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_LAST_ACT = """
    UPDATE boxes SET acted_at = COALESCE((
        SELECT MAX(at) FROM audit_events
        WHERE audit_events.box_id = boxes.id AND audit_events.namespace = boxes.namespace AND kind IN (
            'box.read', 'box.answered', 'box.asked', 'box.declined', 'box.locked', 'box.joined', 'box.removed',
            'box.extended', 'box.reopened', 'box.recalled', 'box.guest_recalled', 'box.document_recalled'
        )
    ), created_at)
"""


def upgrade() -> None:
    """Boxes that stand were promised no word of their end: `expiring_at` stays empty."""
    op.add_column("boxes", sa.Column("expiring_at", sa.BigInteger(), nullable=True))
    op.create_index("boxes_expiring", "boxes", ["expiring_at"])
    op.add_column("boxes", sa.Column("acted_at", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(_LAST_ACT)
    op.create_index("boxes_acted", "boxes", ["namespace", "acted_at", "id"])

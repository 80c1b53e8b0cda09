"""Files that arrive piece by piece, before the answer they belong to."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is under way yet."""
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("namespace", sa.String(63), sa.ForeignKey("namespaces.name"), nullable=False),
        sa.Column("box_id", sa.String(32), sa.ForeignKey("boxes.id"), nullable=False),
        sa.Column("participant_id", sa.String(32), sa.ForeignKey("participants.id"), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("facts_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("pieces", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("uploads_participant", "uploads", ["participant_id"])
    op.create_index("uploads_address", "uploads", ["namespace", "address_key"])
    op.create_index("uploads_box", "uploads", ["box_id"])
    op.create_index("uploads_expires", "uploads", ["expires_at"])
    op.create_table(
        "upload_pieces",
        sa.Column("upload_id", sa.String(32), sa.ForeignKey("uploads.id"), nullable=False),
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("namespace", sa.String(63), sa.ForeignKey("namespaces.name"), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("inline_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("blob", sa.String(64), nullable=True),
        sa.PrimaryKeyConstraint("upload_id", "start"),
    )
    named = sa.text("blob IS NOT NULL")
    op.create_index("upload_pieces_blob", "upload_pieces", ["blob"], sqlite_where=named, postgresql_where=named)

"""SafeBoxes as people use them: reminders, people added and removed, consent, recall of one guest or document."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NEW = (
    ("alias_sealed", sa.LargeBinary),
    ("removed_at", sa.BigInteger),
    ("recalled_at", sa.BigInteger),
    ("recall_reason_sealed", sa.LargeBinary),
    ("consented_at", sa.BigInteger),
    ("consented_version", lambda: sa.String(length=60)),
)


def upgrade() -> None:
    """An address may take part once in each role: a sender who writes to themselves is owner and guest."""
    op.add_column("boxes", sa.Column("remind_at", sa.BigInteger(), nullable=True))
    op.create_index("boxes_remind", "boxes", ["remind_at"], unique=False)
    op.add_column("box_documents", sa.Column("recalled_at", sa.BigInteger(), nullable=True))
    op.add_column("box_documents", sa.Column("recall_reason_sealed", sa.LargeBinary(), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("participants_box_id_address_key_key", "participants", type_="unique")
        op.create_unique_constraint(
            "participants_box_id_address_key_role_key", "participants", ["box_id", "address_key", "role"]
        )
        for name, kind in _NEW:
            op.add_column("participants", sa.Column(name, kind(), nullable=True))
        op.add_column("participants", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))
        op.alter_column("participants", "reminders", server_default=None)
        return
    _rebuild()


def _rebuild() -> None:
    """SQLite has no other way to change what is unique."""
    op.create_table(
        "participants_new",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("box_id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.LargeBinary(), nullable=False),
        sa.Column("reference_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("locked_at", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("by_fallback", sa.Boolean(), nullable=False),
        *(sa.Column(name, kind(), nullable=True) for name, kind in _NEW),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["boxes.id"]),
        sa.ForeignKeyConstraint(["namespace"], ["namespaces.name"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("box_id", "address_key", "role"),
        sa.UniqueConstraint("namespace", "reference"),
    )
    kept = "id, box_id, namespace, address, address_key, name_sealed, role, state, reference, reference_sealed, "
    kept += "created_at, locked_at, released_at, by_fallback"
    op.execute(f"INSERT INTO participants_new ({kept}, reminders) SELECT {kept}, 0 FROM participants")  # noqa: S608 - names of columns
    op.drop_table("participants")
    op.rename_table("participants_new", "participants")
    op.create_index("participants_address", "participants", ["namespace", "address_key"], unique=False)

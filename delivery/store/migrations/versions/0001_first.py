"""The first schema. Frozen: a later change is a step of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, each after those it refers to."""
    _attempts()
    _namespaces()
    _workers()
    _accounts()
    _audit_events()
    _boxes()
    _codes()
    _messages()
    _namespace_keys()
    _sessions()
    _throttles()
    _finished_items()
    _items()
    _participants()
    _box_messages()
    _links()
    _box_documents()


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("item_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reply", sa.Text(), nullable=False),
        sa.Column("evidence", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("attempts_item", "attempts", ["item_id"], unique=False)


def _namespaces() -> None:
    op.create_table(
        "namespaces",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _workers() -> None:
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("phrase_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("proven_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("namespace", "address_key"),
    )


def _audit_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=True),
        sa.Column("item_id", sa.String(length=32), nullable=True),
        sa.Column("box_id", sa.String(length=32), nullable=True),
        sa.Column("participant_id", sa.String(length=32), nullable=True),
        sa.Column("decision_id", sa.String(length=32), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("commitments", sa.JSON(), nullable=False),
        sa.Column("persons", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event"),
    )
    op.create_index("audit_events_box", "audit_events", ["box_id"], unique=False)
    op.create_index("audit_events_message", "audit_events", ["message_id"], unique=False)


def _boxes() -> None:
    op.create_table(
        "boxes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("audience", sa.String(length=80), nullable=False),
        sa.Column("profile_name", sa.String(length=63), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("subject_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("by_fallback", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closes_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("deletes_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.Column("recalled_at", sa.BigInteger(), nullable=True),
        sa.Column("recall_reason_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("owner_message_id_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("dek_format", sa.Integer(), nullable=True),
        sa.Column("dek_key_id", sa.String(length=64), nullable=True),
        sa.Column("dek_wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("dek_commitment", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("namespace", "message_id", "profile_name", "audience"),
    )
    op.create_index("boxes_closes", "boxes", ["state", "closes_at"], unique=False)
    op.create_index("boxes_deletes", "boxes", ["state", "deletes_at"], unique=False)
    op.create_index("boxes_owner", "boxes", ["namespace", "owner"], unique=False)


def _codes() -> None:
    op.create_table(
        "codes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("browser", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("codes_participant", "codes", ["participant_id", "created_at"], unique=False)


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("sender", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("subject_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("client", sa.String(length=64), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), nullable=False),
        sa.Column("eight_bit", sa.Boolean(), nullable=False),
        sa.Column("ret", sa.String(length=8), nullable=True),
        sa.Column("envid", sa.Text(), nullable=True),
        sa.Column("dek_format", sa.Integer(), nullable=True),
        sa.Column("dek_key_id", sa.String(length=64), nullable=True),
        sa.Column("dek_wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("dek_commitment", sa.LargeBinary(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("blob", sa.String(length=64), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "messages_blob",
        "messages",
        ["blob"],
        unique=False,
        sqlite_where=sa.text("blob IS NOT NULL"),
        postgresql_where=sa.text("blob IS NOT NULL"),
    )
    op.create_index("messages_finished", "messages", ["finished_at"], unique=False)


def _namespace_keys() -> None:
    op.create_table(
        "namespace_keys",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("root_key_id", sa.String(length=64), nullable=False),
        sa.Column("format", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "namespace_keys_current",
        "namespace_keys",
        ["namespace", "purpose"],
        unique=True,
        sqlite_where=sa.text("retired_at IS NULL"),
        postgresql_where=sa.text("retired_at IS NULL"),
    )


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("account_id", sa.String(length=32), nullable=True),
        sa.Column("participant_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("sessions_expires", "sessions", ["expires_at"], unique=False)


def _throttles() -> None:
    op.create_table(
        "throttles",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("window_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.Column("locks", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("key"),
    )


def _finished_items() -> None:
    op.create_table(
        "finished_items",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("route", sa.String(length=16), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("fallback_at", sa.BigInteger(), nullable=True),
        sa.Column("delay_notice_at", sa.BigInteger(), nullable=True),
        sa.Column("fallback_route", sa.String(length=16), nullable=True),
        sa.Column("fell_back", sa.Boolean(), nullable=False),
        sa.Column("profile", sa.String(length=63), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.String(length=32), nullable=False),
        sa.Column("notify", sa.String(length=32), nullable=True),
        sa.Column("orcpt", sa.Text(), nullable=True),
        sa.Column("changes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("participant_id", sa.String(length=32), nullable=True),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
        ),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("finished_items_finished", "finished_items", ["finished_at"], unique=False)
    op.create_index("finished_items_message", "finished_items", ["message_id"], unique=False)


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("route", sa.String(length=16), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("fallback_at", sa.BigInteger(), nullable=True),
        sa.Column("delay_notice_at", sa.BigInteger(), nullable=True),
        sa.Column("fallback_route", sa.String(length=16), nullable=True),
        sa.Column("fell_back", sa.Boolean(), nullable=False),
        sa.Column("profile", sa.String(length=63), nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("decision_id", sa.String(length=32), nullable=False),
        sa.Column("notify", sa.String(length=32), nullable=True),
        sa.Column("orcpt", sa.Text(), nullable=True),
        sa.Column("changes_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("participant_id", sa.String(length=32), nullable=True),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("lease_worker", sa.String(length=32), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["messages.id"],
        ),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("items_due", "items", ["state", "next_at"], unique=False)
    op.create_index("items_message", "items", ["message_id"], unique=False)
    op.create_index("items_worker", "items", ["lease_worker"], unique=False)


def _participants() -> None:
    op.create_table(
        "participants",
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
        sa.ForeignKeyConstraint(
            ["box_id"],
            ["boxes.id"],
        ),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("box_id", "address_key"),
        sa.UniqueConstraint("namespace", "reference"),
    )
    op.create_index("participants_address", "participants", ["namespace", "address_key"], unique=False)


def _box_messages() -> None:
    op.create_table(
        "box_messages",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("box_id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("author_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("written_at", sa.BigInteger(), nullable=False),
        sa.Column("content_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("original_blob", sa.String(length=64), nullable=True),
        sa.Column("original_size", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"],
            ["participants.id"],
        ),
        sa.ForeignKeyConstraint(
            ["box_id"],
            ["boxes.id"],
        ),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "box_messages_blob",
        "box_messages",
        ["original_blob"],
        unique=False,
        sqlite_where=sa.text("original_blob IS NOT NULL"),
        postgresql_where=sa.text("original_blob IS NOT NULL"),
    )
    op.create_index("box_messages_box", "box_messages", ["box_id", "written_at"], unique=False)


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.ForeignKeyConstraint(
            ["participant_id"],
            ["participants.id"],
        ),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_index("links_participant", "links", ["participant_id"], unique=False)


def _box_documents() -> None:
    op.create_table(
        "box_documents",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("box_id", sa.String(length=32), nullable=False),
        sa.Column("box_message_id", sa.String(length=32), nullable=False),
        sa.Column("namespace", sa.String(length=63), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("facts_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("inline_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("blob", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["box_id"],
            ["boxes.id"],
        ),
        sa.ForeignKeyConstraint(
            ["box_message_id"],
            ["box_messages.id"],
        ),
        sa.ForeignKeyConstraint(
            ["namespace"],
            ["namespaces.name"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "box_documents_blob",
        "box_documents",
        ["blob"],
        unique=False,
        sqlite_where=sa.text("blob IS NOT NULL"),
        postgresql_where=sa.text("blob IS NOT NULL"),
    )
    op.create_index("box_documents_box", "box_documents", ["box_id"], unique=False)

"""The tables of SafeBoxes: boxes, who takes part, their links, messages and documents."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from delivery.store.schema import UtcTime, dek_columns, metadata, where_named

boxes = Table(
    "boxes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("message_id", String(32), nullable=False),  # the queued message it was made from
    Column("audience", String(80), nullable=False),  # `all`, or the participant's own address digest (Bcc)
    Column("profile_name", String(63), nullable=False),
    Column("profile", JSON, nullable=False),  # frozen at creation
    Column("owner", Text, nullable=False),
    Column("owner_name_sealed", LargeBinary),
    Column("subject_sealed", LargeBinary),
    Column("state", String(16), nullable=False),  # delivery.safebox.lifecycle.BoxState
    Column("by_fallback", Boolean, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("closes_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("deletes_at", UtcTime),  # NULL: kept forever
    Column("deleted_at", UtcTime),
    Column("recalled_at", UtcTime),
    Column("recall_reason_sealed", LargeBinary),  # what the owner wants guests to read
    Column("owner_message_id_sealed", LargeBinary),  # Message-ID of the owner's mail, for threading
    Column("remind_at", UtcTime),  # when guests who have not opened it are reminded next; NULL: never again
    Column("expiring_at", UtcTime),  # when guests are told that its content goes soon; NULL: never, or not again
    *dek_columns(),
    Column("acted_at", UtcTime, nullable=False, server_default="0"),  # when somebody last did something with it
    Column("replies", Integer, nullable=False, server_default="0"),  # how many there were; what is new: box_looks
    Column("openings", Integer, nullable=False, server_default="0"),  # first ones, of guests
    Column("asks", Integer, nullable=False, server_default="0"),  # to open it, or to send it, again
    UniqueConstraint("namespace", "message_id", "profile_name", "audience"),
    Index("boxes_deletes", "state", "deletes_at"),
    Index("boxes_closes", "state", "closes_at"),
    Index("boxes_owner", "namespace", "owner"),
    Index("boxes_remind", "remind_at"),
    Index("boxes_expiring", "expiring_at"),
    Index("boxes_acted", "namespace", "acted_at", "id"),
)

participants = Table(
    "participants",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("box_id", ForeignKey("boxes.id"), nullable=False),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("address", Text, nullable=False),  # as the envelope gave it
    Column("address_key", Text, nullable=False),  # lower case, for look-ups
    Column("name_sealed", LargeBinary),
    Column("role", String(16), nullable=False),  # owner | guest | privileged | colleague
    Column("state", String(16), nullable=False),  # invited | notified | bounced | read | answered | declined
    Column("reference", LargeBinary, nullable=False),  # keyed digest of the reference that can be typed
    Column("reference_sealed", LargeBinary),  # to print it again in later notices
    Column("created_at", UtcTime, nullable=False),
    Column("locked_at", UtcTime),
    Column("released_at", UtcTime),  # by_fallback: the owner let a mailed code suffice
    Column("by_fallback", Boolean, nullable=False),  # invited because a partner could not be reached with proof
    Column("alias_sealed", LargeBinary),  # the name by which others in the box know them, in place of name and address
    Column("removed_at", UtcTime),  # takes part no more
    Column("recalled_at", UtcTime),  # the box was taken back for this one alone
    Column("recall_reason_sealed", LargeBinary),
    Column("consented_at", UtcTime),
    Column("consented_version", String(60)),  # of the profile's consent text
    Column("reminders", Integer, nullable=False, default=0),  # how many they got
    UniqueConstraint("box_id", "address_key", "role"),  # who writes to themselves is owner and guest
    UniqueConstraint("namespace", "reference"),
    Index("participants_address", "namespace", "address_key"),
)

# What each of those who keep a box saw of it last: the counts of `boxes` at that time.
box_looks = Table(
    "box_looks",
    metadata,
    Column("box_id", ForeignKey("boxes.id"), primary_key=True),
    Column("address_key", Text, primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("replies", Integer, nullable=False),
    Column("openings", Integer, nullable=False),
    Column("asks", Integer, nullable=False),
    Column("looked_at", UtcTime, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the 128-bit locator; each resend makes a new one
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("participant_id", ForeignKey("participants.id"), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Index("links_participant", "participant_id"),
)

box_messages = Table(
    "box_messages",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("box_id", ForeignKey("boxes.id"), nullable=False),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("author_id", ForeignKey("participants.id"), nullable=False),
    Column("kind", String(16), nullable=False),  # original | answer
    Column("written_at", UtcTime, nullable=False),
    Column("only_for", String(32)),  # the one guest who reads it beside the owner's side; NULL: whoever may
    Column("content_sealed", LargeBinary),  # JSON: {"subject", "from", "to", "cc", "text", "html"}
    Column("original_blob", String(64)),  # the whole mail as it came, Bcc dropped, for "save as e-mail file"
    Column("original_size", BigInteger),
    Index("box_messages_box", "box_id", "written_at"),
    where_named("box_messages_blob", "original_blob"),
)

box_documents = Table(
    "box_documents",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("box_id", ForeignKey("boxes.id"), nullable=False),
    Column("box_message_id", ForeignKey("box_messages.id"), nullable=False),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("position", Integer, nullable=False),  # in the list; negative: a picture shown in place
    Column("facts_sealed", LargeBinary),  # JSON: {"name", "type", "kind", "sha256", "content_id"}
    Column("size", BigInteger, nullable=False),
    Column("inline_sealed", LargeBinary),  # small documents lie here …
    Column("blob", String(64)),  # … larger ones in this blob file
    Column("recalled_at", UtcTime),  # taken back alone
    Column("recall_reason_sealed", LargeBinary),
    Index("box_documents_box", "box_id"),
    where_named("box_documents_blob", "blob"),
)

# Files that arrive before the answer they belong to. A row goes when that is sent, the file given up, or a day over.
uploads = Table(
    "uploads",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("box_id", ForeignKey("boxes.id"), nullable=False),
    Column("participant_id", ForeignKey("participants.id"), nullable=False),
    Column("address_key", Text, nullable=False),  # whose: what one person has under way is bounded over all boxes
    Column("facts_sealed", LargeBinary, nullable=False),  # JSON: {"name", "type", "modified"}
    Column("size", BigInteger, nullable=False),  # as announced
    Column("received", BigInteger, nullable=False),  # bytes of plaintext in its pieces, without a gap
    Column("pieces", Integer, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("uploads_participant", "participant_id"),
    Index("uploads_address", "namespace", "address_key"),
    Index("uploads_box", "box_id"),
    Index("uploads_expires", "expires_at"),
)

upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload_id", ForeignKey("uploads.id"), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),  # of plaintext
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("inline_sealed", LargeBinary),  # small ones lie here …
    Column("blob", String(64)),  # … larger ones in this blob file
    where_named("upload_pieces_blob", "blob"),
)

"""The tables of the audit trail: its events, the chain over them, signed checkpoints and where they went."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from delivery.store.schema import UtcTime, metadata, where

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("event", String(32), nullable=False, unique=True),  # id of the event
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("kind", String(48), nullable=False),  # delivery.store.audit.EventKind
    Column("message_id", String(32)),
    Column("item_id", String(32)),
    Column("box_id", String(32)),
    Column("participant_id", String(32)),
    Column("decision_id", String(32)),
    Column("facts", JSON, nullable=False),  # what identifies no one: route, rule's position, sizes, reply codes
    Column("commitments", JSON, nullable=False),  # {field: salted commitment} of the personal fields
    Column(
        "persons", JSON(none_as_null=True)
    ),  # {field: {"salt", "value"}}: set NULL to erase a person, the commitments stay; "sealed": so is value
    Column("sealed", LargeBinary),  # JSON under the namespace's audit key: subjects, excerpts, reasons
    Index("audit_events_message", "message_id"),
    Index("audit_events_box", "box_id", **where("box_id IS NOT NULL")),
    Index(
        "audit_events_watched",
        "at",
        **where("kind = 'rule.watched'"),
    ),  # `policy watch` counts them; other events pay nothing for it
)

# The chain over the events: written after their commit, by one process of all.
audit_links = Table(
    "audit_links",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # 1, 2, 3 …
    Column("event_id", BigInteger, nullable=False, unique=True),  # audit_events.id; no key: it proves that one is gone
    Column("link", LargeBinary, nullable=False),  # SHA-256 over the link before, the number and the event
)

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),  # of the last link at that time
    Column("link", LargeBinary, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("complete", BigInteger, nullable=False),  # every event up to this row is in the chain
    Column("key_id", String(64), nullable=False),  # the key in namespace_keys that signed
    Column("signature", LargeBinary, nullable=False),  # Ed25519
)

audit_shipments = Table(
    "audit_shipments",
    metadata,
    Column("destination", Text, primary_key=True),  # as the configuration names it
    Column("number", BigInteger, nullable=False),  # of the last checkpoint it has
)

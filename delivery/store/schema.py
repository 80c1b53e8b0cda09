"""The data dictionary: every table, with what each column means.

Times are UTC (`UtcTime`). `..._sealed` columns hold bytes that `keys.sealing` sealed. Every table that holds
something of a SafeBox, a person or an event carries `namespace`, and every query is scoped by it.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData()


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970: sorts and compares alike in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To microseconds; a naive datetime is a mistake."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times are stored in UTC: the datetime has no zone")
        delta = value - datetime(1970, 1, 1, tzinfo=UTC)
        return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Back to an aware datetime."""
        if value is None:
            return None
        seconds, micros = divmod(int(value), 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def _dek() -> list[Column[Any]]:
    """The columns that hold one wrapped DEK; all NULL once the DEK is destroyed."""
    return [
        Column("dek_format", Integer),
        Column("dek_key_id", String(64)),  # the namespace KEK that wraps it
        Column("dek_wrapped", LargeBinary),
        Column("dek_commitment", LargeBinary),  # HKDF key commitment: the wrong key is told apart from torn bytes
    ]


def _where_named(name: str, column: str) -> Index:
    """An index of the rows that name a blob: the sweep asks for them."""
    named = text(f"{column} IS NOT NULL")
    return Index(name, column, sqlite_where=named, postgresql_where=named)


# --- the installation ---------------------------------------------------------------------------------------------

namespaces = Table(
    "namespaces",
    metadata,
    Column("name", String(63), primary_key=True),  # `default` until more are configured
    Column("created_at", UtcTime, nullable=False),
)

namespace_keys = Table(
    "namespace_keys",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("purpose", String(16), nullable=False),  # delivery.store.vault.Purpose
    Column("root_key_id", String(64), nullable=False),  # the key of the key backend that wraps it
    Column("format", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("retired_at", UtcTime),  # NULL: new DEKs are wrapped by it
    Index(
        "namespace_keys_current",
        "namespace",
        "purpose",
        unique=True,  # two processes that make a namespace's keys at once: one of them loses
        sqlite_where=text("retired_at IS NULL"),
        postgresql_where=text("retired_at IS NULL"),
    ),
)

# A worker holds its lock (Backing.lock) while it lives; a lock that is free means that its items may be taken.
workers = Table(
    "workers",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("started_at", UtcTime, nullable=False),
)

# Where an admin said to wait: `*` is all mail.
pauses = Table(
    "pauses",
    metadata,
    Column("domain", Text, primary_key=True),
    Column("since", UtcTime, nullable=False),
)

# Destinations that cannot be reached: nothing is sent there but a probe now and then.
circuits = Table(
    "circuits",
    metadata,
    Column("id", String(400), primary_key=True),  # the four columns below, in one
    Column("route", String(16), nullable=False),
    Column("target", Text, nullable=False),
    Column("inside", Boolean, nullable=False),
    Column("domain", Text, nullable=False),  # empty where all domains of the destination go to one server
    Column("since", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False),  # when the next probe may go
    Column("probes", Integer, nullable=False),  # that failed
    Column("code", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("reply", Text, nullable=False),  # what kept us from connecting
)

# --- the queue ----------------------------------------------------------------------------------------------------

messages = Table(
    "messages",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("sender", Text),  # envelope sender; NULL for <>
    Column("owner", Text, nullable=False),
    Column("subject_sealed", LargeBinary),
    Column("size", BigInteger, nullable=False),  # of the raw message, in bytes
    Column("recipients", Integer, nullable=False),  # items made with it: the other side of the conservation proof
    Column("received_at", UtcTime, nullable=False),
    Column("client", String(64), nullable=False),  # address of the client
    Column("smtputf8", Boolean, nullable=False),
    Column("eight_bit", Boolean, nullable=False),
    Column("ret", String(8)),
    Column("envid", Text),
    Column("require_tls", Boolean, nullable=False, server_default=false()),  # REQUIRETLS (RFC 8689)
    *_dek(),
    Column("body_sealed", LargeBinary),  # up to 128 KiB of message lie here …
    Column("blob", String(64)),  # … larger ones in this blob file
    Column("finished_at", UtcTime),  # when the last item ended; body and DEK are gone from then on
    Index("messages_finished", "finished_at"),
    _where_named("messages_blob", "blob"),
)


def _item_columns() -> list[Column[Any]]:
    return [
        Column("id", String(32), primary_key=True),
        Column("message_id", ForeignKey("messages.id"), nullable=False),
        Column("namespace", ForeignKey("namespaces.name"), nullable=False),
        Column("kind", String(16), nullable=False),  # delivery.items.Kind
        Column("recipient", Text, nullable=False),
        Column("domain", Text, nullable=False),  # of the recipient: for listing and limits
        Column("route", String(16), nullable=False),  # policy.decision.Route
        Column("target", Text, nullable=False),  # partner's name, or empty
        Column("inside", Boolean, nullable=False),
        Column("state", String(16), nullable=False),  # delivery.items.State
        Column("attempts", Integer, nullable=False),
        Column("created_at", UtcTime, nullable=False),
        Column("next_at", UtcTime, nullable=False),
        Column("expires_at", UtcTime, nullable=False),
        Column("fallback_at", UtcTime),
        Column("delay_notice_at", UtcTime),  # NULL once said, or never to be
        Column("fallback_route", String(16)),  # what the fallback is: safebox | hold | reject; NULL: wait
        Column("fell_back", Boolean, nullable=False),
        Column("profile", String(63)),
        Column("rule", Text, nullable=False),
        Column("decision_id", String(32), nullable=False),
        Column("notify", String(32)),  # RFC 3461 NOTIFY, comma separated; NULL: not said
        Column("orcpt", Text),
        Column("changes_sealed", LargeBinary),  # JSON of policy.decision.Changes; NULL: none
        Column("participant_id", String(32)),  # for notices: whose state its fate changes
        Column("last_reply", Text, nullable=False),
    ]


items = Table(
    "items",
    metadata,
    *_item_columns(),
    Column("lease_worker", String(32)),
    Column("lease_token", BigInteger, nullable=False, default=0),  # fencing: grows with every lease
    Column("lease_until", UtcTime),
    Column("urgency", SmallInteger, nullable=False, server_default="2"),  # delivery.fairness.Urgency
    Index("items_due", "state", "urgency", "next_at"),
    Index("items_message", "message_id"),
    Index("items_worker", "lease_worker"),
)

finished_items = Table(
    "finished_items",
    metadata,
    *_item_columns(),
    Column("finished_at", UtcTime, nullable=False),
    Index("finished_items_message", "message_id"),
    Index("finished_items_finished", "finished_at"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("item_id", String(32), nullable=False),  # in items or finished_items
    Column("number", Integer, nullable=False),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime, nullable=False),
    Column("outcome", String(16), nullable=False),  # sent | stored | deferred | refused | late
    Column("reply", Text, nullable=False),
    Column("evidence", JSON(none_as_null=True)),  # delivery.couriers.courier.Evidence
    Index("attempts_item", "item_id"),
)

# --- SafeBoxes ----------------------------------------------------------------------------------------------------

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
    *_dek(),
    UniqueConstraint("namespace", "message_id", "profile_name", "audience"),
    Index("boxes_deletes", "state", "deletes_at"),
    Index("boxes_closes", "state", "closes_at"),
    Index("boxes_owner", "namespace", "owner"),
    Index("boxes_remind", "remind_at"),
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
    Column("content_sealed", LargeBinary),  # JSON: {"subject", "from", "to", "cc", "text", "html"}
    Column("original_blob", String(64)),  # the whole mail as it came, Bcc dropped, for "save as e-mail file"
    Column("original_size", BigInteger),
    Index("box_messages_box", "box_id", "written_at"),
    _where_named("box_messages_blob", "original_blob"),
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
    _where_named("box_documents_blob", "blob"),
)

# --- people at the portal -----------------------------------------------------------------------------------------

accounts = Table(
    "accounts",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("address", Text, nullable=False),
    Column("address_key", Text, nullable=False),
    Column("password", Text, nullable=False),  # Argon2id, PHC string; empty: signs in by passkey alone
    Column("phrase_sealed", LargeBinary),  # the personal phrase put into notices
    Column("created_at", UtcTime, nullable=False),
    Column("proven_at", UtcTime, nullable=False),  # when the address was last proven by a code
    UniqueConstraint("namespace", "address_key"),
)

codes = Table(
    "codes",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("participant_id", String(32), nullable=False),
    Column(
        "browser", LargeBinary, nullable=False
    ),  # digest of the browser's own cookie: a code works only where asked for
    Column("digest", LargeBinary, nullable=False),  # keyed digest of the code
    Column("way", String(16), nullable=False, server_default="code"),  # code (by mail) | sms | voice
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("used_at", UtcTime),
    Index("codes_participant", "participant_id", "created_at"),
)

throttles = Table(
    "throttles",
    metadata,
    Column("key", String(160), primary_key=True),  # what is limited, e.g. `code:PARTICIPANT`, `network:DIGEST`
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("window_at", UtcTime, nullable=False),
    Column("count", Integer, nullable=False),
    Column("locked_until", UtcTime),
    Column("locks", Integer, nullable=False),  # lock times double
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the cookie's token
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("account_id", String(32)),
    Column("participant_id", String(32)),  # signed in for this participant only, not by account
    Column("way", String(16), nullable=False, server_default="code"),  # delivery.safebox.participants.Way
    Column("strong", Boolean, nullable=False, server_default=false()),  # by passkey, or with a second factor
    Column("remembered", Boolean, nullable=False, server_default=false()),  # the browser was: nothing was typed in it
    Column("created_at", UtcTime, nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("sessions_expires", "expires_at"),
)

# What a browser was asked to prove, and has not yet: a passkey's challenge, a second factor after a password.
challenges = Table(
    "challenges",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("browser", LargeBinary, nullable=False),  # digest of the cookie it was given to: it counts there alone
    Column("purpose", String(16), nullable=False),  # delivery.store.challenges.Purpose
    Column("data", LargeBinary, nullable=False),  # a passkey's challenge; of a second factor, whose account it is
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Index("challenges_browser", "browser", "purpose"),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("credential", LargeBinary, primary_key=True),  # the id that the authenticator gave it
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),  # COSE
    Column("sign_count", BigInteger, nullable=False),  # 0 where the authenticator keeps none
    Column("backed_up", Boolean, nullable=False),  # copied between devices by whoever keeps it
    Column("created_at", UtcTime, nullable=False),
    Column("used_at", UtcTime),
    Index("passkeys_account", "account_id"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),  # RFC 6238: 160 bits
    Column("created_at", UtcTime, nullable=False),
    Column("confirmed_at", UtcTime),  # NULL: shown, but no code of it was typed in yet; asks nothing of anybody
    Column("last_step", BigInteger, nullable=False),  # the newest time step whose code was taken: none counts twice
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # keyed, bound to the account
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("used_at", UtcTime),
    Index("recovery_codes_account", "account_id"),
)

# Browsers that need no new code for a while: `remember_device` of the profile.
devices = Table(
    "devices",
    metadata,
    Column("digest", LargeBinary, primary_key=True),  # of the cookie's token
    Column("address_key", Text, primary_key=True),  # whose codes it needs no more of
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("way", String(16), nullable=False),  # how it was proven: code | sms | voice
    Column("phone", String(64), nullable=False),  # keyed digest of the number; empty: by mail
    Column("agent", String(200), nullable=False),  # the browser's name of itself, to know it again by
    Column("proven_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
    Index("devices_address", "namespace", "address_key"),
)

# What else a guest may prove themselves by, in one box: where to call them, what to ask them.
proofs = Table(
    "proofs",
    metadata,
    Column("participant_id", ForeignKey("participants.id"), primary_key=True),
    Column("namespace", ForeignKey("namespaces.name"), nullable=False),
    Column("box_id", ForeignKey("boxes.id"), nullable=False),
    Column("phone_sealed", LargeBinary),  # E.164, under the box's key
    Column("phone_from", String(16)),  # delivery.safebox.proving.PhoneFrom; `guest` counts once it is confirmed
    Column("phone_confirmed_at", UtcTime),
    Column("question_sealed", LargeBinary),
    Column("answer", Text),  # Argon2id of the normalised answer, PHC string
    Index("proofs_box", "box_id"),
)

# --- audit --------------------------------------------------------------------------------------------------------

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
    ),  # {field: {"salt", "value"}}: set NULL to erase a person, the commitments stay
    Column("sealed", LargeBinary),  # JSON under the namespace's audit key: names, subjects, excerpts, reasons
    Index("audit_events_message", "message_id"),
    Index("audit_events_box", "box_id"),
    Index(
        "audit_events_watched",
        "at",
        sqlite_where=text("kind = 'rule.watched'"),
        postgresql_where=text("kind = 'rule.watched'"),
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

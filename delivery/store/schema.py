"""The data dictionary: what every table is made of, and those of the installation and the queue.

The others stand in `schema_boxes`, `schema_people`, `schema_audit` and `schema_tls`.

Times are UTC (`UtcTime`). `..._sealed` columns hold bytes that `keys.sealing` sealed. Every table that holds
something of a SafeBox, a person or an event carries `namespace`, and every query is scoped by it.
"""

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
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
    event,
    false,
    text,
)

metadata = MetaData()


_WHERE: Final = "where"  # of an index, in its `info`: of which rows it is
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def to_microseconds(value: datetime | None) -> int | None:
    """Microseconds since 1970; a naive datetime is a mistake, and a ValueError."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("times are stored in UTC: the datetime has no zone")
    delta = value - _EPOCH
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as microseconds since 1970: sorts and compares alike in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """To microseconds; a naive datetime is a mistake."""
        return to_microseconds(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:
        """Back to an aware datetime."""
        if value is None:
            return None
        seconds, micros = divmod(int(value), 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=micros)


def dek_columns() -> list[Column[Any]]:
    """The columns that hold one wrapped DEK; all NULL once the DEK is destroyed."""
    return [
        Column("dek_format", Integer),
        Column("dek_key_id", String(64)),  # the namespace KEK that wraps it
        Column("dek_wrapped", LargeBinary),
        Column("dek_commitment", LargeBinary),  # HKDF key commitment: the wrong key is told apart from torn bytes
    ]


def where(condition: str) -> dict[str, Any]:
    """For an index of some rows only: the others pay nothing for it."""
    return {"info": {_WHERE: condition}}


@event.listens_for(metadata, "before_create")
def _say_conditions(_metadata: MetaData, conn: Connection, **_options: object) -> None:
    """SQLAlchemy has an option of each database's own for it, and loads all that it knows of a database which an option
    names: so it is said when tables are made, to the one there is.
    """
    for index in (one for table in metadata.tables.values() for one in table.indexes if _WHERE in one.info):
        index.dialect_options[conn.dialect.name]["where"] = text(index.info[_WHERE])


def where_named(name: str, column: str) -> Index:
    """An index of the rows that name a blob: the sweep asks for them."""
    return Index(name, column, **where(f"{column} IS NOT NULL"))


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
        **where("retired_at IS NULL"),
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
    *dek_columns(),
    Column("body_sealed", LargeBinary),  # up to 128 KiB of message lie here …
    Column("blob", String(64)),  # … larger ones in this blob file
    Column("finished_at", UtcTime),  # when the last item ended; body and DEK are gone from then on
    Index("messages_finished", "finished_at", **where("finished_at IS NOT NULL")),
    where_named("messages_blob", "blob"),
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
    # what is delivered from memory is never among those that are due
    Index("items_due", "urgency", "next_at", "id", **where("state = 'due'")),
    Index("items_leased", "id", **where("state = 'leased'")),
    Index("items_message", "message_id"),
)

finished_items = Table(
    "finished_items",
    metadata,
    *_item_columns(),
    Column("finished_at", UtcTime, nullable=False),
    Index("finished_items_message", "message_id"),
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

"""The audit trail: events, written in the transaction of the act they tell of.

What an event holds is of four sorts. `facts` identify no one (routes, sizes, reply codes) and stay as they are.
`persons` (addresses, names of accounts) lie beside a salted commitment: erasing a person deletes salt and value, and
the commitment, which alone proves nothing about anyone, stays for the chain. `private` fields (subjects, excerpts,
reasons) are sealed under the namespace's audit key, and are part of the chain for good. `erasable` fields (names and
digests of documents) are both: sealed, and beside a commitment over what was sealed, so that they can be forgotten.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from os import urandom
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from delivery.store.schema_audit import audit_events
from delivery.store.statements import Statement
from delivery.store.vault import Vault
from keys.tokens import new_id


class EventKind(StrEnum):
    """Every act that leaves a trace."""

    MESSAGE_ACCEPTED = "message.accepted"
    MESSAGE_REFUSED = "message.refused"  # every recipient rejected, at the door
    DECISION_MADE = "decision.made"
    RULE_WATCHED = "rule.watched"  # a rule with `mode: watch` would have decided or added something
    ITEM_SENT = "item.sent"
    ITEM_STORED = "item.stored"
    ITEM_DEFERRED = "item.deferred"
    ITEM_FELL_BACK = "item.fell_back"
    ITEM_HELD = "item.held"
    ITEM_BOUNCED = "item.bounced"
    ITEM_REFUSED = "item.refused"
    ITEM_CANCELLED = "item.cancelled"
    ITEM_RELEASED = "item.released"
    ITEM_RETRIED = "item.retried"  # an admin asked for a try now
    QUEUE_PAUSED = "queue.paused"
    QUEUE_RESUMED = "queue.resumed"
    QUEUE_DRAINED = "queue.drained"  # an admin asked for a try now of all that waits for a domain
    RATE_EXCEEDED = "rate.exceeded"  # a client, login or sender reached a limit of the door
    LATE_RESULT = "late.result"  # a result came after the lease had gone to someone else
    DSN_ENQUEUED = "dsn.enqueued"
    NOTICE_ENQUEUED = "notice.enqueued"
    NOTICE_SENT = "notice.sent"
    NOTICE_BOUNCED = "notice.bounced"
    BOX_CREATED = "box.created"
    BOX_JOINED = "box.joined"
    BOX_READ = "box.read"
    BOX_DOWNLOADED = "box.downloaded"
    BOX_ANSWERED = "box.answered"
    BOX_DECLINED = "box.declined"
    BOX_RECALLED = "box.recalled"
    BOX_CLOSED = "box.closed"
    BOX_EXTENDED = "box.extended"
    BOX_SETTINGS_CHANGED = "box.settings_changed"  # within what its profile lets senders change
    BOX_REOPENED = "box.reopened"
    BOX_REMOVED = "box.removed"  # somebody takes part no more
    BOX_CONSENTED = "box.consented"
    BOX_ASKED = "box.asked"  # a guest asks for it to be opened or sent again
    BOX_REMINDED = "box.reminded"
    BOX_LINK_FETCHED = "box.link_fetched"  # by whom- or whatever: nothing was shown but the envelope
    BOX_DOWNLOAD_ENDED = "box.download_ended"
    BOX_GUEST_RECALLED = "box.guest_recalled"
    BOX_DOCUMENT_RECALLED = "box.document_recalled"
    BOX_DELETED = "box.deleted"
    BOX_RELEASED = "box.released"
    BOX_LOCKED = "box.locked"
    BOX_UNLOCKED = "box.unlocked"
    PHONE_TOLD = "phone.told"  # by the guest: counts once the owner confirms it
    PHONE_CONFIRMED = "phone.confirmed"
    PHONE_SET = "phone.set"  # by the owner, whatever was known
    QUESTION_SET = "question.set"
    CODE_SENT = "code.sent"
    CODE_NOT_SENT = "code.not_sent"  # the telephone's provider could not
    CODE_RIGHT = "code.right"
    CODE_WRONG = "code.wrong"
    CODE_LOCKED = "code.locked"
    SIGNIN_SUCCEEDED = "signin.succeeded"
    SIGNIN_FAILED = "signin.failed"
    SIGNIN_LOCKED = "signin.locked"
    SIGNIN_UNLOCKED = "signin.unlocked"  # an admin lifted what wrong codes or passwords had locked
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"
    SESSION_ENDED = "session.ended"
    DEVICE_REMEMBERED = "device.remembered"
    DEVICE_FORGOTTEN = "device.forgotten"
    POLICY_LOADED = "policy.loaded"
    POLICY_REFUSED = "policy.refused"
    KEY_ROTATED = "key.rotated"
    AUDIT_EXPORTED = "audit.exported"
    PERSON_ERASED = "person.erased"


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, default=str)
_INSERT: Final = Statement(insert(audit_events), [column.name for column in audit_events.c if not column.primary_key])


@dataclass(frozen=True, slots=True)
class Event:
    """One act. `facts` is JSON that identifies no one; `persons`, `private`, `erasable`: see the module's text."""

    kind: EventKind
    namespace: str
    message_id: str | None = None
    item_id: str | None = None
    box_id: str | None = None
    participant_id: str | None = None
    decision_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    persons: Mapping[str, str] = field(default_factory=dict, repr=False)
    private: Mapping[str, Any] = field(default_factory=dict, repr=False)
    erasable: Mapping[str, Any] = field(default_factory=dict, repr=False)


def record(conn: Connection, vault: Vault, events: Sequence[Event], now: datetime) -> None:
    """Write events. Call it inside the act's own transaction, so that both happen or neither.

    Raises KeysUnavailable where fields are to be sealed and the audit key cannot be had.
    """
    record_each(conn, vault, [(event, now) for event in events])


def record_each(conn: Connection, vault: Vault, events: Sequence[tuple[Event, datetime]]) -> None:
    """`record`, for events of several acts, each with its time."""
    _INSERT.insert_each(conn, [_row(conn, vault, event, at) for event, at in events])


def _row(conn: Connection, vault: Vault, event: Event, now: datetime) -> dict[str, Any]:
    event_id = new_id()

    def sealed(value: Any) -> bytes:
        plain = _ENCODER.encode(value).encode("utf-8", "surrogatepass")
        return vault.seal_audit(event.namespace, event_id, plain, conn)

    kept = {name: _kept(value) for name, value in event.persons.items()}
    for name, value in event.erasable.items():  # with its name: no sealed value of an event can stand for another
        kept[name] = {**_kept(base64.b64encode(sealed([name, value])).decode()), "sealed": True}
    return {
        "event": event_id,
        "namespace": event.namespace,
        "at": now,
        "kind": event.kind.value,
        "message_id": event.message_id,
        "item_id": event.item_id,
        "box_id": event.box_id,
        "participant_id": event.participant_id,
        "decision_id": event.decision_id,
        "facts": dict(event.facts),
        "commitments": {name: commitment(one["salt"], name, one["value"]) for name, one in kept.items()},
        "persons": kept or None,
        "sealed": sealed(dict(event.private)) if event.private else None,
    }


def _kept(value: str) -> dict[str, Any]:
    return {"salt": urandom(16).hex(), "value": value}


def persons_of(kept: Mapping[str, Any] | None) -> dict[str, str]:
    """The personal fields of an event's row that were not erased, by name."""
    return {name: one["value"] for name, one in (kept or {}).items() if not one.get("sealed")}


def erasable_of(vault: Vault, namespace: str, event_id: str, kept: Mapping[str, Any] | None) -> dict[str, Any]:
    """The erasable fields of an event's row that were not erased, opened. Raises KeysUnavailable."""
    found = {}
    for name, one in (kept or {}).items():
        if one.get("sealed"):
            said, value = json.loads(vault.open_audit(namespace, event_id, base64.b64decode(one["value"])))
            if said == name:
                found[name] = value
    return found


def commitment(salt: str, name: str, value: str) -> str:
    """What stays of a personal field: SHA-256 over salt, field name and value, in hex."""
    whole = f"{salt}\0{name}\0{value}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(whole).hexdigest()


def export(conn: Connection, vault: Vault, *, reveal: bool = False, after: int = 0) -> Iterator[dict[str, Any]]:
    """Every event after row `after`, oldest first, as JSON objects; `private` only with `reveal`."""
    columns = audit_events.c
    while True:
        rows = conn.execute(select(audit_events).where(columns.id > after).order_by(columns.id).limit(500)).all()
        for row in rows:
            yield _shown(vault, row._mapping, reveal=reveal)
        if not rows:
            return
        after = rows[-1].id


def _shown(vault: Vault, row: Mapping[Any, Any], *, reveal: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": row["id"],
        "event": row["event"],
        "at": row["at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "kind": row["kind"],
        "namespace": row["namespace"],
    }
    for name in ("message_id", "item_id", "box_id", "participant_id", "decision_id"):
        if row[name] is not None:
            shown[name] = row[name]
    shown["facts"] = row["facts"]
    shown["persons"] = persons_of(row["persons"])
    shown["commitments"] = row["commitments"]
    hidden = row["sealed"] is not None or len(shown["persons"]) < len(row["persons"] or {})
    if reveal and hidden:
        private = row["sealed"] and json.loads(vault.open_audit(row["namespace"], row["event"], row["sealed"]))
        shown["private"] = (private or {}) | erasable_of(vault, row["namespace"], row["event"], row["persons"])
    else:
        shown["sealed"] = hidden
    return shown


def document_field(document_id: str) -> str:
    """The erasable field that keeps what is known of a document once its box is deleted."""
    return f"document {document_id}"

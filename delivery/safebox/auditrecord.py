"""The audit record of a SafeBox: what it was, who took part, what happened, in plain words; from its closing on, and
kept when its content is gone. Names and digests of documents are the box's own until its deletion, which keeps them in
its event, where they can be erased.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from delivery.safebox.acting import Acting
from delivery.safebox.authority import Principal, standing_of
from delivery.safebox.boxkey import GUEST_NAME, BoxKey
from delivery.safebox.inviting import correspondence_of
from delivery.safebox.keeping import summary_of
from delivery.safebox.lifecycle import Act, refusal
from delivery.safebox.profile import stored_profile
from delivery.safebox.profilewords import in_words
from delivery.safebox.reading import facts_of
from delivery.safebox.summaries import BoxSummary
from delivery.speech import phrase
from delivery.store.audit import EventKind
from delivery.store.box_contents import documents_of
from delivery.store.box_trail import TrailRow, remembered_documents, trail_of
from delivery.store.boxes import BoxRow, BoxState, Role

NOT_YET: Final = phrase("The message is still open: its record is made when it closes.")
_WORDS: Final = {
    EventKind.BOX_CREATED: phrase("The message was put into a SafeBox"),
    EventKind.BOX_JOINED: phrase("Invited"),
    EventKind.NOTICE_ENQUEUED: phrase("A notice was written"),
    EventKind.NOTICE_SENT: phrase("The mail server took the notice"),
    EventKind.NOTICE_BOUNCED: phrase("The notice came back"),
    EventKind.BOX_LINK_FETCHED: phrase("The link was followed"),
    EventKind.CODE_SENT: phrase("A code was sent"),
    EventKind.CODE_NOT_SENT: phrase("A code could not be sent"),
    EventKind.CODE_RIGHT: phrase("The right code was typed"),
    EventKind.CODE_WRONG: phrase("A wrong code was typed"),
    EventKind.CODE_LOCKED: phrase("Locked for a while after wrong codes"),
    EventKind.SIGNIN_SUCCEEDED: phrase("Signed in"),
    EventKind.SIGNIN_FAILED: phrase("A sign-in failed"),
    EventKind.SESSION_ENDED: phrase("Left"),
    EventKind.BOX_CONSENTED: phrase("Accepted the text that stands before the message"),
    EventKind.BOX_READ: phrase("Opened the message"),
    EventKind.BOX_DOWNLOADED: phrase("Began to download"),
    EventKind.BOX_DOWNLOAD_ENDED: phrase("A download ended"),
    EventKind.BOX_ANSWERED: phrase("Wrote"),
    EventKind.BOX_DECLINED: phrase("Said that it was not meant for them"),
    EventKind.BOX_ASKED: phrase("Asked for it to be opened, or sent, again"),
    EventKind.BOX_REMINDED: phrase("Was reminded"),
    EventKind.BOX_CLOSED: phrase("The message was closed"),
    EventKind.BOX_EXTENDED: phrase("The message stays open longer"),
    EventKind.BOX_SETTINGS_CHANGED: phrase("Its settings were changed"),
    EventKind.BOX_REOPENED: phrase("The message was opened again"),
    EventKind.BOX_REMOVED: phrase("Removed"),
    EventKind.BOX_RECALLED: phrase("The message was taken back"),
    EventKind.BOX_GUEST_RECALLED: phrase("It was taken back from one person"),
    EventKind.BOX_DOCUMENT_RECALLED: phrase("A document was taken back"),
    EventKind.BOX_DELETED: phrase("The content was deleted"),
    EventKind.BOX_RELEASED: phrase("Released: a code by e-mail opens it"),
    EventKind.BOX_LOCKED: phrase("Locked after wrong codes"),
    EventKind.BOX_UNLOCKED: phrase("Unlocked"),
    EventKind.PHONE_TOLD: phrase("Told a telephone number"),
    EventKind.PHONE_CONFIRMED: phrase("The telephone number was confirmed"),
    EventKind.PHONE_SET: phrase("A telephone number was set"),
    EventKind.QUESTION_SET: phrase("A question was set"),
}


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One thing that happened. `who` is whose side it is on; empty where that is nobody's, or was erased."""

    at: datetime
    kind: str
    words: str
    who: str = field(repr=False)
    by: str = field(repr=False)  # who acted as a keeper of the box
    network: str = field(repr=False)
    agent: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordedDocument:
    """One document. `name` and `sha256` (of its bytes, in hex) are empty where they were erased."""

    id: str
    name: str = field(repr=False)
    sha256: str = field(repr=False)
    size: int  # bytes
    recalled_at: datetime | None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """All of it. `zone`: the box's own, an IANA name; times are in UTC."""

    summary: BoxSummary
    message_id: str
    subject: str = field(repr=False)
    closed_at: datetime | None
    recalled_at: datetime | None
    deleted_at: datetime | None
    settings: dict[str, Any]
    words: tuple[str, ...]
    names: dict[str, str] = field(repr=False)  # participant id -> name, where it is known still
    documents: tuple[RecordedDocument, ...]
    events: tuple[RecordedEvent, ...]
    zone: str = "UTC"


class Recording(Acting):
    """Adds the audit record, for keepers of a box, to the service."""

    async def audit_record(self, box_id: str, by: Principal, namespace: str = "default") -> AuditRecord | str | None:
        """The record; a sentence while the box is open; None: there is no such box for this one."""
        now = self._desk.clock()

        def work(conn: Connection) -> AuditRecord | str | None:
            standing = standing_of(conn, namespace, box_id, by)
            if standing is None or refusal(standing.box.state, Act.SEE, standing.actor):
                return None
            box, people = standing.box, standing.people
            summary = summary_of(box, people, now)
            if summary.state is BoxState.OPEN:
                return NOT_YET
            key, profile = BoxKey.of(self._desk.vault, box), stored_profile(box.profile)
            owner = next(one for one in people if one.role is Role.OWNER)
            addresses = {one.id: one.address for one in people}
            return AuditRecord(
                summary,
                box.message_id,
                correspondence_of(key, box, owner).subject if key else "",
                box.closed_at,
                box.recalled_at,
                box.deleted_at,
                profile.model_dump(mode="json"),
                in_words(profile),
                {one.id: key.open_text(GUEST_NAME, one.id, one.name_sealed) for one in people} if key else {},
                self._recorded(conn, box, key),
                tuple(_event(row, addresses) for row in trail_of(conn, namespace, box_id)),
                profile.zone or "UTC",
            )

        return await self._desk.db.read(work)

    def _recorded(self, conn: Connection, box: BoxRow, key: BoxKey | None) -> tuple[RecordedDocument, ...]:
        rows = documents_of(conn, box.namespace, box.id)
        if key is None:
            facts = remembered_documents(conn, self._desk.vault, box.namespace, box.id)
        else:
            facts = {one.id: facts_of(one, key) for one in rows}
        return tuple(
            RecordedDocument(one.id, said.get("name", ""), said.get("sha256", ""), one.size, one.recalled_at)
            for one in rows
            for said in (facts.get(one.id, {}),)
        )


def _event(row: TrailRow, addresses: dict[str, str]) -> RecordedEvent:
    words = _WORDS.get(EventKind(row.kind), row.kind) if row.kind in set(EventKind) else row.kind
    size, stop = row.facts.get("size"), row.facts.get("stop")
    if row.kind == EventKind.BOX_DOWNLOAD_ENDED and size is not None and stop is not None:
        start = row.facts.get("start", 0)
        words = phrase("{what}: {start} to {stop} of {size} bytes", what=words, start=start, stop=stop, size=size)
    if row.facts.get("only_for"):
        only = addresses.get(row.facts["only_for"], "")
        words = phrase("{what}, for {who} alone", what=words, who=only) if only else words
    if row.facts.get("by") == "time":
        words = phrase("{what}, by time", what=words)
    who = addresses.get(row.participant_id or "", "")
    persons = row.persons
    return RecordedEvent(
        row.at, row.kind, words, who, persons.get("actor", ""), persons.get("network", ""), persons.get("agent", "")
    )


def record_as_json(record: AuditRecord) -> dict[str, Any]:
    """As JSON: every time in UTC, and in the box's own zone."""
    zone = ZoneInfo(record.zone)

    def at(when: datetime | None) -> dict[str, str] | None:
        if when is None:
            return None
        return {"utc": when.isoformat(timespec="seconds"), "local": when.astimezone(zone).isoformat(timespec="seconds")}

    box = record.summary
    people = [*box.guests, *box.staff]
    return {
        "id": box.id,
        "message_id": record.message_id,
        "owner": box.owner,
        "subject": record.subject or None,
        "state": box.state.value,
        "zone": record.zone,
        "created_at": at(box.created_at),
        "closes_at": at(box.closes_at),
        "closed_at": at(record.closed_at),
        "recalled_at": at(record.recalled_at),
        "deletes_at": at(box.deletes_at),
        "deleted_at": at(record.deleted_at),
        "profile": {"name": box.profile, "settings": record.settings},
        "participants": [
            {
                "id": one.participant_id,
                "address": one.address,
                "name": record.names.get(one.participant_id) or None,
                "role": one.role.value,
                "state": one.state.value,
                "removed_at": at(one.removed_at),
                "recalled_at": at(one.recalled_at),
            }
            for one in people
        ],
        "documents": [
            {
                "id": one.id,
                "name": one.name or None,
                "bytes": one.size,
                "sha256": one.sha256 or None,
                "recalled_at": at(one.recalled_at),
            }
            for one in record.documents
        ],
        "events": [
            {
                "at": at(one.at),
                "kind": one.kind,
                "what": one.words,
                "who": one.who or None,
                "by": one.by or None,
                "network": one.network or None,
                "agent": one.agent or None,
            }
            for one in record.events
        ],
    }

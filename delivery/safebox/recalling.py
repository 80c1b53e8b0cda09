"""Taking back: a whole SafeBox, one guest's part in it, one document; and what that could not take back any more."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Connection

from delivery.errors import DeliveryError
from delivery.safebox.acting import LATE, NOBODY, Acting, ActRequest, Change, person_of
from delivery.safebox.authority import TIME, ActResult, Principal, Standing, standing_of
from delivery.safebox.boxkey import DOCUMENT_REASON, GUEST_REASON, RECALL_REASON, BoxKey
from delivery.safebox.headers import address_key
from delivery.safebox.inviting import correspondence_in_languages
from delivery.safebox.lifecycle import Act, sources
from delivery.safebox.post import Posted
from delivery.safebox.reading import content_of, facts_of
from delivery.safebox.tracking import Track, tracks_of
from delivery.speech import phrase
from delivery.store.audit import EventKind
from delivery.store.box_contents import BoxMessageKind, DocumentRow, documents_of, messages_of, recall_document
from delivery.store.box_people import recall_guest
from delivery.store.box_trail import relayed_of, trail_of
from delivery.store.boxes import BoxState, Role, move_box

MAX_REASON: Final = 2000
_SENT: Final = "sent"
_STALE: Final = ActResult(False)  # of a try, by identity: nobody is told
_A_DOCUMENT: Final = phrase("a document")
_WHOLE: Final = phrase("the whole message")


class Reached(StrEnum):
    """How far a message had come when it was taken back."""

    NEVER = "never fetched"
    LINK = "link fetched, not opened"
    OPENED = "opened"
    DOWNLOADED = "downloaded"  # they keep what they have
    RELAYED = "relayed"  # it went by another way than the box, and is beyond recall
    WAITING = "not yet sent"  # by another way than the box; the queue still holds it


@dataclass(frozen=True, slots=True)
class Fate:
    """How far the content had reached one person when it was recalled. `at`: when that happened last."""

    address: str = field(repr=False)
    reached: Reached
    at: datetime | None = None
    documents: tuple[str, ...] = field(default=(), repr=False)  # names of what was downloaded; `the whole message`

    @property
    def is_beyond(self) -> bool:
        """Whether this person keeps something of it."""
        return self.reached in (Reached.OPENED, Reached.DOWNLOADED, Reached.RELAYED)


@dataclass(frozen=True, slots=True)
class Recalled(ActResult):
    """Done, with what it could and could not take back."""

    fates: tuple[Fate, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """What is taken back: a box, or of it what one participant, or one document, has."""

    namespace: str
    box_id: str
    address: str | None = field(default=None, repr=False)
    document_id: str | None = None

    @property
    def what(self) -> str:
        """What is recalled, in the word that the notice uses."""
        return "document" if self.document_id else "guest" if self.address else "box"


@dataclass(frozen=True, slots=True)
class _Mail:
    """What tells the owner of these fates."""

    posted: Posted
    fates: tuple[Fate, ...]


class Recalling(Acting):
    """Each recall acts on the next request, and stops downloads that are running."""

    async def recall(self, box_id: str, reason: str, by: Principal, namespace: str = "default") -> ActResult | None:
        """Deny access to everybody, at once. `reason` is what guests read on the page; it may be empty."""
        now, reason = self._desk.clock(), reason.strip()[:MAX_REASON]

        def change(conn: Connection, standing: Standing) -> str:
            key = BoxKey.of(self._desk.vault, standing.box)
            sealed = key.seal_text(RECALL_REASON, box_id, reason) if key and reason else None
            values: dict[str, Any] = {
                "state": BoxState.RECALLED,
                "recalled_at": now,
                "recall_reason_sealed": sealed,
                "remind_at": None,
                "expiring_at": None,
            }
            return "" if move_box(conn, namespace, box_id, sources(Act.RECALL), **values) else LATE

        request = ActRequest(namespace, box_id, by, Act.RECALL, reason=reason)
        return await self._recall(request, EventKind.BOX_RECALLED, change)

    async def recall_guest(
        self, box_id: str, address: str, reason: str, by: Principal, namespace: str = "default"
    ) -> ActResult | None:
        """Deny access to one participant, at once; the others keep theirs."""
        now, reason = self._desk.clock(), reason.strip()[:MAX_REASON]

        def change(conn: Connection, standing: Standing) -> str:
            person = person_of(standing, address)
            if person is None:
                return NOBODY
            key = BoxKey.of(self._desk.vault, standing.box)
            sealed = key.seal_text(GUEST_REASON, person.id, reason) if key and reason else None
            if not recall_guest(conn, namespace, person.id, now, sealed):
                return phrase("The message was taken back from this person already.")
            return ""

        request = ActRequest(namespace, box_id, by, Act.RECALL, guest=address, reason=reason)
        return await self._recall(request, EventKind.BOX_GUEST_RECALLED, change)

    async def recall_document(
        self, box_id: str, document_id: str, reason: str, by: Principal, namespace: str = "default"
    ) -> ActResult | None:
        """Take one document back from everybody; its name and the reason stay where it was."""
        now, reason = self._desk.clock(), reason.strip()[:MAX_REASON]

        def change(conn: Connection, standing: Standing) -> str:
            key = BoxKey.of(self._desk.vault, standing.box)
            sealed = key.seal_text(DOCUMENT_REASON, document_id, reason) if key and reason else None
            if recall_document(conn, namespace, box_id, document_id, now=now, reason=sealed):
                return ""
            there = any(one.id == document_id for one in documents_of(conn, namespace, box_id))
            return (
                phrase("The document was taken back already.")
                if there
                else phrase("There is no such document in the message.")
            )

        request = ActRequest(namespace, box_id, by, Act.RECALL, reason=reason)
        return await self._recall(request, EventKind.BOX_DOCUMENT_RECALLED, change, document_id=document_id)

    async def fates(self, box_id: str, by: Principal, namespace: str = "default") -> tuple[Fate, ...] | None:
        """What a recall now could and could not take back. None: there is no such box for this one."""
        return await self._desk.db.read(lambda conn: self._fates(conn, _Part(namespace, box_id), by))

    # -- within ---------------------------------------------------------------------------------------------------

    async def _recall(
        self, request: ActRequest, kind: EventKind, change: Change, *, document_id: str | None = None
    ) -> ActResult | None:
        """Do it; and the owner gets the fates by mail, so that they have them in writing: in one transaction.

        The mail is written before, and anew where somebody opened or fetched something meanwhile.
        """
        part = _Part(request.namespace, request.box_id, request.guest or None, document_id)
        said = await self._try(request, kind, change, part)
        for last in (False, True):
            if said is not _STALE:
                break
            said = await self._try(request, kind, change, part, last=last)
        return said

    async def _try(
        self, request: ActRequest, kind: EventKind, change: Change, part: _Part, *, last: bool = False
    ) -> ActResult | None:
        """`_STALE` where the mail would tell other fates than there are by now, unless it is the last try."""
        mail = await asyncio.to_thread(self._mail, part, request.by)
        fates: list[Fate] = []
        stale = False

        def work(conn: Connection, standing: Standing) -> str:
            nonlocal stale
            if mail is None:
                return LATE
            stale = not last and self._fates(conn, part, TIME) != mail.fates
            if stale:
                return LATE
            fates[:] = self._fates(conn, part, request.by) or ()  # the transaction may be run again
            if sentence := change(conn, standing):
                return sentence
            self._desk.post.put(conn, mail.posted, self._desk.clock())
            return ""

        try:
            said = await self._do(request, kind, work)
        except DeliveryError as error:
            self._drop(mail, error)
            raise
        if said:
            self._desk.post.wake()
            return Recalled(True, fates=tuple(fates))
        self._drop(mail, DeliveryError("not recalled"))
        return _STALE if stale else said

    def _mail(self, part: _Part, by: Principal) -> _Mail | None:
        """Composed and sealed; None where there is no such box for this one, or it is not theirs to recall. Blocks."""
        now = self._desk.clock()
        standing, fates = self._desk.db.read_now(
            lambda conn: (standing_of(conn, part.namespace, part.box_id, by), self._fates(conn, part, TIME) or ())
        )
        if standing is None or self.refused(standing, Act.RECALL):
            return None
        owner = next(one for one in standing.people if one.role is Role.OWNER)
        key = BoxKey.of(self._desk.vault, standing.box)
        about = correspondence_in_languages(self._desk.db, key, standing.box, owner)
        notice = self._desk.composer.recalled(about, part.what, [_line(fate) for fate in fates], now)
        return _Mail(self._desk.seal(standing.box, owner, notice, "recalled"), fates)

    def _drop(self, mail: _Mail | None, error: Exception) -> None:
        if mail is not None:
            self._desk.post.discard(mail.posted, error)

    def _fates(self, conn: Connection, part: _Part, by: Principal) -> tuple[Fate, ...] | None:
        namespace, box_id, document_id = part.namespace, part.box_id, part.document_id
        standing = standing_of(conn, namespace, box_id, by)
        if standing is None:
            return None
        documents = documents_of(conn, namespace, box_id)
        names = self._names(standing, documents)
        tracks = tracks_of(standing.people, trail_of(conn, namespace, box_id), {one.id: one.size for one in documents})
        if part.address is not None:
            person = person_of(standing, part.address)
            tracks = tuple(track for track in tracks if person and track.participant_id == person.id)
        in_text = any(one.id == document_id and one.position < 0 for one in documents)  # who read, saw it
        fates = [_fate(track, names, document_id, by_reading=document_id is None or in_text) for track in tracks]
        if (part.address is None and document_id is None) or document_id in _of_the_mail(conn, standing):
            here = {one.address for one in standing.people}
            others = self._others(conn, standing)
            fates += [
                Fate(address, Reached.RELAYED if state == _SENT else Reached.WAITING)
                for address, state in others
                if address not in here and state in (_SENT, "due", "leased", "held")
            ]
        return tuple(fates)

    def _others(self, conn: Connection, standing: Standing) -> Sequence[tuple[str, str]]:
        """Who got the mail by another way, with its state. Whom the sender named in neither To nor Cc, only the sender
        learns of: who has their rights has not written the mail.
        """
        others = relayed_of(conn, standing.box.namespace, standing.box.message_id)
        if standing.me is None or standing.me.role is Role.OWNER:
            return others
        key, named = BoxKey.of(self._desk.vault, standing.box), frozenset[str]()
        for one in messages_of(conn, standing.box.namespace, standing.box.id):
            if one.kind is BoxMessageKind.ORIGINAL and key is not None:
                content = content_of(one, key)
                written = (*content.get("to", ()), *content.get("cc", ()))
                named = frozenset(address_key(str(shown).rpartition("<")[2].rstrip(">")) for shown in written)
        return [other for other in others if address_key(other[0]) in named]

    def _names(self, standing: Standing, documents: Sequence[DocumentRow]) -> dict[str, str]:
        key = BoxKey.of(self._desk.vault, standing.box)
        return {one.id: facts_of(one, key).get("name", "") if key else "" for one in documents}


def _of_the_mail(conn: Connection, standing: Standing) -> frozenset[str]:
    box = standing.box
    originals = {one.id for one in messages_of(conn, box.namespace, box.id) if one.kind is BoxMessageKind.ORIGINAL}
    documents = documents_of(conn, box.namespace, box.id)
    return frozenset(one.id for one in documents if one.box_message_id in originals)


def _fate(track: Track, names: dict[str, str], document_id: str | None, *, by_reading: bool) -> Fate:
    kept = [one for one in track.downloads if document_id is None or one.document_id in (document_id, "")]
    if kept:
        named = (names.get(one.document_id) or _A_DOCUMENT if one.document_id else _WHOLE for one in kept)
        shown = tuple(dict.fromkeys(named))
        return Fate(track.address, Reached.DOWNLOADED, kept[-1].at, shown)
    if by_reading and track.opened:
        return Fate(track.address, Reached.OPENED, track.opened[-1].at)
    if track.links_fetched and not track.opened:
        return Fate(track.address, Reached.LINK, track.links_fetched[-1].at)
    return Fate(track.address, Reached.NEVER)


def _line(fate: Fate) -> tuple[str, str, datetime | None, tuple[str, ...]]:
    return fate.address, fate.reached.value, fate.at, fate.documents

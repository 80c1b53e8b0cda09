"""What each participant of a SafeBox did, gathered from its events in the audit trail. Pure but for reading them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from delivery.safebox.acting import Acting
from delivery.safebox.authority import Principal, standing_of
from delivery.safebox.lifecycle import Act, refusal
from delivery.store.audit import EventKind
from delivery.store.box_contents import documents_of
from delivery.store.box_trail import TrailRow, trail_of
from delivery.store.boxes import GuestState, ParticipantRow, Role

_SIGNED_IN: Final = (EventKind.CODE_RIGHT, EventKind.SIGNIN_SUCCEEDED)


@dataclass(frozen=True, slots=True)
class TrackedAct:
    """One act of a participant: when, how they had signed in (`Way`), from which network address and browser."""

    at: datetime
    way: str = ""
    network: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Download:
    """One document that was asked for. `whole` None: nobody saw how it ended."""

    document_id: str  # empty: the whole mail
    at: datetime
    network: str = field(default="", repr=False)
    sent_bytes: int = 0
    whole: bool | None = None


@dataclass(frozen=True, slots=True)
class Track:
    """What one participant did with a box."""

    participant_id: str
    address: str = field(repr=False)
    role: Role
    state: GuestState
    invited_at: datetime
    noticed_at: datetime | None = None  # their server took a notice
    bounced_at: datetime | None = None
    links_fetched: tuple[TrackedAct, ...] = ()  # by somebody or something: nothing but the envelope was shown
    signed_in: tuple[TrackedAct, ...] = ()
    opened: tuple[TrackedAct, ...] = ()
    downloads: tuple[Download, ...] = ()
    replied: tuple[datetime, ...] = ()
    reminded: tuple[datetime, ...] = ()
    asked: tuple[datetime, ...] = ()
    consented_at: datetime | None = None
    consented_version: str | None = None
    declined_at: datetime | None = None
    locked_at: datetime | None = None
    removed_at: datetime | None = None
    recalled_at: datetime | None = None


class Tracking(Acting):
    """The activity of a box, for those who keep it."""

    async def activity(self, box_id: str, by: Principal, namespace: str = "default") -> tuple[Track, ...] | None:
        """Each participant's side, the guests first. None: there is no such box for this one."""

        def work(conn: Connection) -> tuple[Track, ...] | None:
            standing = standing_of(conn, namespace, box_id, by)
            if standing is None or refusal(standing.box.state, Act.SEE, standing.actor):
                return None
            sizes = {one.id: one.size for one in documents_of(conn, namespace, box_id)}
            return tracks_of(standing.people, trail_of(conn, namespace, box_id), sizes)

        return await self._desk.db.read(work)


def tracks_of(
    people: Iterable[ParticipantRow], trail: Sequence[TrailRow], sizes: Mapping[str, int]
) -> tuple[Track, ...]:
    """One for everybody but the owner. `sizes`: bytes of each document."""
    invited = [one for one in people if one.role is not Role.OWNER]
    invited.sort(key=lambda one: one.role is not Role.GUEST)
    return tuple(_track(one, [row for row in trail if row.participant_id == one.id], sizes) for one in invited)


def _track(person: ParticipantRow, trail: Sequence[TrailRow], sizes: Mapping[str, int]) -> Track:
    track = Track(
        person.id,
        person.address,
        person.role,
        person.state,
        person.created_at,
        locked_at=person.locked_at,
        removed_at=person.removed_at,
        recalled_at=person.recalled_at,
        consented_at=person.consented_at,
        consented_version=person.consented_version,
    )
    for row in trail:
        track = _with(track, row)
    return replace(track, downloads=_downloads(trail, sizes))


def _with(track: Track, row: TrailRow) -> Track:
    sight = TrackedAct(
        row.at, str(row.facts.get("way", "")), row.persons.get("network", ""), row.persons.get("agent", "")
    )
    match row.kind:
        case EventKind.NOTICE_SENT:
            return track if track.noticed_at else replace(track, noticed_at=row.at)
        case EventKind.NOTICE_BOUNCED:
            return replace(track, bounced_at=row.at)
        case EventKind.BOX_LINK_FETCHED:
            return replace(track, links_fetched=(*track.links_fetched, sight))
        case EventKind.BOX_READ:
            return replace(track, opened=(*track.opened, sight))
        case EventKind.BOX_ANSWERED:
            return replace(track, replied=(*track.replied, row.at))
        case EventKind.BOX_REMINDED:
            return replace(track, reminded=(*track.reminded, row.at))
        case EventKind.BOX_ASKED:
            return replace(track, asked=(*track.asked, row.at))
        case EventKind.BOX_DECLINED:
            return replace(track, declined_at=row.at)
    if row.kind in _SIGNED_IN:
        return replace(track, signed_in=(*track.signed_in, sight))
    return track


def _downloads(trail: Sequence[TrailRow], sizes: Mapping[str, int]) -> tuple[Download, ...]:
    """Each beginning, with how far it came: what ended after it counts for it, also in several pieces."""
    ended: dict[str, list[tuple[int, int]]] = {}
    begun: dict[str, Download] = {}
    finished: list[Download] = []
    totals = dict(sizes)
    for row in trail:
        if row.kind == EventKind.BOX_DOWNLOADED:
            documents = [*row.facts.get("documents", ()), *([""] if row.facts.get("original") else [])]
            for document in documents:
                if document in begun:
                    finished.append(_closed(begun.pop(document), ended.pop(document, []), totals))
                begun[document] = Download(document, row.at, row.persons.get("network", ""))
        elif row.kind == EventKind.BOX_DOWNLOAD_ENDED:
            document = str(row.facts.get("document", ""))
            totals[document] = int(row.facts.get("size", 0))
            ended.setdefault(document, []).append((int(row.facts.get("start", 0)), int(row.facts.get("stop", 0))))
    finished += [_closed(one, ended.get(document, []), totals) for document, one in begun.items()]
    return tuple(sorted(finished, key=lambda one: one.at))


def _closed(download: Download, pieces: Sequence[tuple[int, int]], totals: Mapping[str, int]) -> Download:
    if not pieces:
        return download
    covered = reached = 0
    for start, stop in sorted(pieces):
        covered += max(0, stop - max(start, reached))
        reached = max(reached, stop)
    whole = covered >= totals.get(download.document_id, covered + 1)
    return replace(download, sent_bytes=covered, whole=whole)

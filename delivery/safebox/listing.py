"""What a sender sees of their own SafeBoxes: the list, in pages, with subjects; and the code that lets them in."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from delivery.notices.notice import Notice
from delivery.safebox.acting import Acting
from delivery.safebox.authority import Principal
from delivery.safebox.boxkey import GUEST_NAME, BoxKey
from delivery.safebox.inviting import correspondence_of
from delivery.safebox.keeping import summary_of
from delivery.safebox.participants import Access
from delivery.safebox.post import Posted
from delivery.safebox.summaries import BoxSummary
from delivery.store.audit import Event, EventKind, record
from delivery.store.box_lists import BoxFilter, boxes_kept, counts_kept, helpless_in
from delivery.store.box_news import NOTHING, Counted, news_of
from delivery.store.boxes import BoxRow, ParticipantRow, Role, participants_of


@dataclass(frozen=True, slots=True)
class ListedBox:
    """One line. `subject` is empty once the box is deleted; `guests`: the name of each, or the address. `news`: since
    the one who looks last opened it; `helpless`: guests who cannot go on without its keepers.
    """

    summary: BoxSummary
    role: Role  # of the one who looks
    subject: str = field(repr=False)
    guests: tuple[str, ...] = field(repr=False)
    news: Counted = NOTHING
    helpless: int = 0


@dataclass(frozen=True, slots=True)
class BoxPage:
    """One page of the list, and how many each list has."""

    boxes: tuple[ListedBox, ...]
    counts: Mapping[BoxFilter, int]


class Listing(Acting):
    """For people who proved an address of the organisation's own."""

    async def boxes_of(
        self, namespace: str, by: Principal, shown: BoxFilter = BoxFilter.ALL, *, most: int = 25, skip: int = 0
    ) -> BoxPage:
        """The boxes that a person owns or keeps, or takes part in as a colleague, by the last act."""
        now = self._desk.clock()

        def work(conn: Connection) -> BoxPage:
            rows = boxes_kept(conn, namespace, by.key, shown, now, most=most, skip=skip)
            ids = [box.id for box in rows]
            news, helpless = news_of(conn, namespace, by.key, ids), helpless_in(conn, namespace, ids)
            listed = (self._listed(box, participants_of(conn, namespace, box.id), by, now) for box in rows)
            marked = (
                replace(one, news=news.get(one.summary.id, NOTHING), helpless=helpless.get(one.summary.id, 0))
                for one in listed
            )
            return BoxPage(tuple(marked), counts_kept(conn, namespace, by.key, now))

        return await self._desk.db.read(work)

    def _listed(self, box: BoxRow, people: tuple[ParticipantRow, ...], by: Principal, now: datetime) -> ListedBox:
        key = BoxKey.of(self._desk.vault, box)
        guests = [one for one in people if one.role is Role.GUEST and one.removed_at is None]
        names = [(key.open_text(GUEST_NAME, one.id, one.name_sealed) if key else "") or one.address for one in guests]
        mine = {one.role for one in people if one.address_key == by.key and one.removed_at is None}
        role = next((role for role in (Role.OWNER, Role.PRIVILEGED) if role in mine), Role.COLLEAGUE)
        subject = correspondence_of(key, box, people[0]).subject if key and people else ""
        return ListedBox(summary_of(box, people, now), role, subject, tuple(names))

    def is_sender(self, address: str) -> bool:
        """Whether it is an address of the organisation's own: only they have boxes of their own here."""
        return self._desk.post.is_ours(address)

    async def send_owner_code(
        self, namespace: str, address: str, code: str, valid_for: timedelta, seen: Access
    ) -> bool:
        """Mail a code to a sender of ours, ahead of everything else. False: the address is none of ours."""
        if not self.is_sender(address):
            return False
        now = self._desk.clock()
        notice = self._desk.composer.owner_code(
            address, code, now, valid_for=valid_for, asked_from=seen.network, language=seen.language
        )
        posted = await asyncio.to_thread(self._sealed_owner_code, namespace, notice, valid_for)
        persons = {"address": address, "network": seen.network, "agent": seen.agent[:200]}
        event = Event(
            EventKind.CODE_SENT,
            namespace,
            facts={"as": "owner", "by": "code"},
            persons={name: value for name, value in persons.items() if value},
        )

        def work(conn: Connection) -> None:
            self._desk.post.put(conn, posted, now)
            record(conn, self._desk.vault, [event], now)

        await self._desk.db.write(work)
        self._desk.post.wake()
        return True

    def _sealed_owner_code(self, namespace: str, notice: Notice, valid_for: timedelta) -> Posted:
        return self._desk.post.seal(
            namespace,
            notice,
            owner=notice.recipient,
            what="owner_code",
            expires_after=valid_for,  # delivered later it would be of no use, and puzzling
            at_once=True,
        )

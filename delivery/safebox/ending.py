"""Tells people that a SafeBox was closed, or that its content will be deleted soon.

Notices are composed before the transaction of the act they tell of, and sent within it. Of two workers that do the same
act at once, only the one that succeeds sends them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from delivery.errors import DeliveryError, KeysUnavailable
from delivery.notices.facts import End
from delivery.safebox.authority import TIME, By, Standing, standing_of
from delivery.safebox.boxkey import BoxKey
from delivery.safebox.choices import ToldOfEnd
from delivery.safebox.inviting import Compose, Prepared, about_in
from delivery.safebox.lifecycle import Actor, state_at
from delivery.safebox.partaking import Partaking
from delivery.safebox.post import Posted
from delivery.safebox.profile import stored_profile
from delivery.speech import phrase
from delivery.store.audit import EventKind
from delivery.store.box_contents import events_of
from delivery.store.boxes import BoxRow, BoxState, GuestState, ParticipantRow, Role, participants_of
from keys.errors import KeysError

_GUESTS: Final = (ToldOfEnd.EVERYBODY, ToldOfEnd.GUESTS)
_OWNER: Final = (ToldOfEnd.EVERYBODY, ToldOfEnd.OWNER)
_OPENED: Final = (GuestState.READ, GuestState.ANSWERED)
_UNREACHED: Final = (GuestState.DECLINED, GuestState.BOUNCED)
_ADMIN: Final = phrase("an administrator")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tidings:
    """What goes out with an end, sealed: to guests with a link each, and to the owner."""

    guests: tuple[Prepared, ...] = ()
    owner: Posted | None = None


class Ending(Partaking):
    """Composing blocks; sending is part of a transaction."""

    def told_of_closing(self, closing: BoxRow, by: By, now: datetime) -> Tidings:
        """To whom its profile says. `closing`: the box with the times it is to have. Blocks.

        Nothing where it cannot be composed because what is stored was changed, or the key is lost for good: closing
        goes on. Raises KeysUnavailable where no key can be had now.
        """
        profile = stored_profile(closing.profile)
        told = profile.notice.closed
        if told is ToldOfEnd.NOBODY:
            return Tidings()
        standing = self._desk.db.read_now(lambda conn: standing_of(conn, closing.namespace, closing.id, by))
        if standing is None:
            return Tidings()
        standing = replace(standing, box=closing)
        is_gone = state_at(BoxState.CLOSED, closing.closes_at, closing.deletes_at, now) is BoxState.DELETED
        end = End(closing.closes_at, _who(standing, by), is_gone, profile.life.reopening and not is_gone)
        try:
            guests = self._closed(standing, end, by) if told in _GUESTS else ()
            owner = self._owner_closed(standing, end, now) if told in _OWNER else None
        except KeysUnavailable:
            if not self._desk.vault.ready(closing.namespace):
                raise
            return Tidings()
        except (KeysError, ValueError) as broken:
            log.error("safebox.end_not_told", box=closing.id, error=type(broken).__name__)
            return Tidings()
        return Tidings(guests, owner)

    def told_of_deletion(self, due: BoxRow, now: datetime) -> Tidings:
        """To guests who can still read it; while it is open, reminders go to those who have not opened it. Blocks."""
        standing = self._desk.db.read_now(lambda conn: standing_of(conn, due.namespace, due.id, TIME))
        if standing is None or standing.box.expiring_at != due.expiring_at:
            return Tidings()
        box = standing.box
        profile = stored_profile(box.profile)
        is_open = state_at(box.state, box.closes_at, box.deletes_at, now) is BoxState.OPEN
        reminded = is_open and bool(profile.notice.reminders)
        people = [one for one in _reached(standing.people) if one.state in _OPENED or not reminded]

        def compose(person: ParticipantRow) -> Compose:
            return partial(self._desk.composer.expiring, unread=person.state not in _OPENED)

        called = (self.call(standing, one, "expiring", compose(one)) for one in people)
        return Tidings(tuple(one for one in called if one is not None))

    def send_tidings(self, conn: Connection, box: BoxRow, tidings: Tidings, now: datetime) -> bool:
        """To those who take part still. False: there was nothing to send."""
        here = {one.id for one in _reached(participants_of(conn, box.namespace, box.id))}
        sent = [one for one in tidings.guests if one.participant_id in here]
        for one in sent:
            self._desk.inviter.send(conn, box, one, now)
        if tidings.owner is not None:
            self._desk.post.put(conn, tidings.owner, now)
        return bool(sent) or tidings.owner is not None

    def drop_tidings(self, tidings: Tidings, error: DeliveryError) -> None:
        """Discard what was composed: it is not to be sent."""
        self._discard(tidings.guests, error)
        if tidings.owner is not None:
            self._desk.post.discard(tidings.owner, error)

    # -- within ---------------------------------------------------------------------------------------------------

    def _closed(self, standing: Standing, end: End, by: By) -> tuple[Prepared, ...]:
        people = [one for one in _reached(standing.people) if one.address_key != by.key]

        def compose(person: ParticipantRow) -> Compose:
            return partial(self._desk.composer.closed, end=end, unread=person.state not in _OPENED)

        called = (self.call(standing, one, "closed", compose(one)) for one in people)
        return tuple(one for one in called if one is not None)

    def _owner_closed(self, standing: Standing, end: End, now: datetime) -> Posted | None:
        """Where it helps: somebody else closed it, somebody has not opened it, or there is something to save."""
        box = standing.box
        owner = next(one for one in standing.people if one.role is Role.OWNER)
        if standing.actor is Actor.OWNER:
            return None
        guests = [one for one in _taking_part(standing.people) if one.address_key != owner.address_key]
        unread = [one.address for one in guests if one.state not in (*_OPENED, GuestState.DECLINED)]
        kept = self._desk.db.read_now(lambda conn: _kept(conn, box))
        if not (end.by or unread or kept):
            return None
        key = BoxKey.of(self._desk.vault, box)
        notice = self._desk.composer.owner_closed(about_in(self._desk.db, key, box, owner), end, unread, kept, now)
        return self._desk.seal(box, owner, notice, "owner_closed")


def _who(standing: Standing, by: By) -> str:
    """Who closes it before its time, as its owner may know; empty: time does."""
    if standing.actor is Actor.TIME:
        return ""
    return _ADMIN if by.is_admin else by.address


def _taking_part(people: Iterable[ParticipantRow]) -> list[ParticipantRow]:
    here = (one for one in people if one.removed_at is None and one.recalled_at is None)
    return [one for one in here if one.role is Role.GUEST]


def _reached(people: Iterable[ParticipantRow]) -> list[ParticipantRow]:
    """Guests to whom it is there, and whose mail arrives."""
    return [one for one in _taking_part(people) if one.state not in _UNREACHED]


def _kept(conn: Connection, box: BoxRow) -> int:
    """How many files of answers went with no mail to the owner."""
    answers = events_of(conn, box.namespace, box.id, EventKind.BOX_ANSWERED)
    return sum(int(facts.get("stays_in_box", 0)) for _, _, _, facts in answers)

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
from delivery.safebox.authority import TIME, Principal, Standing, standing_of
from delivery.safebox.boxkey import BoxKey
from delivery.safebox.choices import ToldOfEnd
from delivery.safebox.inviting import Compose, PreparedInvitation, correspondence_in_languages
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
class EndNotices:
    """The notices about one closing or deletion, sealed: to guests, each with a link, and to the owner."""

    guests: tuple[PreparedInvitation, ...] = ()
    owner: Posted | None = None


class Ending(Partaking):
    """Prepares, sends and discards notices about the end of a box. Preparing them blocks."""

    def closing_notices(self, closing: BoxRow, by: Principal, now: datetime) -> EndNotices:
        """Notices that a box closes, to those whom its profile names. `closing`: the box with its new times. Blocks.

        There are none if they cannot be composed, because stored bytes were changed or the key is lost for good: that
        must not keep the box from closing. Raises KeysUnavailable if the key cannot be had now.
        """
        profile = stored_profile(closing.profile)
        told = profile.notice.closed
        if told is ToldOfEnd.NOBODY:
            return EndNotices()
        standing = self._desk.db.read_now(lambda conn: standing_of(conn, closing.namespace, closing.id, by))
        if standing is None:
            return EndNotices()
        standing = replace(standing, box=closing)
        is_gone = state_at(BoxState.CLOSED, closing.closes_at, closing.deletes_at, now) is BoxState.DELETED
        end = End(closing.closes_at, _who(standing, by), is_gone, profile.life.reopening and not is_gone)
        try:
            guests = self._closed(standing, end, by) if told in _GUESTS else ()
            owner = self._owner_closed(standing, end, now) if told in _OWNER else None
        except KeysUnavailable:
            if not self._desk.vault.ready(closing.namespace):
                raise
            return EndNotices()
        except (KeysError, ValueError) as broken:
            log.error("safebox.end_not_told", box=closing.id, error=type(broken).__name__)
            return EndNotices()
        return EndNotices(guests, owner)

    def deletion_notices(self, due: BoxRow, now: datetime) -> EndNotices:
        """Notices that the content is deleted soon, to guests who can still read it. Blocks.

        While the box is open, those who have not opened it get reminders instead, if its profile has any.
        """
        standing = self._desk.db.read_now(lambda conn: standing_of(conn, due.namespace, due.id, TIME))
        if standing is None or standing.box.expiring_at != due.expiring_at:
            return EndNotices()
        box = standing.box
        profile = stored_profile(box.profile)
        is_open = state_at(box.state, box.closes_at, box.deletes_at, now) is BoxState.OPEN
        reminded = is_open and bool(profile.notice.reminders)
        people = [one for one in _reached(standing.people) if one.state in _OPENED or not reminded]

        def compose(person: ParticipantRow) -> Compose:
            return partial(self._desk.composer.expiring, unread=person.state not in _OPENED)

        called = (self.prepare_notice(standing, one, "expiring", compose(one)) for one in people)
        return EndNotices(tuple(one for one in called if one is not None))

    def send_end_notices(self, conn: Connection, box: BoxRow, notices: EndNotices, now: datetime) -> bool:
        """Send them within the transaction `conn`, to guests who still take part. False: there was nothing to send."""
        here = {one.id for one in _reached(participants_of(conn, box.namespace, box.id))}
        sent = [one for one in notices.guests if one.participant_id in here]
        for one in sent:
            self._desk.inviter.send(conn, box, one, now)
        if notices.owner is not None:
            self._desk.post.put(conn, notices.owner, now)
        return bool(sent) or notices.owner is not None

    def discard_end_notices(self, notices: EndNotices, error: DeliveryError) -> None:
        """Delete what was sealed for these notices; they are not sent. `error` is the reason."""
        self._discard(notices.guests, error)
        if notices.owner is not None:
            self._desk.post.discard(notices.owner, error)

    # -- within ---------------------------------------------------------------------------------------------------

    def _closed(self, standing: Standing, end: End, by: Principal) -> tuple[PreparedInvitation, ...]:
        people = [one for one in _reached(standing.people) if one.address_key != by.key]

        def compose(person: ParticipantRow) -> Compose:
            return partial(self._desk.composer.closed, end=end, unread=person.state not in _OPENED)

        called = (self.prepare_notice(standing, one, "closed", compose(one)) for one in people)
        return tuple(one for one in called if one is not None)

    def _owner_closed(self, standing: Standing, end: End, now: datetime) -> Posted | None:
        """The owner's notice, if there is anything to say: somebody else closed the box, a guest has not opened it, or
        answers hold files that are nowhere else.
        """
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
        notice = self._desk.composer.owner_closed(
            correspondence_in_languages(self._desk.db, key, box, owner), end, unread, kept, now
        )
        return self._desk.seal(box, owner, notice, "owner_closed")


def _who(standing: Standing, by: Principal) -> str:
    """Who closes the box before its time, as its owner is told; empty: its time has come."""
    if standing.actor is Actor.TIME:
        return ""
    return _ADMIN if by.is_admin else by.address


def _taking_part(people: Iterable[ParticipantRow]) -> list[ParticipantRow]:
    here = (one for one in people if one.removed_at is None and one.recalled_at is None)
    return [one for one in here if one.role is Role.GUEST]


def _reached(people: Iterable[ParticipantRow]) -> list[ParticipantRow]:
    """Guests who take part, and whose notices arrive."""
    return [one for one in _taking_part(people) if one.state not in _UNREACHED]


def _kept(conn: Connection, box: BoxRow) -> int:
    """How many files of answers were too large for the mail to the owner, and so are only in the box."""
    answers = events_of(conn, box.namespace, box.id, EventKind.BOX_ANSWERED)
    return sum(int(facts.get("stays_in_box", 0)) for _, _, _, facts in answers)

"""What guests do beside reading and answering, and the notices that go out for it: to them, or to the owner."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Final

from sqlalchemy import Connection

from delivery.errors import DeliveryError
from delivery.notices.facts import Correspondence
from delivery.notices.notice import Notice
from delivery.safebox.desk import act_of_guest
from delivery.safebox.inviting import correspondence_in_languages
from delivery.safebox.participants import Access, Way
from delivery.safebox.post import Posted
from delivery.safebox.reading import Seat
from delivery.safebox.seating import Seating
from delivery.store import throttles
from delivery.store.account_rows import phrase_of
from delivery.store.audit import Event, EventKind, record
from delivery.store.box_news import News, count_news
from delivery.store.box_people import set_consent
from delivery.store.boxes import (
    GuestState,
    get_box,
    get_participant,
    move_guest,
    set_lock,
    told_lately,
    touch_box,
)
from delivery.store.codes import clear_throttles
from delivery.store.who import Also

_FETCHED: Final = timedelta(hours=1)
_ONCE: Final = timedelta(days=1)  # how often an owner hears the same of a guest
_MAX_NOTE: Final = 1000

Compose = Callable[[Correspondence, datetime], Notice]
# What happens, in the transaction: its event, or None where nothing is to be recorded; False: it cannot happen
Happen = Callable[[Connection, Seat, datetime], Event | bool | None]


class Telling(Seating):
    """Notices are composed and sealed before the transaction, and enqueued within it."""

    async def decline(self, namespace: str, participant_id: str, seen: Access) -> bool:
        """`Not meant for me`: closes the box for this address, and tells the owner. For good, if the guest has proven
        who they are; by link alone (`seen.way`), until they prove it: a scanner may have pressed the button.
        """

        def happen(conn: Connection, seat: Seat, now: datetime) -> Event | bool:
            if not self._invitation(seat, now).readable or not self._moved(conn, seat, GuestState.DECLINED):
                return False
            return act_of_guest(EventKind.BOX_DECLINED, seat.box, seat.guest, seen)

        return await self._tell_owner(namespace, participant_id, "declined", self._desk.composer.declined, happen)

    async def lock(self, namespace: str, participant_id: str, seen: Access) -> bool:
        """Too many wrong codes: short ones, and answers, are locked until the owner or an account unlocks; the owner is
        told, once a day.
        """

        def happen(conn: Connection, seat: Seat, now: datetime) -> Event | bool:
            if not set_lock(conn, namespace, seat.guest.id, now):
                return False
            return act_of_guest(EventKind.BOX_LOCKED, seat.box, seat.guest, seen)

        return await self._tell_owner(
            namespace, participant_id, "locked", self._desk.composer.locked, happen, once=True
        )

    async def ask_again(self, namespace: str, participant_id: str, note: str, seen: Access) -> bool:
        """The guest of a closed box asks the owner to open it again, of a deleted one to send it again; the owner gets
        one mail a day.
        """
        said = note.strip()[:_MAX_NOTE]

        reopenable = False

        def compose(about: Correspondence, now: datetime) -> Notice:
            return self._desk.composer.asked_again(about, said, now, reopenable=reopenable)

        def happen(conn: Connection, seat: Seat, now: datetime) -> Event | bool:
            if not self._invitation(seat, now).asks:
                return False
            count_news(conn, namespace, seat.box.id, News.ASKS, now)
            return act_of_guest(EventKind.BOX_ASKED, seat.box, seat.guest, seen)

        invitation = await self.invitation(namespace, participant_id)
        reopenable = invitation is not None and invitation.reopenable
        return await self._tell_owner(namespace, participant_id, "asked_again", compose, happen, once=True)

    async def reopen(self, namespace: str, participant_id: str, seen: Access) -> bool:
        """Somebody who only held the link had declined; now the guest has proven who they are, and it opens again."""
        now = self._desk.clock()

        def work(conn: Connection) -> bool:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None or seen.way is Way.LINK or not self._invitation(seat, now).reopens:
                return False
            # Not in the table of moves: nothing but this act leads out of "declined", and no late notice may.
            declined = frozenset({GuestState.DECLINED})
            if not move_guest(conn, namespace, participant_id, declined, GuestState.NOTIFIED):
                return False
            event = act_of_guest(EventKind.BOX_UNLOCKED, seat.box, seat.guest, seen, was="declined by link")
            record(conn, self._desk.vault, [event], now)
            return True

        return await self._desk.db.write(work)

    async def fetched(self, namespace: str, participant_id: str, seen: Access) -> None:
        """The link was followed, by the guest or by a scanner: nothing was shown but the envelope. Kept once an hour
        for each network, so that nobody fills the trail.
        """
        now = self._desk.clock()
        place = hashlib.sha256(f"{participant_id}\0{_network(seen.network)}".encode()).hexdigest()

        def work(conn: Connection) -> None:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None or told_lately(conn, namespace, f"fetched:{place}", now - _FETCHED, now):
                return
            record(conn, self._desk.vault, [act_of_guest(EventKind.BOX_LINK_FETCHED, seat.box, seat.guest, seen)], now)

        await self._desk.db.write(work)

    async def consent(self, namespace: str, participant_id: str, version: str, seen: Access) -> bool:
        """The guest accepts the text of the box's profile, in the version shown. False: that is not the one."""
        now = self._desk.clock()

        def work(conn: Connection) -> bool:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None:
                return False
            invitation = self._invitation(seat, now)
            text = invitation.profile.participants.consent
            if text is None or text.version != version or not invitation.opened_by(seen.way, strong=seen.strong):
                return False
            if set_consent(conn, namespace, participant_id, version, now):
                event = act_of_guest(EventKind.BOX_CONSENTED, seat.box, seat.guest, seen, version=version)
                record(conn, self._desk.vault, [event], now)
            return True

        return await self._desk.db.write(work)

    async def unlock(self, namespace: str, participant_id: str, seen: Access) -> bool:
        """Take the lock off: the guest signed in with their account."""
        now = self._desk.clock()

        def work(conn: Connection) -> bool:
            seat = self._seat_within(conn, namespace, participant_id)
            if seat is None or not set_lock(conn, namespace, participant_id, None):
                return False
            clear_throttles(conn, namespace, participant_id)
            record(conn, self._desk.vault, [act_of_guest(EventKind.BOX_UNLOCKED, seat.box, seat.guest, seen)], now)
            return True

        return await self._desk.db.write(work)

    # -- mailing the guest ----------------------------------------------------------------------------------------

    async def send_code(
        self, namespace: str, participant_id: str, code: str, valid_for: timedelta, seen: Access
    ) -> bool:
        """Mail a code to the guest and record that. False: a mailed code helps nobody with this box."""

        def helps(seat: Seat | None) -> bool:
            invitation = None if seat is None else self._invitation(seat, self._desk.clock())
            return invitation is not None and (invitation.takes_codes or invitation.takes_mailbox)

        seat = await self._seat(lambda conn: get_participant(conn, namespace, participant_id))
        if seat is None or not helps(seat):
            return False
        now = self._desk.clock()
        posted = await asyncio.to_thread(self._sealed_code, seat, code, valid_for, seen, now)

        def work(conn: Connection) -> bool:
            if not helps(self._seat_within(conn, namespace, participant_id)):
                return False
            self._desk.post.put(conn, posted, now)
            record(conn, self._desk.vault, [act_of_guest(EventKind.CODE_SENT, seat.box, seat.guest, seen)], now)
            return True

        return self._woken(done=await self._desk.db.write(work))

    def _sealed_code(self, seat: Seat, code: str, valid_for: timedelta, seen: Access, now: datetime) -> Posted:
        box, guest, desk = seat.box, seat.guest, self._desk
        phrase = desk.db.read_now(lambda conn: phrase_of(conn, desk.vault, box.namespace, guest.address))
        about = correspondence_in_languages(desk.db, seat.key, box, guest)
        about = replace(about, guest_language=seen.language or about.guest_language)
        notice = desk.composer.code(about, code, now, valid_for=valid_for, asked_from=seen.network, phrase=phrase)
        return desk.post.seal(
            box.namespace,
            notice,
            owner=box.owner,
            what="code",
            box_id=box.id,
            participant_id=guest.id,
            expires_after=valid_for,  # delivered later it would be of no use, and puzzling
            at_once=True,
        )

    async def account_changed(self, namespace: str, participant_id: str, seen: Access) -> Also | None:
        """What tells a guest by mail that an account was made for their address, or changed: to be done within the
        transaction that changes it. None: there is no such guest.
        """
        seat = await self._seat(lambda conn: get_participant(conn, namespace, participant_id))
        if seat is None:
            return None
        now = self._desk.clock()

        def compose(about: Correspondence, now: datetime) -> Notice:
            language = seen.language or about.guest_language
            return self._desk.composer.account_created(replace(about, guest_language=language), now)

        posted = await asyncio.to_thread(self._composed, seat, "account_created", compose, now)
        return lambda conn: self._desk.post.put(conn, posted, now)

    async def signin_locked(
        self, namespace: str, participant_id: str, account_id: str, seen: Access, until: datetime, *, by_second: bool
    ) -> bool:
        """Tell a guest that wrong passwords, or wrong codes after the right one, locked their account until then; of
        each once a day. `participant_id`: of any box of theirs.
        """
        seat = await self._seat(lambda conn: get_participant(conn, namespace, participant_id))
        if seat is None:
            return False
        desk, now = self._desk, self._desk.clock()
        key = f"told:signin_locked:{'second' if by_second else 'password'}:{account_id}"
        told = await desk.db.read(lambda conn: throttles.read_now(conn, key, now))
        if told is not None and told.window_at > now - _ONCE:
            return False  # before there is anything to compose: whoever knocks on costs little

        def compose(about: Correspondence, now: datetime) -> Notice:
            phrase = desk.db.read_now(lambda conn: phrase_of(conn, desk.vault, namespace, about.guest_address))
            return desk.composer.signin_locked(
                about, now, until=until, by_second=by_second, asked_from=seen.network, phrase=phrase
            )

        posted = await asyncio.to_thread(self._composed, seat, "signin_locked", compose, now)

        def work(conn: Connection) -> bool:
            if told_lately(conn, namespace, key, now - _ONCE, now):
                return False
            desk.post.put(conn, posted, now)
            return True

        done = await desk.db.write(work)
        if not done:
            desk.post.discard(posted, DeliveryError("told today"))
        return self._woken(done=done)

    async def resend(self, namespace: str, participant_id: str, _seen: Access) -> bool:
        """Send the notice again, with a new link; earlier links live on, as long as the box does."""
        seat = await self._seat(lambda conn: get_participant(conn, namespace, participant_id))
        if seat is None or seat.key is None or not self._invitation(seat, self._desk.clock()).readable:
            return False
        now = self._desk.clock()
        prepared = await asyncio.to_thread(
            self._desk.inviter.prepare_again, seat.box, seat.key, seat.guest, seat.documents, now
        )

        def work(conn: Connection) -> bool:
            still = self._seat_within(conn, namespace, participant_id)
            if still is None or not self._invitation(still, now).readable:
                return False
            self._desk.inviter.send(conn, still.box, prepared, now)
            return True

        return self._woken(done=await self._desk.db.write(work))

    # -- within ---------------------------------------------------------------------------------------------------

    async def _tell_owner(
        self,
        namespace: str,
        participant_id: str,
        what: str,
        compose: Compose,
        happen: Happen,
        *,
        once: bool = False,
    ) -> bool:
        seat = await self._seat(lambda conn: get_participant(conn, namespace, participant_id))
        if seat is None:
            return False
        now = self._desk.clock()
        posted = await asyncio.to_thread(self._composed, seat, what, compose, now)

        def work(conn: Connection) -> bool:
            get_box(conn, namespace, seat.box.id, hold=True)  # before a guest's row: in one order everywhere
            still = self._seat_within(conn, namespace, participant_id)
            event = False if still is None else happen(conn, still, now)
            if isinstance(event, bool):
                return event
            touch_box(conn, namespace, seat.box.id, now)
            if event is not None:
                record(conn, self._desk.vault, [event], now)
            key = f"told:{what}:{participant_id}"
            if not once or not told_lately(conn, namespace, key, now - _ONCE, now):
                self._desk.post.put(conn, posted, now)
            return True

        return self._woken(done=await self._desk.db.write(work))

    def _composed(self, seat: Seat, what: str, compose: Compose, now: datetime) -> Posted:
        notice = compose(correspondence_in_languages(self._desk.db, seat.key, seat.box, seat.guest), now)
        return self._desk.seal(seat.box, seat.guest, notice, what)

    def _woken(self, *, done: bool) -> bool:
        if done:
            self._desk.post.wake()
        return done


def _network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 one: whoever has one of it has all."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return address if found.version == 4 else str(ip_network((found, 64), strict=False))

"""Finds a guest's seat in a SafeBox: by link, by reference, by id, by address. Changes and records nothing."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from delivery.safebox.contents import ListedInvitation
from delivery.safebox.desk import Desk
from delivery.safebox.headers import address_key
from delivery.safebox.inviting import correspondence_of
from delivery.safebox.lifecycle import GUEST_MOVES
from delivery.safebox.making import reference_digest
from delivery.safebox.participants import Access, Invitation
from delivery.safebox.reading import Seat, invitation_of, seat_of
from delivery.store.boxes import (
    GuestState,
    ParticipantRow,
    get_participant,
    guest_by_link,
    guest_by_reference,
    guests_by_address,
    move_guest,
)
from keys.tokens import digest, normalise_reference

Find = Callable[[Connection], ParticipantRow | None]


class Seating:
    """Finds guests. Foreign, wrong and unknown links, references and ids all give None: nobody learns which it was."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def by_link(self, namespace: str, token: str) -> Invitation | None:
        """The invitation behind the locator of a link; changes and records nothing."""
        return await self._invited(lambda conn: guest_by_link(conn, namespace, digest(token)))

    async def by_reference(self, namespace: str, reference: str) -> Invitation | None:
        """The invitation behind a typed reference, however it is spelled; changes and records nothing."""
        plain = normalise_reference(reference)
        if plain is None:
            return None
        wanted = await asyncio.to_thread(reference_digest, self._desk.vault, namespace, plain)
        return await self._invited(lambda conn: guest_by_reference(conn, namespace, wanted))

    async def invitation(self, namespace: str, participant_id: str) -> Invitation | None:
        """The invitation of a guest; asked again on every request, so that a recall acts at once."""
        return await self._invited(lambda conn: get_participant(conn, namespace, participant_id))

    async def for_address(self, namespace: str, address: str) -> tuple[ListedInvitation, ...]:
        """Everything sent to an address, newest first: what its account sees after signing in."""
        now = self._desk.clock()

        def work(conn: Connection) -> tuple[ListedInvitation, ...]:
            guests = guests_by_address(conn, namespace, address_key(address))
            seats = [seat for guest in guests if (seat := seat_of(conn, self._desk.vault, guest))]
            return tuple(
                ListedInvitation(self._invitation(seat, now), correspondence_of(seat.key, seat.box, seat.guest).subject)
                for seat in seats
            )

        return await self._desk.db.read(work)

    async def _invited(self, find: Find) -> Invitation | None:
        seat = await self._seat(find)
        return None if seat is None else self._invitation(seat, self._desk.clock())

    async def _seat(self, find: Find) -> Seat | None:
        return await self._desk.db.read(lambda conn: seat_of(conn, self._desk.vault, find(conn)))

    def _seat_within(self, conn: Connection, namespace: str, participant_id: str) -> Seat | None:
        return seat_of(conn, self._desk.vault, get_participant(conn, namespace, participant_id))

    def _invitation(self, seat: Seat, now: datetime) -> Invitation:
        return invitation_of(seat, self._desk.composer.voice.organisation, now)

    def _moved(self, conn: Connection, seat: Seat, target: GuestState) -> bool:
        sources = frozenset(state for state, targets in GUEST_MOVES.items() if target in targets)
        return move_guest(conn, seat.box.namespace, seat.guest.id, sources, target)


def may_read(invitation: Invitation, seen: Access | None) -> bool:
    """Whether this way of proving who they are is enough for this box, and what has to be accepted is."""
    if invitation.consent_wanted:
        return False
    return invitation.readable if seen is None else invitation.opened_by(seen.way, strong=seen.strong)

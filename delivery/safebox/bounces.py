"""Learns what became of invitations: a server took them, or they came back. The owner is told of the latter, once."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from delivery.dsn import Dsn, read_dsn
from delivery.items import Item, Kind, Reply, State
from delivery.safebox.desk import Desk
from delivery.safebox.inviting import correspondence_in_languages
from delivery.safebox.lifecycle import GUEST_MOVES
from delivery.safebox.post import Posted
from delivery.safebox.reading import Seat, seat_of
from delivery.safebox.seating import Seating
from delivery.store.audit import Event, EventKind, record
from delivery.store.boxes import GuestState, get_participant, move_guest, namespace_of_participant
from keys.tokens import claimed_ident, verify_address

Work = Callable[[Connection, datetime], None]
_LOST: Final = (State.BOUNCED, State.REFUSED, State.CANCELLED)

log = structlog.get_logger()


class NoticeBounces(Seating):
    """The end of notices, as the queue's worker and the inbound door report it."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)

    async def ended(self, item: Item, state: State, reply: Reply) -> Work | None:
        """Asked by the worker before the transaction that ends an item of ours; the work runs inside it."""
        if item.kind is not Kind.NOTICE or item.participant_id is None:
            return None
        participant_id = item.participant_id
        if state in (State.SENT, State.STORED):
            return lambda conn, now: self._arrived(conn, item.namespace, participant_id, now)
        if state not in _LOST:
            return None
        return await self._lost(item.namespace, participant_id, str(reply))

    async def take_bounce(self, address: str, raw: bytes) -> bool:
        """A mail to one of our signed return addresses. False: not an address that we ever made.

        Taken, and nothing more happens, where it tells of no failure (an auto-reply, a delay) or of one that is known.
        Raises StoreUnavailable where it cannot be kept.
        """
        proven = await self.named_by(address)
        if proven is None:
            return False
        namespace, participant_id = proven
        reason = _failure(await asyncio.to_thread(read_dsn, raw))
        if reason is not None:
            work = await self._lost(namespace, participant_id, reason)
            if work is not None:
                now = self._desk.clock()
                await self._desk.db.write(lambda conn: work(conn, now))
                self._desk.post.wake()
        return True

    async def named_by(self, address: str) -> tuple[str, str] | None:
        """Namespace and id of the participant whose return address this is; None: we never made it.

        Raises StoreUnavailable.
        """
        participant_id = claimed_ident(address)
        if participant_id is None:
            return None
        namespace = await self._desk.db.read(lambda conn: namespace_of_participant(conn, participant_id))
        if namespace is None:
            return None
        key = await asyncio.to_thread(self._desk.vault.mac_key, namespace)
        return (namespace, participant_id) if verify_address(key, address) == participant_id else None

    def _arrived(self, conn: Connection, namespace: str, participant_id: str, now: datetime) -> None:
        """A server took the notice."""
        guest = get_participant(conn, namespace, participant_id)
        if guest is None:
            return
        move_guest(conn, namespace, guest.id, _sources(GuestState.NOTIFIED), GuestState.NOTIFIED)
        event = Event(EventKind.NOTICE_SENT, namespace, box_id=guest.box_id, participant_id=guest.id)
        record(conn, self._desk.vault, [event], now)

    async def _lost(self, namespace: str, participant_id: str, reason: str) -> Work | None:
        seat = await self._seat(lambda conn: get_participant(conn, namespace, participant_id))
        if seat is None:
            return None
        posted = await asyncio.to_thread(self._bounce, seat, reason)

        def work(conn: Connection, now: datetime) -> None:
            still = seat_of(conn, self._desk.vault, get_participant(conn, namespace, participant_id))
            if still is None:
                return
            event = Event(
                EventKind.NOTICE_BOUNCED,
                namespace,
                box_id=still.box.id,
                participant_id=participant_id,
                persons={"guest": still.guest.address},
                private={"reason": reason},
            )
            record(conn, self._desk.vault, [event], now)
            # The move happens once for each notice that was on its way: a second report of it tells nobody anything.
            if move_guest(conn, namespace, participant_id, _sources(GuestState.BOUNCED), GuestState.BOUNCED):
                self._desk.post.put(conn, posted, now)

        return work

    def _bounce(self, seat: Seat, reason: str) -> Posted:
        about = correspondence_in_languages(self._desk.db, seat.key, seat.box, seat.guest)
        notice = self._desk.composer.bounce(about, reason, self._desk.clock())
        return self._desk.seal(seat.box, seat.guest, notice, "bounce")


def _sources(target: GuestState) -> frozenset[GuestState]:
    return frozenset(state for state, targets in GUEST_MOVES.items() if target in targets)


def _failure(dsn: Dsn | None) -> str | None:
    """What a bounce says went wrong; None: nothing did, or it is not readable as a bounce."""
    if dsn is None:
        return None
    for recipient in dsn.recipients:
        if recipient.action == "failed":
            return f"{recipient.status} {recipient.diagnostic}".strip()
    return None

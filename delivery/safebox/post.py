"""Brings notices into the queue: sealed before the transaction of the act they tell of, inserted within it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from delivery.items import Destination, Kind, NewItem, NewMessage, SealedMessage
from delivery.notices.notice import Notice
from delivery.store.audit import Event, EventKind
from policy.decision import Route

DestinationFor = Callable[[str], Destination]  # by `inside` for our own domains, else by the next hop
Clock = Callable[[], datetime]


class Outbox(Protocol):
    """The queue, as far as notices need it."""

    @property
    def destination_for(self) -> DestinationFor:
        """By which hop an address is reached."""

    def seal(self, message: NewMessage) -> SealedMessage:
        """Seal a message; blocks, and not inside a write's work."""

    def put(
        self,
        conn: Connection,
        sealed: SealedMessage,
        items: Sequence[NewItem],
        events: Sequence[Event],
        now: datetime,
    ) -> str:
        """Insert it in the caller's transaction."""

    def discard(self, *sealed: SealedMessage, error: Exception) -> None:
        """The transaction failed: take away what lies on disk."""

    def wake(self) -> None:
        """Let the worker look for due items; to be called after the commit."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A notice, sealed, ready for one transaction."""

    sealed: SealedMessage
    item: NewItem
    event: Event


class Post:
    """Seals notices and puts them into the queue."""

    def __init__(self, outbox: Outbox, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock

    def seal(
        self,
        namespace: str,
        notice: Notice,
        *,
        owner: str,
        what: str,
        box_id: str | None = None,
        participant_id: str | None = None,
        follows: bool = False,
        kind: Kind = Kind.NOTICE,
        expires_after: timedelta | None = None,
        at_once: bool = False,
        in_safebox: bool = False,
    ) -> Posted:
        """Seal it. `owner` is whose mail it is about. `follows`: its fate changes the participant's state. Blocks.

        `at_once`: somebody sits and waits for it (a code), so it goes ahead of everything. `in_safebox`: it is kept in
        a SafeBox of its own, since the way to its recipient is anybody's.
        """
        message = NewMessage(
            namespace,
            notice.sender,
            owner,
            notice.subject,
            notice.raw,
            self._clock(),
            smtputf8=notice.smtputf8,
        )
        item = NewItem(
            notice.recipient,
            Destination(Route.SAFEBOX) if in_safebox else self._outbox.destination_for(notice.recipient),
            kind=kind,
            rule=f"notice: {what}",
            participant_id=participant_id if follows else None,
            expires_after=expires_after,
            at_once=at_once,
        )
        event = Event(
            EventKind.NOTICE_ENQUEUED,
            namespace,
            box_id=box_id,
            participant_id=participant_id,
            facts={"notice": what},
            persons={"recipient": notice.recipient},
        )
        return Posted(self._outbox.seal(message), item, event)

    def is_ours(self, address: str) -> bool:
        """Whether it is an address of the organisation's own."""
        return self._outbox.destination_for(address).inside

    def put(self, conn: Connection, posted: Posted, now: datetime) -> None:
        """Into the queue, in the caller's transaction."""
        self._outbox.put(conn, posted.sealed, [posted.item], [posted.event], now)

    def discard(self, posted: Posted, error: Exception) -> None:
        """Discard what was sealed: the transaction failed."""
        self._outbox.discard(posted.sealed, error=error)

    def wake(self) -> None:
        """Let the worker look for due mail: the transaction was committed."""
        self._outbox.wake()

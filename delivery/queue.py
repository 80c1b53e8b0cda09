"""The way into the queue: what is accepted here is on disk, sealed, before anyone is told so.

`accept` is for mail that waits for its 250; `seal` and `put` are for mail of our own (notices, DSNs, answers) that
enters in somebody else's transaction. A worker in this process gets accepted mail at once, with the body still in
memory: the items are inserted as its leases. Everything else is found by the workers in the database.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog
from sqlalchemy import Connection

from delivery.entering import Claim, Entry, with_message_id
from delivery.errors import DeliveryError, StoreUnavailable
from delivery.fairness import Senders, Urgency
from delivery.items import (
    Destination,
    Fate,
    Item,
    Kind,
    LeasedItem,
    NewItem,
    NewMessage,
    OpenMessage,
    Reply,
    Report,
    SealedMessage,
    State,
)
from delivery.reporting import Reporter
from delivery.sealed import INLINE, open_changes, open_message, seal_message, unreadable
from delivery.settings import QueueSettings
from delivery.store.ages import Waiting, waiting
from delivery.store.audit import Event, EventKind, record, record_each
from delivery.store.blobs import Blobs
from delivery.store.database import Database
from delivery.store.items import insert_items
from delivery.store.messages import StoredMessage, find_message, insert_messages
from delivery.store.vault import Vault
from delivery.store.views import count_up_to
from keys.tokens import new_id
from policy.decision import Route

Clock = Callable[[], datetime]

_SMALL: Final = 32 * 1024  # bytes of a message that is opened at once, not in a thread

log = structlog.get_logger()


class LocalWorker(Protocol):
    """The worker of this process, which gets accepted mail at once: `delivery.worker.DeliveryWorker`."""

    def claim(self, size: int) -> Claim | None:
        """A lease, if the worker delivers a message of `size` bytes at once; None: the items are to be due."""

    def take(self, message: OpenMessage, items: Sequence[LeasedItem]) -> None:
        """Take these items, which are now on disk and leased to it."""

    def wake(self) -> None:
        """Look for due items now. May be called from any thread."""


def _by_relay(_address: str) -> Destination:
    return Destination(Route.RELAY)


class Queue:
    """One queue over one store. All times are the clock's, in UTC."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        blobs: Blobs,
        settings: QueueSettings,
        clock: Clock,
        *,
        reporter: Reporter | None = None,
        destination_for: Callable[[str], Destination] = _by_relay,
    ) -> None:
        self.db = db
        self.vault = vault
        self.blobs = blobs
        self.settings = settings
        self.clock = clock
        self.reporter = reporter
        self.destination_for = destination_for
        self._senders = Senders()
        self._worker: LocalWorker | None = None

    def attach(self, worker: LocalWorker | None) -> None:
        """Give accepted mail to this worker from now on; None: to no worker of this process."""
        self._worker = worker

    async def accept(
        self,
        message: NewMessage,
        items: Sequence[NewItem],
        events: Sequence[Event] = (),
        also: Sequence[tuple[NewMessage, Sequence[NewItem]]] = (),
    ) -> str:
        """Keep a message with one item for each recipient; returns its id once they are on disk.

        `also` are mails of our own that enter with it, all or nothing. `events` are written in the same transaction
        with the message's id; `message.accepted` is added if missing. Raises StoreUnavailable: nothing was kept (if it
        is not `certain`, perhaps all was: the client sends again, and twice is better than never). Raises StoreConflict
        if a message with this id is there already.
        """
        now = self.clock()
        kept = [await self._seal(message)]
        sealed = kept[0]
        try:
            claim = self._claim(sealed, items)
            made = self._items(sealed, items, now, claimed=claim is not None)
            own: list[tuple[SealedMessage, Sequence[NewItem]]] = []
            for mail, recipients in also:
                kept.append(await self._seal(mail))
                own.append((kept[-1], recipients))
            report = await self._report_refused(message, sealed.id, items, made, now)
            if report is not None:
                kept.append(report[0])
                own.append((report[0], [report[1]]))
            await self.db.write_one(self._insert_each, Entry(sealed, made, now, claim, events, own))
        except DeliveryError as error:
            self.discard(*kept, error=error)
            raise
        if claim is not None and self._worker is not None:
            size, sender = sealed.size, message.sender
            mine = (item for item in made if item.state is State.LEASED)
            leased = [LeasedItem(item, 1, claim.until, size, sender=sender) for item in mine]
            self._worker.take(_opened(sealed.id, message), leased)
        if claim is None or own:
            self.wake()
        return sealed.id

    # -- for use inside someone else's transaction ----------------------------------------------------------------

    def seal(self, message: NewMessage) -> SealedMessage:
        """Seal a message, and put its blob file (if any) on disk. Blocks; never call it inside a write transaction."""
        return seal_message(self.vault, self.blobs, message)

    def put(
        self,
        conn: Connection,
        sealed: SealedMessage,
        items: Sequence[NewItem],
        events: Sequence[Event],
        now: datetime,
    ) -> str:
        """Insert a sealed message with its items, due at once; returns its id. Call `wake` after the commit."""
        self._insert(conn, [Entry(sealed, self._items(sealed, items, now), now)])
        record(conn, self.vault, with_message_id(sealed, events), now)
        return sealed.id

    def discard(self, *sealed: SealedMessage, error: Exception) -> None:
        """Delete the blob files of messages whose transaction failed, unless it may have been committed after all."""
        if isinstance(error, StoreUnavailable) and not error.certain:
            return
        for message in sealed:
            if message.blob is not None:
                try:
                    self.blobs.delete(message.blob)
                except StoreUnavailable:
                    log.warning("queue.blob_left_behind")  # the sweep takes it

    def wake(self) -> None:
        """Let the worker of this process look for due items now. May be called from any thread."""
        if self._worker is not None:
            self._worker.wake()

    # -- for workers and admins -----------------------------------------------------------------------------------

    async def open_items(
        self, message_id: str, leased: Sequence[LeasedItem] = ()
    ) -> tuple[OpenMessage, Sequence[LeasedItem]]:
        """A message opened, and items of it with their changes opened.

        If its key or content cannot be had, the message's `readable` is False and the items come as they were. Raises
        StoreUnavailable if the database does not answer or has no such message.
        """
        small = self._try_find(message_id) if leased and leased[0].size <= _SMALL else None
        if small is not None:
            return self._opened(small, leased)
        return await asyncio.to_thread(self._open_items, message_id, leased)

    def _try_find(self, message_id: str) -> StoredMessage | None:
        """The stored message, if it can be opened here faster than in a thread; None: read it in a thread."""
        try:
            stored = self.db.try_read(lambda conn: find_message(conn, message_id))
        except StoreUnavailable:
            return None
        if stored is None or stored.wrapped is None or stored.body_sealed is None:
            return None
        return stored if self.vault.knows(stored.namespace, stored.wrapped.key_id) else None

    def _open_items(self, message_id: str, leased: Sequence[LeasedItem]) -> tuple[OpenMessage, Sequence[LeasedItem]]:
        stored = self.db.read_now(lambda conn: find_message(conn, message_id))
        if stored is None:
            raise StoreUnavailable("the message is not in the store")
        return self._opened(stored, leased)

    def _opened(self, stored: StoredMessage, leased: Sequence[LeasedItem]) -> tuple[OpenMessage, Sequence[LeasedItem]]:
        try:
            opened = open_message(self.vault, self.blobs, stored)
            return opened, [open_changes(self.vault, stored, one) for one in leased]
        except StoreUnavailable as error:
            log.error("queue.message_unreadable", message=stored.id, error=str(error))
            return unreadable(stored), leased

    async def seal_report(
        self, message: OpenMessage, reports: Sequence[Report], now: datetime
    ) -> tuple[SealedMessage, NewItem] | None:
        """The DSN for these reports, sealed, and its item; None if the sender wants none."""
        made = self.reporter.report(message, reports, now) if self.reporter and reports else None
        return None if made is None else (await self._seal(made[0]), made[1])

    async def forget_blobs(self, names: Sequence[str]) -> None:
        """Delete blob files. Call it only after the transaction that destroyed their keys; failures are left to the
        sweep (`housekeeping.py`).
        """
        for name in names:
            try:
                await asyncio.to_thread(self.blobs.delete, name)
            except StoreUnavailable:
                log.warning("queue.blob_left_behind")

    def measure(self) -> Waiting | None:
        """What is in the queue, for metrics; None while the store does not answer. Blocks."""
        now = self.clock()
        try:
            return self.db.read_now(lambda conn: waiting(conn, now))
        except StoreUnavailable:
            return None

    def count_waiting(self, most: int) -> int:
        """How many items are in the queue, counted up to `most`. Raises StoreUnavailable."""
        return self.db.read_now(lambda conn: count_up_to(conn, most))

    # -- within ---------------------------------------------------------------------------------------------------

    async def _seal(self, message: NewMessage) -> SealedMessage:
        """Seal a small message here, which is quicker than a switch of threads; one that needs a file, in a thread."""
        if len(message.raw) > INLINE or not self.vault.ready(message.namespace):
            return await asyncio.to_thread(self.seal, message)
        return self.seal(message)

    def _claim(self, sealed: SealedMessage, items: Sequence[NewItem]) -> Claim | None:
        due = any(item.state is State.DUE for item in items)
        return self._worker.claim(sealed.size) if due and self._worker is not None else None

    def _items(
        self, sealed: SealedMessage, new: Sequence[NewItem], now: datetime, *, claimed: bool = False
    ) -> list[Item]:
        """`claimed`: due items are made as leased to this process's worker."""
        urgency = self._urgency(sealed, new[0], len(new), now) if new else Urgency.MAIL
        return [self._item(sealed, one, now, urgency, claimed=claimed) for one in new]

    def _item(self, sealed: SealedMessage, new: NewItem, now: datetime, urgency: int, *, claimed: bool) -> Item:
        if new.state not in (State.DUE, State.HELD, State.REFUSED):
            raise ValueError(f"no item begins as {new.state}")
        settings = self.settings
        own = new.kind is not Kind.MAIL
        return Item(
            id=new_id(),
            message_id=sealed.id,
            namespace=sealed.message.namespace,
            recipient=new.recipient,
            destination=new.destination,
            state=State.LEASED if claimed and new.state is State.DUE else new.state,
            attempts=0,
            created_at=now,
            next_at=now,
            expires_at=now + (new.expires_after or settings.expire),
            rule=new.rule,
            decision_id=new.decision_id,
            kind=new.kind,
            fallback_at=now + settings.secure_fallback if new.fallback is not None else None,
            profile=new.profile,
            notify=new.notify,
            orcpt=new.orcpt,
            changes=new.changes,
            fell_back=new.fell_back,
            last_reply=str(new.reply or ""),
            fallback=new.fallback,
            delay_notice_at=None if own or sealed.message.sender is None else now + settings.delay_notice,
            participant_id=new.participant_id,
            urgency=urgency,
        )

    def _urgency(self, sealed: SealedMessage, new: NewItem, many: int, now: datetime) -> int:
        if new.kind is not Kind.MAIL:
            return Urgency.CODE if new.at_once else Urgency.OWN
        return self._senders.urgency(sealed.message.sender or "<>", many, now)

    async def _report_refused(
        self, message: NewMessage, message_id: str, new: Sequence[NewItem], items: Sequence[Item], now: datetime
    ) -> tuple[SealedMessage, NewItem] | None:
        """The DSN for recipients that the policy rejects while others are taken."""
        reports = [
            Report(item, Fate.FAILED, one.reply or Reply(550, "5.7.1", "refused by policy"), attempted_at=now)
            for one, item in zip(new, items, strict=True)
            if item.state is State.REFUSED
        ]
        return await self.seal_report(_opened(message_id, message), reports, now) if reports else None

    # -- in the transaction -------------------------------------------------------------------------------------------

    def _insert_each(self, conn: Connection, accepted: Sequence[Entry]) -> list[None]:
        """Insert several accepted messages with all that enters with each: the work of one shared commit."""
        self._insert(conn, accepted)
        for one in accepted:
            for mail, recipients in one.own:
                self.put(conn, mail, recipients, [enqueued_event(mail, recipients[0].kind, one.sealed.id)], one.now)
        record_each(conn, self.vault, [(event, one.now) for one in accepted for event in one.all_events()])
        return [None] * len(accepted)

    def _insert(self, conn: Connection, accepted: Sequence[Entry]) -> None:
        for one in accepted:
            if not self.vault.knows(one.sealed.message.namespace, one.sealed.wrapped.key_id):
                raise StoreUnavailable("the database was replaced since the message was sealed")
        insert_messages(conn, [one.message_row() for one in accepted])
        insert_items(conn, [row for one in accepted for row in one.item_rows()])


def _opened(message_id: str, message: NewMessage) -> OpenMessage:
    return OpenMessage(
        id=message_id,
        namespace=message.namespace,
        sender=message.sender,
        owner=message.owner,
        raw=message.raw,
        received_at=message.received_at,
        smtputf8=message.smtputf8,
        eight_bit=message.eight_bit,
        ret=message.ret,
        envid=message.envid,
        require_tls=message.require_tls,
        subject=message.subject,
    )


def enqueued_event(sealed: SealedMessage, kind: Kind, about: str) -> Event:
    """The event that a mail of our own was enqueued; `about` is the id of the message it is about."""
    what = EventKind.DSN_ENQUEUED if kind is Kind.DSN else EventKind.NOTICE_ENQUEUED
    return Event(what, sealed.message.namespace, message_id=sealed.id, facts={"about": about})

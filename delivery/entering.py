"""What `Queue.accept` writes in one transaction: a sealed message, its items, its events, and mails of ours with it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from delivery.items import ENDS, Item, NewItem, SealedMessage, State
from delivery.sealed import seal_changes
from delivery.store.audit import Event, EventKind
from delivery.store.items import ItemRow
from delivery.store.messages import MessageRow


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's lease on a message that is being accepted: the worker's id, and until when."""

    worker: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A message to be written. `own` are mails of ours that enter with it, each with its recipients."""

    sealed: SealedMessage
    items: Sequence[Item]
    now: datetime
    claim: Claim | None = None
    events: Sequence[Event] = ()
    own: Sequence[tuple[SealedMessage, Sequence[NewItem]]] = ()

    def message_row(self) -> MessageRow:
        """What is to be written of the message."""
        over = all(item.state in ENDS for item in self.items)
        return MessageRow(self.sealed, len(self.items), self.now if over else None)

    def item_rows(self) -> list[ItemRow]:
        """What is to be written of the items."""
        lease = None if self.claim is None else (self.claim.worker, self.claim.until)
        return [
            ItemRow(item, self.now, seal_changes(self.sealed, item) if item.changes else None, lease)
            for item in self.items
        ]

    def all_events(self) -> list[Event]:
        """The events to record: those that came with it, `message.accepted` if it was not among them, and one for each
        item that begins refused or held.
        """
        told = with_message_id(self.sealed, self.events)
        if not any(event.kind is EventKind.MESSAGE_ACCEPTED for event in told):
            told.insert(0, _accepted(self.sealed, self.items))
        return told + [_begun(item) for item in self.items if item.state in (State.REFUSED, State.HELD)]


def with_message_id(sealed: SealedMessage, events: Sequence[Event]) -> list[Event]:
    """The events; those that name no message get the id of this one."""
    return [event if event.message_id else replace(event, message_id=sealed.id) for event in events]


def _accepted(sealed: SealedMessage, entered: Sequence[Item]) -> Event:
    message = sealed.message
    return Event(
        EventKind.MESSAGE_ACCEPTED,
        message.namespace,
        message_id=sealed.id,
        facts={"size": sealed.size, "recipients": len(entered)},
        persons={"sender": message.sender or "<>", "owner": message.owner},
    )


def _begun(item: Item) -> Event:
    kind = EventKind.ITEM_HELD if item.state is State.HELD else EventKind.ITEM_REFUSED
    return Event(
        kind,
        item.namespace,
        message_id=item.message_id,
        item_id=item.id,
        decision_id=item.decision_id or None,
        facts={"route": item.destination.route.value},
        persons={"recipient": item.recipient},
        private={"reply": item.last_reply, "rule": item.rule},
    )

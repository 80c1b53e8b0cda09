"""Who acts at the portal, for the audit trail; and how an address is looked up."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from sqlalchemy import Connection

from delivery.store.audit import Event, EventKind
from policy.domains import a_labels

# What is done in the transaction of an act, where that is done: putting the notice that tells of it into the queue.
Also: TypeAlias = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class Who:
    """What an audit event tells of the one who acts. `network` is the address, `agent` the browser's name of itself."""

    box_id: str | None = None
    participant_id: str | None = None
    network: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)
    address: str = field(default="", repr=False)  # where no participant stands for it: a sender at their own boxes


def address_key(address: str) -> str:
    """An address as it is looked up: in lower case, its domain as DNS knows it."""
    key = address.strip().lower()
    local, at, domain = key.rpartition("@")
    if domain.isascii():
        return key
    try:
        return f"{local}{at}{a_labels(domain)}"
    except UnicodeError:  # nobody has it
        return key


def event_of(kind: EventKind, namespace: str, who: Who, *, address: str = "", **facts: object) -> Event:
    """The event of something done at the portal, on an account or on the way in."""
    persons = {"network": who.network, "agent": who.agent[:200], "address": address or who.address}
    return Event(
        kind,
        namespace,
        box_id=who.box_id,
        participant_id=who.participant_id,
        facts=facts,
        persons={name: value for name, value in persons.items() if value},
    )

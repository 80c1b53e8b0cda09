"""Who acts at the portal, for the audit trail; and how an address is looked up."""

from dataclasses import dataclass, field

from delivery.store.audit import Event, EventKind


@dataclass(frozen=True, slots=True)
class Who:
    """What an audit event tells of the one who acts. `network` is the address, `agent` the browser's name of itself."""

    box_id: str | None = None
    participant_id: str | None = None
    network: str = field(default="", repr=False)
    agent: str = field(default="", repr=False)
    address: str = field(default="", repr=False)  # where no participant stands for it: a sender at their own boxes


def address_key(address: str) -> str:
    """An address as it is looked up: in lower case."""
    return address.strip().lower()


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

"""What the delivery worker and couriers say to each other: a Delivery, and an Outcome for each of its items."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from delivery.items import Destination, Item, OpenMessage, Reply

__all__ = [
    "Courier",
    "Deferred",
    "Delivery",
    "Evidence",
    "Lease",
    "LeaseLost",
    "OpenMessage",
    "Outcome",
    "Refused",
    "Sent",
    "Stored",
]


class Lease(Protocol):
    """Our claim on the items of a delivery."""

    async def confirm(self) -> bool:
        """Asked just before the final dot: True while the fencing tokens still count. False: give up, send nothing."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one destination, for one or more recipients whose copies are alike."""

    message: OpenMessage
    items: tuple[Item, ...]
    destination: Destination
    lease: Lease


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the peer was proven: kept with the attempt."""

    host: str
    address: str
    protocol: str | None = None  # TLSv1.3
    cipher: str | None = None
    proof: str = "none"  # delivery.tls.Proof
    certificate_sha256: str | None = None
    names: tuple[str, ...] = ()  # of the certificate
    public_key_sha256: str | None = None
    proven_by: str = ""  # the fact that proves it, for people; empty: nothing does

    def as_json(self) -> dict[str, object]:
        """Every field, as JSON has it. One after another: `dataclasses.asdict` copies deeply, which costs ten times."""
        return {
            "host": self.host,
            "address": self.address,
            "protocol": self.protocol,
            "cipher": self.cipher,
            "proof": self.proof,
            "certificate_sha256": self.certificate_sha256,
            "names": list(self.names),
            "public_key_sha256": self.public_key_sha256,
            "proven_by": self.proven_by,
        }


@dataclass(frozen=True, slots=True)
class Sent:
    """The other side said 250 after the dot."""

    reply: Reply
    evidence: Evidence | None = None
    dsn_passed: bool = False  # the next hop offers DSN and was given NOTIFY: reports of success are its duty now


@dataclass(frozen=True, slots=True)
class Stored:
    """Kept in a SafeBox. `work` runs in the transaction that ends the item, so both happen or neither."""

    reply: Reply
    work: Callable[[Connection, datetime], None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Deferred:
    """Not now. `insecure`: the peer could not be reached with the proof that its route demands. `unreached`: it could
    not be reached at all, or went silent before it said anything of the message; other mail for it need not be tried.
    """

    reply: Reply
    evidence: Evidence | None = None
    insecure: bool = False
    unreached: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Never: a 5xx, or a fact that no retry changes."""

    reply: Reply
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """Not sent: just before the final dot the lease was no longer ours. Not counted as an attempt."""


Outcome = Sent | Stored | Deferred | Refused | LeaseLost


class Courier(Protocol):
    """Brings deliveries of one or more routes to where they go."""

    async def deliver(self, delivery: Delivery) -> Mapping[str, Outcome]:
        """One outcome for each item id. Should raise only CancelledError; after any other error the worker defers."""

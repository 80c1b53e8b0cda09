"""Items: one recipient's copy of a message, the states it goes through, and what goes into and out of the queue."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from keys.sealing import Dek, WrappedKey
from policy.decision import Changes, Route


class State(StrEnum):
    """Where an item stands. The last five are ends."""

    DUE = "due"
    LEASED = "leased"
    HELD = "held"
    SENT = "sent"
    STORED = "stored"
    BOUNCED = "bounced"
    REFUSED = "refused"
    CANCELLED = "cancelled"


ENDS: Final = frozenset({State.SENT, State.STORED, State.BOUNCED, State.REFUSED, State.CANCELLED})

MOVES: Final[dict[State, frozenset[State]]] = {
    State.DUE: frozenset({State.LEASED, State.HELD, State.CANCELLED}),  # held: by an admin
    # to due: deferred, given back, or the lease ran out; to held: its fallback is to wait for an admin
    State.LEASED: frozenset({State.SENT, State.STORED, State.DUE, State.HELD, State.BOUNCED, State.CANCELLED}),
    State.HELD: frozenset({State.DUE, State.REFUSED, State.CANCELLED}),
    **{end: frozenset() for end in ENDS},
}


class Kind(StrEnum):
    """What the message of an item is."""

    MAIL = "mail"  # a client's message
    NOTICE = "notice"  # written by us
    DSN = "dsn"  # a delivery status notification, RFC 3464
    ANSWER = "answer"  # a guest's answer on its way to the owner


TLS_REPORT: Final = "TLS report (RFC 8460)"  # stands as the rule of notices that bring a domain its TLS report


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an item goes. `name` is the partner's name for route partner, else empty. `inside`: by the inside hop."""

    route: Route
    name: str = ""
    inside: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """One recipient's copy in the queue."""

    id: str
    message_id: str
    namespace: str
    recipient: str
    destination: Destination
    state: State
    attempts: int
    created_at: datetime
    next_at: datetime
    expires_at: datetime
    rule: str
    decision_id: str
    kind: Kind = Kind.MAIL
    fallback_at: datetime | None = None  # partner, tls: when its fallback happens
    profile: str | None = None
    notify: frozenset[str] | None = None
    orcpt: str | None = None
    changes: Changes = Changes()
    fell_back: bool = False  # reached its present route by fallback, not by decision
    last_reply: str = field(default="", repr=False)
    fallback: Route | None = None  # what happens at fallback_at: safebox, hold or reject; None: wait on
    delay_notice_at: datetime | None = None  # None: said already, or never to be
    participant_id: str | None = None  # of a SafeBox: whose state this item's fate changes
    urgency: int = 2  # delivery.fairness.Urgency: what is lower goes first


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side said, or what we say for it. `text` is safe to show; `detail` is for log and audit only."""

    code: int
    status: str
    text: str
    detail: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.code} {self.status} {self.text}".strip()


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message for the queue. `raw` is the whole message, with our Received line on top."""

    namespace: str
    sender: str | None  # envelope sender; None for <>
    owner: str  # who gets notices about it
    subject: str = field(repr=False)
    raw: bytes = field(repr=False)
    received_at: datetime
    client: str = ""  # address of the client; empty for what we wrote ourselves
    smtputf8: bool = False
    eight_bit: bool = False
    ret: str | None = None
    envid: str | None = None
    require_tls: bool = False  # REQUIRETLS (RFC 8689): protected at every hop, or returned
    id: str = ""  # as given by the door; empty: the queue gives it one


@dataclass(frozen=True, slots=True)
class NewItem:
    """One recipient of a NewMessage.

    `state` is DUE; HELD (its destination is where it goes once released; Route.HOLD: by ordinary mail); or REFUSED: the
    policy rejects this recipient while others are taken. A refused item ends at once, with `reply` as the reason in
    the DSN that its sender gets.
    """

    recipient: str
    destination: Destination
    kind: Kind = Kind.MAIL
    rule: str = ""
    decision_id: str = ""
    profile: str | None = None
    notify: frozenset[str] | None = None  # empty: we report nothing, and the next server is told of no wish
    orcpt: str | None = None
    changes: Changes = Changes()
    fallback: Route | None = None  # safebox, hold or reject after queue.secure_fallback; None: wait until expiry
    state: State = State.DUE
    participant_id: str | None = None
    fell_back: bool = False
    expires_after: timedelta | None = None  # None: queue.expire
    at_once: bool = False  # somebody waits for it (a sign-in code): goes ahead of everything
    reply: "Reply | None" = None


@dataclass(frozen=True, slots=True)
class SealedMessage:
    """A NewMessage whose content is sealed, its blob file (if any) on disk and fsynced. Ready for one transaction."""

    id: str
    message: NewMessage  # without its content: `raw` and `subject` are empty here
    size: int  # of the raw message, in bytes
    dek: Dek = field(repr=False)
    wrapped: WrappedKey
    subject_sealed: bytes = field(repr=False)
    body_sealed: bytes | None = field(repr=False)
    blob: str | None


@dataclass(frozen=True, slots=True)
class OpenMessage:
    """A queued message, opened. `raw` is what the client sent, with our Received line on top."""

    id: str
    namespace: str
    sender: str | None  # envelope sender; None for <>
    owner: str  # who gets notices about it: the sender, or for <> the header From if ours, else postmaster
    raw: bytes = field(repr=False)
    received_at: datetime
    smtputf8: bool = False
    eight_bit: bool = False
    ret: str | None = None
    envid: str | None = None
    require_tls: bool = False  # as in NewMessage
    subject: str = field(default="", repr=False)
    readable: bool = True  # False: its content could not be opened; `raw` is empty, what stands in the row is here


@dataclass(frozen=True, slots=True)
class LeasedItem:
    """An item leased to a worker: its result counts only while the item's fencing token is `token`.

    `changes_sealed` are its changes as they lie in the store, under the message's DEK; None: `item.changes` holds them.
    """

    item: Item
    token: int
    until: datetime
    size: int  # of the raw message
    changes_sealed: bytes | None = field(default=None, repr=False)
    sender: str | None = None  # of the message


@dataclass(frozen=True, slots=True)
class Lane:
    """Items that are held up together: those for one destination, or for one domain if each has servers of its own.

    `urgent`: a second lane to the same place for our own mail, which must not wait behind other mail.
    """

    destination: Destination
    domain: str = ""
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver an item."""

    number: int
    started_at: datetime
    ended_at: datetime
    outcome: str  # sent | stored | deferred | refused | late
    reply: str = field(repr=False)
    evidence: dict[str, object] | None = None  # how the peer was proven


class Fate(StrEnum):
    """What a DSN says became of a recipient (RFC 3464 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"


@dataclass(frozen=True, slots=True)
class Report:
    """One recipient's part of a DSN."""

    item: Item
    fate: Fate
    reply: Reply
    host: str = ""  # the other side's name, if one answered
    attempted_at: datetime | None = None
    retry_until: datetime | None = None  # delayed: when we give up

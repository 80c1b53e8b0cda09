"""Items: one recipient's copy of a message, and the states it goes through."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

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
    State.DUE: frozenset({State.LEASED, State.HELD, State.BOUNCED, State.CANCELLED}),
    # to due: deferred, or the lease ran out
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


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side said, or what we say for it. `text` is safe to show; `detail` is for log and audit only."""

    code: int
    status: str
    text: str
    detail: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.code} {self.status} {self.text}".strip()

"""The states of a SafeBox as tables: which move to which, and what may be done in each."""

from datetime import datetime
from enum import StrEnum
from typing import Final

from delivery.store.boxes import BoxState, GuestState


class Act(StrEnum):
    """What somebody may want to do with a SafeBox."""

    READ = "read"  # open it, download, save as e-mail
    ANSWER = "answer"
    DECLINE = "decline"  # "this was not meant for me"
    INVITE = "invite"  # add a guest, send the notice again
    CLOSE = "close"
    RECALL = "recall"
    DELETE = "delete"
    RELEASE = "release"  # let a mailed code open a box made by fallback
    UNLOCK = "unlock"


MOVES: Final[dict[BoxState, frozenset[BoxState]]] = {
    BoxState.OPEN: frozenset({BoxState.CLOSED, BoxState.RECALLED, BoxState.DELETED}),
    BoxState.CLOSED: frozenset({BoxState.RECALLED, BoxState.DELETED}),
    BoxState.RECALLED: frozenset({BoxState.DELETED}),
    BoxState.DELETED: frozenset(),
}

ACTS: Final[dict[BoxState, frozenset[Act]]] = {
    BoxState.OPEN: frozenset(Act),
    BoxState.CLOSED: frozenset({Act.READ, Act.DECLINE, Act.INVITE, Act.RECALL, Act.DELETE, Act.RELEASE, Act.UNLOCK}),
    BoxState.RECALLED: frozenset({Act.DELETE}),
    BoxState.DELETED: frozenset(),
}


def may(state: BoxState, act: Act) -> bool:
    """Whether `act` is possible while the box is in `state`."""
    return act in ACTS[state]


def state_at(state: BoxState, closes_at: datetime, deletes_at: datetime | None, now: datetime) -> BoxState:
    """The state as time has it: a box whose hour has come moves before the housekeeper wrote it down."""
    if deletes_at is not None and now >= deletes_at and state is not BoxState.DELETED:
        return BoxState.DELETED
    if state is BoxState.OPEN and now >= closes_at:
        return BoxState.CLOSED
    return state


GUEST_MOVES: Final[dict[GuestState, frozenset[GuestState]]] = {
    GuestState.INVITED: frozenset(set(GuestState) - {GuestState.INVITED}),
    GuestState.NOTIFIED: frozenset({GuestState.BOUNCED, GuestState.READ, GuestState.ANSWERED, GuestState.DECLINED}),
    # a resent notice that arrives makes a bounced guest a notified one
    GuestState.BOUNCED: frozenset({GuestState.NOTIFIED, GuestState.READ, GuestState.ANSWERED, GuestState.DECLINED}),
    GuestState.READ: frozenset({GuestState.ANSWERED, GuestState.DECLINED}),
    GuestState.ANSWERED: frozenset({GuestState.DECLINED}),
    GuestState.DECLINED: frozenset(),
}

"""The life of a SafeBox as one table: who may do what in which state, and the sentence that refuses everything else.

Everything that acts on a box asks this table: `refusal` for people and time, `may` where only the state counts. What
a box's own profile forbids beyond that is in `PROFILE_FORBIDS`. `docs/safebox.md` shows it; a test compares the two.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from delivery.safebox.profile import Profile
from delivery.speech import phrase
from delivery.store.boxes import BoxState, GuestState


class Act(StrEnum):
    """What somebody may want to do with a SafeBox."""

    READ = "read"  # open it, download, save as e-mail
    ANSWER = "answer"
    DECLINE = "decline"  # "this was not meant for me"
    ASK = "ask"  # ask the sender to open it, or to send it, again
    SEE = "see"  # its record: who, when, what happened
    ADD = "add"  # a participant
    REMOVE = "remove"  # a participant
    INVITE = "invite"  # send the notice, again
    REMIND = "remind"
    WARN = "warn"  # say that its content is deleted soon
    CLOSE = "close"
    EXTEND = "extend"
    CHANGE = "change"  # its settings, as far as its security profile lets senders change them
    REOPEN = "reopen"
    RECALL = "recall"  # the box, one guest, one document
    DELETE = "delete"
    RELEASE = "release"  # let a mailed code open a box made by fallback
    UNLOCK = "unlock"
    VOUCH = "vouch"  # say which telephone is a guest's, what a guest is asked


class Actor(StrEnum):
    """Who wants to do it."""

    GUEST = "guest"
    COLLEAGUE = "colleague"
    PRIVILEGED = "privileged"
    OWNER = "owner"
    ADMIN = "admin"  # at the command line
    TIME = "time"


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one act: who may do it (`by`), the sentence for all others, the states in which it is refused with
    the sentence for each, and the state that the box is in afterwards (None: the same).
    """

    by: frozenset[Actor]
    others: str
    refused: Mapping[BoxState, str] = field(default_factory=dict)
    leads_to: BoxState | None = None


_KEEPERS: Final = frozenset({Actor.OWNER, Actor.PRIVILEGED, Actor.ADMIN})
_READERS: Final = frozenset({Actor.GUEST, Actor.COLLEAGUE, Actor.PRIVILEGED, Actor.OWNER})
_INVITED: Final = frozenset({Actor.GUEST, Actor.COLLEAGUE, Actor.PRIVILEGED})

_NOT_YOURS: Final = phrase("Only the sender, and people with the sender’s rights, can do this.")
_READERS_ONLY: Final = phrase("Only those who take part in the message can do this.")
_GUESTS_ONLY: Final = phrase("Only those who were invited to the message can do this.")
_CLOSED: Final = phrase("The message is closed: it can be read, and takes nothing more.")
_RECALLED: Final = phrase("The message was taken back: nobody can read it any more.")
_DELETED: Final = phrase("The message was deleted: its content is gone for good.")
_OPEN: Final = phrase("The message is still open.")
_REOPEN: Final = phrase("The message is closed: it can be opened again instead.")
_DELETED_ALREADY: Final = phrase("The message was deleted already.")
_OVER: Final = {BoxState.RECALLED: _RECALLED, BoxState.DELETED: _DELETED}

ACTS: Final[Mapping[Act, Terms]] = {
    Act.READ: Terms(_READERS, _READERS_ONLY, _OVER),
    Act.ANSWER: Terms(_READERS, _READERS_ONLY, {BoxState.CLOSED: _CLOSED, **_OVER}),
    Act.DECLINE: Terms(_INVITED, _GUESTS_ONLY, _OVER),
    Act.ASK: Terms(_INVITED, _GUESTS_ONLY, {BoxState.OPEN: _OPEN, BoxState.RECALLED: _RECALLED}),
    Act.SEE: Terms(_KEEPERS | {Actor.COLLEAGUE}, _NOT_YOURS),
    Act.ADD: Terms(
        _KEEPERS,
        _NOT_YOURS,
        {BoxState.CLOSED: phrase("The message is closed: open it again, then people can be added."), **_OVER},
    ),
    Act.REMOVE: Terms(_KEEPERS, _NOT_YOURS, _OVER),
    Act.INVITE: Terms(_KEEPERS | {Actor.GUEST, Actor.COLLEAGUE}, phrase("Only people can do this."), _OVER),
    Act.REMIND: Terms(
        frozenset({Actor.TIME}),
        phrase("Reminders go out by themselves."),
        {BoxState.CLOSED: phrase("The message is closed: there is nothing to be reminded of."), **_OVER},
    ),
    Act.WARN: Terms(frozenset({Actor.TIME}), phrase("Notices of the end go out by themselves."), _OVER),
    Act.CLOSE: Terms(
        _KEEPERS | {Actor.TIME},
        _NOT_YOURS,
        {BoxState.CLOSED: phrase("The message is closed already."), **_OVER},
        BoxState.CLOSED,
    ),
    Act.EXTEND: Terms(
        _KEEPERS,
        _NOT_YOURS,
        {BoxState.CLOSED: _REOPEN, **_OVER},
    ),
    Act.CHANGE: Terms(
        _KEEPERS,
        _NOT_YOURS,
        {BoxState.CLOSED: phrase("The message is closed: open it again, then its settings can be changed."), **_OVER},
    ),
    Act.REOPEN: Terms(_KEEPERS, _NOT_YOURS, {BoxState.OPEN: _OPEN, **_OVER}, BoxState.OPEN),
    Act.RECALL: Terms(
        _KEEPERS,
        _NOT_YOURS,
        {BoxState.RECALLED: phrase("The message was taken back already."), BoxState.DELETED: _DELETED},
        BoxState.RECALLED,
    ),
    Act.DELETE: Terms(
        _KEEPERS | {Actor.TIME},
        _NOT_YOURS,
        {BoxState.DELETED: _DELETED_ALREADY},
        BoxState.DELETED,
    ),
    Act.RELEASE: Terms(_KEEPERS, _NOT_YOURS, _OVER),
    Act.UNLOCK: Terms(_KEEPERS | {Actor.GUEST}, _NOT_YOURS, _OVER),
    Act.VOUCH: Terms(_KEEPERS, _NOT_YOURS, _OVER),
}

MOVES: Final[Mapping[BoxState, frozenset[BoxState]]] = {
    state: frozenset(
        terms.leads_to for terms in ACTS.values() if terms.leads_to is not None and state not in terms.refused
    )
    for state in BoxState
}

# What the profile frozen into a box may forbid its owner; who is at the command line may insist.
PROFILE_FORBIDS: Final[Mapping[Act, tuple[Callable[[Profile], bool], str]]] = {
    Act.ADD: (lambda p: not p.participants.may_add, phrase("Its security profile lets nobody be added.")),
    Act.CLOSE: (lambda p: not p.life.manual_close, phrase("Its security profile lets nobody close it early.")),
    Act.EXTEND: (
        lambda p: not p.life.extension,
        phrase("Its security profile lets nobody keep it open longer."),
    ),
    Act.REOPEN: (lambda p: not p.life.reopening, phrase("Its security profile lets nobody open it again.")),
    Act.DELETE: (
        lambda p: not p.life.manual_deletion,
        phrase("Its security profile lets nobody delete it early."),
    ),
}


def refusal(state: BoxState, act: Act, actor: Actor) -> str:
    """Why `actor` may not do it while the box is in `state`, as a sentence for them; empty: they may."""
    terms = ACTS[act]
    if actor not in terms.by:
        return terms.others
    return terms.refused.get(state, "")


def may(state: BoxState, act: Act) -> bool:
    """Whether `act` is possible for anybody while the box is in `state`."""
    return state not in ACTS[act].refused


def sources(act: Act) -> frozenset[BoxState]:
    """The states it is possible in."""
    return frozenset(state for state in BoxState if may(state, act))


def forbidden(profile: Profile, act: Act) -> str:
    """Why the profile does not let people do it; empty: it does."""
    forbids, sentence = PROFILE_FORBIDS.get(act, (None, ""))
    return sentence if forbids is not None and forbids(profile) else ""


def table() -> str:
    """The whole table in Markdown: each act, who may in each state, and what everybody else is told."""
    rows = [f"| act | {' | '.join(BoxState)} | anybody else |", f"| --- |{' --- |' * (len(BoxState) + 1)}"]
    for act, terms in ACTS.items():
        who = ", ".join(actor for actor in Actor if actor in terms.by)
        cells = (terms.refused.get(state) or who for state in BoxState)
        others = terms.others if len(terms.by) < len(Actor) else ""
        rows.append(f"| {act} | {' | '.join(cells)} | {others} |")
    return "\n".join(rows)


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

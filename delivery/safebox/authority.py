"""Who may act on a SafeBox: its people by their address, an admin at the command line, and time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection

from delivery.safebox.headers import address_key
from delivery.safebox.lifecycle import Actor
from delivery.store.boxes import BoxRow, ParticipantRow, Role, get_box, participants_of

_ACTORS: Final = {Role.OWNER: Actor.OWNER, Role.PRIVILEGED: Actor.PRIVILEGED, Role.COLLEAGUE: Actor.COLLEAGUE}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts on a box: an admin, time, or a person, by the address that they have proven to be theirs."""

    name: str = field(repr=False)
    address: str = field(default="", repr=False)  # empty: an admin, or time

    @classmethod
    def admin(cls, name: str) -> "Principal":
        """Somebody at the command line; the machine let them in."""
        return cls(name or "admin")

    @classmethod
    def person(cls, address: str) -> "Principal":
        """Somebody who signed in as this address."""
        return cls(address, address)

    @property
    def key(self) -> str:
        """What spellings of the address share."""
        return address_key(self.address)

    @property
    def is_admin(self) -> bool:
        """At the command line: what a profile forbids may be insisted on."""
        return not self.address and bool(self.name)


TIME: Final = Principal("")


@dataclass(frozen=True, slots=True)
class ActResult:
    """Whether an act was done; if it was refused, `sentence` says why, to whoever asked for it. True if done."""

    done: bool
    sentence: str = ""

    def __bool__(self) -> bool:
        return self.done


DONE: Final = ActResult(True)


@dataclass(frozen=True, slots=True)
class Standing:
    """A box as it stands, and who acts on it: in which role, and as which participant (None for admins and time)."""

    box: BoxRow
    actor: Actor
    people: tuple[ParticipantRow, ...]
    me: ParticipantRow | None = None


def standing_of(conn: Connection, namespace: str, box_id: str, by: Principal, *, hold: bool = False) -> Standing | None:
    """The box, and the role that `by` has in it. None: there is no such box, or it is not theirs; nobody learns which.

    `hold`, for acts: lock the box's row until the transaction ends, so that of two acts at once the second sees what
    the first did.
    """
    box = get_box(conn, namespace, box_id, hold=hold)
    if box is None:
        return None
    people = participants_of(conn, namespace, box_id)
    if not by.address:
        return Standing(box, Actor.ADMIN if by.is_admin else Actor.TIME, people)
    me = _highest(people, address_key(by.address))
    return None if me is None else Standing(box, _ACTORS[me.role], people, me)


def _highest(people: Sequence[ParticipantRow], key: str) -> ParticipantRow | None:
    """Of the roles somebody has, the one with most rights; None for who is only a guest."""
    mine = [one for one in people if one.address_key == key and one.removed_at is None and one.role in _ACTORS]
    order = list(_ACTORS)
    return min(mine, key=lambda one: order.index(one.role), default=None)

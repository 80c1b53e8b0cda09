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
class By:
    """Who acts on a box: an admin, time, or a person, by the address that they have proven to be theirs."""

    name: str = field(repr=False)
    address: str = field(default="", repr=False)  # empty: an admin, or time

    @classmethod
    def admin(cls, name: str) -> "By":
        """Somebody at the command line; the machine let them in."""
        return cls(name or "admin")

    @classmethod
    def person(cls, address: str) -> "By":
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


TIME: Final = By("")


@dataclass(frozen=True, slots=True)
class Said:
    """What became of an act: done, or refused with a sentence for whoever wanted it. True where it was done."""

    done: bool
    sentence: str = ""

    def __bool__(self) -> bool:
        return self.done


DONE: Final = Said(True)


@dataclass(frozen=True, slots=True)
class Standing:
    """A box, and who acts on it in which role. `me` is None for admins and for time."""

    box: BoxRow
    actor: Actor
    people: tuple[ParticipantRow, ...]
    me: ParticipantRow | None = None


def standing_of(conn: Connection, namespace: str, box_id: str, by: By, *, hold: bool = False) -> Standing | None:
    """The box, and the role that `by` has in it. None: no such box, or none of theirs; nobody learns which.

    `hold`: for acts. It stays as it is until the transaction ends: of two at once one wins, and the other learns.
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
    """Of the roles somebody has, the one with most rights; who is a guest alone keeps nothing here."""
    mine = [one for one in people if one.address_key == key and one.removed_at is None and one.role in _ACTORS]
    order = list(_ACTORS)
    return min(mine, key=lambda one: order.index(one.role), default=None)

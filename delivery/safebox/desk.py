"""The Desk: what every act on a SafeBox needs at hand (store, keys, post, clock); and the events that acts leave."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from delivery.notices.compose import Composer
from delivery.notices.notice import Notice
from delivery.safebox.inviting import Inviter
from delivery.safebox.participants import Access
from delivery.safebox.post import Post, Posted
from delivery.store.audit import Event, EventKind
from delivery.store.blobs import Blobs
from delivery.store.boxes import BoxRow, ParticipantRow
from delivery.store.database import Database
from delivery.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Desk:
    """What every act has at hand: the store, the post, the clock."""

    db: Database
    vault: Vault
    blobs: Blobs
    composer: Composer
    post: Post
    inviter: Inviter
    clock: Callable[[], datetime]

    def seal(self, box: BoxRow, guest: ParticipantRow, notice: Notice, what: str) -> Posted:
        """Seal a notice about a guest in a box. Blocks; not inside a write's work."""
        return self.post.seal(box.namespace, notice, owner=box.owner, what=what, box_id=box.id, participant_id=guest.id)


def act_of_guest(kind: EventKind, box: BoxRow, guest: ParticipantRow, seen: Access, **facts: object) -> Event:
    """The event of something a guest did."""
    persons = {"guest": guest.address, "network": seen.network, "agent": seen.agent[:200]}
    proven = {"account": seen.account_id, "session": seen.session, "strong": seen.strong}
    return Event(
        kind,
        box.namespace,
        box_id=box.id,
        participant_id=guest.id,
        facts={"way": seen.way.value, **{name: value for name, value in proven.items() if value}, **facts},
        persons={name: value for name, value in persons.items() if value},
    )


def act_of_keeper(
    kind: EventKind, box: BoxRow, actor: str, *, participant_id: str | None = None, reason: str = ""
) -> Event:
    """The event of something an owner, an admin or time did (`actor` is empty for time)."""
    return Event(
        kind,
        box.namespace,
        box_id=box.id,
        participant_id=participant_id,
        facts={"by": "person" if actor else "time"},
        persons={"actor": actor} if actor else {},
        private={"reason": reason} if reason else {},
    )

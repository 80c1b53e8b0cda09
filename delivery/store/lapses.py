"""Leases that nobody renews, and waits that a clock which was ahead has left behind: both are due again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, func, or_, select, update

from delivery.items import State
from delivery.store.items import LEVELS
from delivery.store.schema import items

_SOME: Final = 200  # items in one statement
_LEASED: Final = items.c.state == State.LEASED.value
_DUE_AGAIN: Final[dict[str, Any]] = {"state": State.DUE.value, "lease_worker": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it stands in the database: renewing it changes `until`, leasing the item again changes `token`."""

    item: str
    token: int
    until: datetime
    is_stray: bool = False  # the worker's own, and not in its hands


def leases_beside(conn: Connection, worker: str, in_hand: Collection[str]) -> list[Lease]:
    """All leases of others, and the worker's own that are not in hand: lost on the way to it, or just coming."""
    query = select(items.c.id, items.c.lease_token, items.c.lease_until, items.c.lease_worker).where(_LEASED)
    return [
        Lease(row.id, row.lease_token, row.lease_until, row.lease_worker == worker)
        for row in conn.execute(query)
        if row.lease_worker != worker or row.id not in in_hand
    ]


def free(conn: Connection, lapsed: Sequence[Lease]) -> int:
    """Make due what is still leased as it was seen; how many items."""
    freed = 0
    for at in range(0, len(lapsed), _SOME):
        same = or_(
            *(
                and_(items.c.id == one.item, items.c.lease_token == one.token, items.c.lease_until == one.until)
                for one in lapsed[at : at + _SOME]
            )
        )
        freed += conn.execute(update(items).where(_LEASED, same).values(_DUE_AGAIN)).rowcount
    return freed


def bring_near(conn: Connection, now: datetime, latest: datetime) -> int:
    """Make due what waits until after `latest`, which no rule asks for; how many items. Cheap: one look an urgency."""
    brought = 0
    for urgency in LEVELS:
        waiting = items.c.state == State.DUE.value, items.c.urgency == urgency
        last = conn.execute(select(func.max(items.c.next_at)).where(*waiting)).scalar()
        if last is not None and last > latest:
            far = update(items).where(*waiting, items.c.next_at > latest)
            brought += conn.execute(far.values(next_at=now)).rowcount
    return brought

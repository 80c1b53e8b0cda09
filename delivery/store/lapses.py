"""Leases that nobody renews are due again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, and_, or_, select, update

from delivery.items import State
from delivery.store.items import IS_LEASED
from delivery.store.schema import items

_SOME: Final = 200  # items in one statement
_LEASED: Final = items.c.state == State.LEASED.value  # beside the ids of items: these are found by them
_DUE_AGAIN: Final[dict[str, Any]] = {"state": State.DUE.value, "lease_worker": None, "lease_until": None}


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as it stands in the database: renewing it changes `until`, leasing the item again changes `token`."""

    item: str
    token: int
    until: datetime
    is_stray: bool = False  # the worker's own, and not in its hands


def leases_beside(conn: Connection, worker: str, in_hand: Collection[str]) -> list[Lease]:
    """All leases of other workers, and those of this one that it does not have in hand: lost, or just on their way."""
    query = select(items.c.id, items.c.lease_token, items.c.lease_until, items.c.lease_worker).where(IS_LEASED)
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

"""When what waits is tried again, changed for many items at once: a walk over all that waits, a step a transaction.

A queue may hold a million items. One statement for all of them would keep every writer waiting for seconds; one that
looked for the next few from the beginning each time would look at all of them again and again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select, true, tuple_, update

from delivery.circuits import Circuit
from delivery.items import Lane, State
from delivery.store.database import Database
from delivery.store.items import IS_DUE, LEVELS, of_lane
from delivery.store.schema import items

STEP: Final = 2000  # items looked at in one transaction: others commit between
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """Items whose next try is later than `after`, but not later than `until`, and `which` it is: it will be at `to`.

    `to` lies outside of these bounds, so that no item is met twice.
    """

    which: ColumnElement[bool]
    to: datetime
    after: datetime = _EVER
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """How far a walk has come: past this item, in the order of the index."""

    urgency: int = LEVELS[0]
    next_at: datetime = _EVER
    item: str = ""


START: Final = Place()


def step(conn: Connection, change: Change, place: Place = START) -> tuple[int, Place | None]:
    """One step from a place on: how many items it changed, and where it ended; None: there is nothing more."""
    for urgency in range(place.urgency, LEVELS[-1] + 1):
        at = place if urgency == place.urgency else Place(urgency)
        seen = conn.execute(_from(at, change)).all()
        if seen:
            last = seen[-1]
            return _changed(conn, change, [row.id for row in seen if row.fits]), Place(urgency, last.next_at, last.id)
    return 0, None


def _within(change: Change) -> ColumnElement[bool]:
    later = items.c.next_at > change.after
    return later if change.until is None else and_(later, items.c.next_at <= change.until)


def _from(place: Place, change: Change) -> Any:
    here = tuple_(literal(place.next_at, items.c.next_at.type), literal(place.item, items.c.id.type))
    passed = tuple_(items.c.next_at, items.c.id) > here
    return (
        select(items.c.id, items.c.next_at, change.which.label("fits"))
        .where(IS_DUE, items.c.urgency == place.urgency, _within(change), passed)
        .order_by(items.c.next_at, items.c.id)
        .limit(STEP)
    )


def _changed(conn: Connection, change: Change, ids: list[str]) -> int:
    """Of what was seen, what is still so: elsewhere somebody may have leased it meanwhile."""
    if not ids:
        return 0
    still = (items.c.id.in_(ids), items.c.state == State.DUE.value, _within(change), change.which)
    return conn.execute(update(items).where(*still).values(next_at=change.to)).rowcount


async def change_all(db: Database, change: Change) -> int:
    """The whole walk; how many items it changed. Raises StoreUnavailable."""
    changed, place = 0, START
    while True:
        more, ended = await db.write(partial(step, change=change, place=place))
        changed += more
        if ended is None:
            return changed
        place = ended


# -- what is put off, or made due --------------------------------------------------------------------------------------


def postponed(circuit: Circuit, now: datetime) -> Change:
    """Due items of a lane with an open circuit wait for its probe; not those whose fallback, delay notice or expiry
    comes before.
    """
    later = circuit.until
    own_time = or_(
        items.c.expires_at <= later,
        and_(items.c.fallback_at.is_not(None), items.c.fallback_route.is_not(None), items.c.fallback_at <= later),
        and_(items.c.delay_notice_at.is_not(None), items.c.delay_notice_at <= later),
    )
    return Change(and_(of_lane(circuit.lane), ~own_time), later, until=now)


def made_due(lane: Lane, now: datetime) -> Change:
    """Items that wait because the lane's destination could not be reached become due."""
    unreached = or_(
        items.c.last_reply == "", items.c.last_reply.like("4__ 4.4.%"), items.c.last_reply.like("4__ 4.7.5%")
    )
    return Change(and_(of_lane(lane), unreached), now, after=now)


def made_due_for(domains: Collection[str], now: datetime) -> Change:
    """All items that wait for these domains become due, whatever they wait for."""
    return Change(items.c.domain.in_(list(domains)), now, after=now)


def made_due_beyond(now: datetime, latest: datetime) -> Change:
    """Items that wait until after `latest` become due: that time was written by a clock that was ahead."""
    return Change(true(), now, after=latest)

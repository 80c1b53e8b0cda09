"""How old what waits is, by domain: where the mail piles up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from sqlalchemy import Connection, and_, case, func, select

from delivery.items import State
from delivery.store.schema import circuits, items
from delivery.store.views import WAITING

STEPS: Final = tuple(timedelta(minutes=5 * 2**power) for power in range(9))  # 5 minutes … 21 hours 20 minutes


@dataclass(frozen=True, slots=True)
class Pile:
    """What waits for one domain. `by_age` counts items younger than each of STEPS, and last those older than all."""

    domain: str
    items: int
    held: int
    oldest_at: datetime
    by_age: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is in the queue, for gauges: by state, by the age that each item is below, and what cannot be reached."""

    states: Mapping[str, int]
    ages: Mapping[str, int]
    oldest_seconds: float
    circuits: int


_BELOW: Final = {
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "4h": timedelta(hours=4),
    "1d": timedelta(days=1),
}


def waiting(conn: Connection, now: datetime) -> Waiting:
    """One look at the whole queue."""
    older = [
        func.sum(case((items.c.created_at <= now - age, 1), else_=0)).label(f"older_{name}")
        for name, age in _BELOW.items()
    ]
    oldest = func.min(items.c.created_at).label("oldest")
    query = select(items.c.state, func.count().label("number"), oldest, *older).group_by(items.c.state)
    rows = conn.execute(query).all()
    states = dict.fromkeys((state.value for state in WAITING), 0) | {row.state: row.number for row in rows}
    left, ages = sum(states.values()), {}
    for name in _BELOW:
        past = sum(int(row._mapping[f"older_{name}"]) for row in rows)
        ages[name], left = left - past, past
    first = min((row.oldest for row in rows), default=now)
    number = conn.execute(select(func.count()).select_from(circuits)).scalar_one()
    return Waiting(states, {**ages, "+Inf": left}, max(0.0, (now - first).total_seconds()), number)


def piles(conn: Connection, now: datetime, *, states: Sequence[State] = WAITING, limit: int = 100) -> list[Pile]:
    """The domains for which most waits, the largest first."""
    bounds = [now - step for step in STEPS]
    younger = [items.c.created_at > bounds[0]]
    younger += [and_(items.c.created_at <= before, items.c.created_at > after) for before, after in pairwise(bounds)]
    younger.append(items.c.created_at <= bounds[-1])
    counts = [func.sum(case((within, 1), else_=0)).label(f"age_{number}") for number, within in enumerate(younger)]
    held = func.sum(case((items.c.state == State.HELD.value, 1), else_=0)).label("held")
    number = func.count().label("number")
    query = (
        select(items.c.domain, number, held, func.min(items.c.created_at).label("oldest"), *counts)
        .where(items.c.state.in_([state.value for state in states]))
        .group_by(items.c.domain)
        .order_by(number.desc(), items.c.domain)
        .limit(limit)
    )
    return [
        Pile(row.domain, row.number, int(row.held), row.oldest, tuple(int(count) for count in row[4:]))
        for row in conn.execute(query)
    ]

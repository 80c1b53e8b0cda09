"""Limits that outlive a restart and hold across workers: how often something may be tried, and when again.

What was counted or locked by a clock that was ahead counts no more once that is set right: it would hold for as long as
the clock had jumped.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, case, delete, null, or_, select, update

from delivery.store.schema_people import throttles
from delivery.store.statements import Statement, insert_once

AHEAD: Final = timedelta(minutes=5)  # clocks of several machines differ; what is further ahead was a mistake

# Said for every form, so compiled once.
_OF: Final = throttles.c.key == bindparam("of")
_IS_AHEAD: Final = throttles.c.window_at > bindparam("ahead")
_READ: Final = Statement(select(throttles).where(_OF))
_BEGIN: Final = insert_once(throttles, throttles.c.keys())
_BEGIN_ANEW: Final = Statement(
    update(throttles)
    .where(_OF, or_(throttles.c.window_at <= bindparam("since"), _IS_AHEAD))
    .values(
        count=0,
        window_at=bindparam("now"),
        locked_until=case((_IS_AHEAD, null()), else_=throttles.c.locked_until),
        locks=case((_IS_AHEAD, 0), else_=throttles.c.locks),
    )
)
_RAISE: Final = Statement(
    update(throttles)
    .where(_OF, throttles.c.count < bindparam("most"))
    .where(throttles.c.locked_until.is_(None) | (throttles.c.locked_until <= bindparam("now")))
    .values(count=throttles.c.count + 1)
)
_TAKE_BACK: Final = Statement(update(throttles).where(_OF, throttles.c.count > 0).values(count=throttles.c.count - 1))


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` in `window`; past it, locked for `lock`, twice as long each further time, `longest` at most."""

    count: int
    window: timedelta
    lock: timedelta
    longest: timedelta = timedelta(hours=24)
    to_the_end: bool = False  # no lock: past it there is nothing more until the window ends


@dataclass(frozen=True, slots=True)
class Attempt:
    """A try that counts against a limit: of what, by whom (an address or a network: hashed before it is kept)."""

    what: str
    who: str = field(repr=False)
    limit: Limit


@dataclass(frozen=True, slots=True)
class Throttle:
    """One row: what was counted since `window_at`."""

    count: int
    window_at: datetime
    locked_until: datetime | None
    locks: int


def key_of(namespace: str, what: str, who: str) -> str:
    """The key of one limit. `who` is an id or a digest: never an address."""
    return f"{namespace}:{what}:{who}"


def read(conn: Connection, key: str) -> Throttle | None:
    """The row of a limit's key as it is in the database."""
    row = _READ.row(conn, {"of": key})
    return None if row is None else Throttle(row["count"], row["window_at"], row["locked_until"], row["locks"])


def read_now(conn: Connection, key: str, now: datetime) -> Throttle | None:
    """As `read`; None also where it is of a clock that was ahead."""
    row = read(conn, key)
    return row if row is not None and row.window_at <= now + AHEAD else None


def locked_until(conn: Connection, key: str, now: datetime) -> datetime | None:
    """Until when nothing more is tried; None: it may be."""
    row = read_now(conn, key, now)
    return row.locked_until if row and row.locked_until and row.locked_until > now else None


def count_one(conn: Connection, namespace: str, key: str, limit: Limit, now: datetime) -> datetime | None:
    """Count one try. None: it is within the limit; else the moment from which another may be made.

    The count is raised by one conditional update, so that tries made at once cannot pass the limit together.
    """
    begin_window(conn, namespace, key, limit.window, now)
    if raise_count(conn, key, limit.count, now):
        return None
    if limit.to_the_end and (row := read(conn, key)) is not None:
        return row.window_at + limit.window
    return locked_until(conn, key, now) or lock(conn, key, limit, now)


def begin_window(conn: Connection, namespace: str, key: str, window: timedelta, now: datetime) -> None:
    """See that the row is there, and that what is older than the window is forgotten. Locks are not, unless they are of
    a clock that was ahead.
    """
    values: dict[str, Any] = {"key": key, "namespace": namespace, "window_at": now, "count": 0, "locks": 0}
    if _BEGIN.run(conn, {**values, "locked_until": None}) != 1:
        _BEGIN_ANEW.run(conn, {"of": key, "since": now - window, "ahead": now + AHEAD, "now": now})


def raise_count(conn: Connection, key: str, most: int, now: datetime) -> bool:
    """Count one more, unless that passes `most` or a lock holds. PostgreSQL keeps the row locked until the commit."""
    return _RAISE.run(conn, {"of": key, "most": most, "now": now}) == 1


def take_back(conn: Connection, key: str) -> None:
    """Take back the try that was counted last: it turned out to be none."""
    _TAKE_BACK.run(conn, {"of": key})


def lock(conn: Connection, key: str, limit: Limit, now: datetime, *, keep_count: bool = False) -> datetime:
    """Lock, twice as long as the last time; gives the end. `keep_count`: what was counted goes on counting."""
    row = read(conn, key)
    locks = row.locks if row else 0
    until: datetime = now + min(limit.lock * 2 ** min(locks, 16), limit.longest)
    values: dict[str, Any] = {"locked_until": until, "locks": locks + 1}
    if not keep_count:
        values["count"] = 0
    conn.execute(update(throttles).where(throttles.c.key == key).values(values))
    return until


def forget(conn: Connection, *keys: str) -> int:
    """Lift these limits: count, lock and how often it was locked. How many of them there were."""
    return conn.execute(delete(throttles).where(throttles.c.key.in_(keys))).rowcount


def sweep(conn: Connection, now: datetime, older_than: timedelta = timedelta(days=3)) -> int:
    """Remove rows whose count and lock have long passed."""
    passed = throttles.c.locked_until.is_(None) | (throttles.c.locked_until <= now - older_than)
    return conn.execute(delete(throttles).where((throttles.c.window_at <= now - older_than) & passed)).rowcount

"""Pauses: domains to which nothing is sent until an admin lets it go on; `*` is all mail."""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from delivery.store.schema import pauses

ALL: Final = "*"


def paused(conn: Connection) -> dict[str, datetime]:
    """Every pause, with its beginning."""
    return {row.domain: row.since for row in conn.execute(select(pauses.c.domain, pauses.c.since))}


def pause(conn: Connection, domain: str, now: datetime) -> bool:
    """Send nothing to `domain` (lower case, A-labels), or with `*` nothing at all. False: it was paused before."""
    if domain in paused(conn):
        return False
    conn.execute(insert(pauses).values(domain=domain, since=now))
    return True


def resume(conn: Connection, domain: str) -> bool:
    """End a pause. False: there was none."""
    return conn.execute(delete(pauses).where(pauses.c.domain == domain)).rowcount == 1

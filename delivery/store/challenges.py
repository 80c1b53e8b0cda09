"""What a browser was asked to prove and has not yet: given to one browser, for minutes, and consumed once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from delivery.store.schema_people import challenges
from keys.tokens import new_id

VALID: Final = timedelta(minutes=10)


class Purpose(StrEnum):
    """What the browser has to prove."""

    REGISTER = "register"  # that it holds a new passkey
    PASSKEY = "passkey"  # that it holds one we know
    SECOND = "second"  # a second factor, after the right password
    ENROL = "enrol"  # that it holds a new second factor
    OWNER = "owner"  # that a sender reads the mail of the address they typed


@dataclass(frozen=True, slots=True)
class Challenged:
    """The browser (its cookie's digest) and what it is to prove."""

    namespace: str
    browser: bytes = field(repr=False)
    purpose: Purpose


def keep(conn: Connection, asked: Challenged, data: bytes, now: datetime) -> None:
    """Keep a challenge; the one this browser had before stops counting."""
    conn.execute(update(challenges).where(_standing(asked, now)).values(expires_at=now))
    conn.execute(
        insert(challenges).values(
            id=new_id(),
            namespace=asked.namespace,
            browser=asked.browser,
            purpose=asked.purpose,
            data=data,
            created_at=now,
            expires_at=now + VALID,
        )
    )


def standing(conn: Connection, asked: Challenged, now: datetime) -> bytes | None:
    """The data of the challenge this browser has; it goes on standing."""
    found = conn.execute(select(challenges.c.data).where(_standing(asked, now))).scalar()
    return None if found is None else bytes(found)


def take(conn: Connection, asked: Challenged, now: datetime) -> bytes | None:
    """Consume the challenge of this browser. None: there is none (any more); of two that ask at once, one gets it."""
    row = conn.execute(select(challenges.c.id, challenges.c.data).where(_standing(asked, now))).first()
    if row is None:
        return None
    unused = (challenges.c.id == row.id) & challenges.c.used_at.is_(None)
    taken = conn.execute(update(challenges).where(unused).values(used_at=now)).rowcount == 1
    return bytes(row.data) if taken else None


def sweep(conn: Connection, now: datetime) -> int:
    """Remove those that nobody can answer any more."""
    return conn.execute(delete(challenges).where(challenges.c.expires_at <= now - timedelta(days=1))).rowcount


def _standing(asked: Challenged, now: datetime) -> ColumnElement[bool]:
    mine = (challenges.c.namespace == asked.namespace) & (challenges.c.browser == asked.browser)
    return (
        mine
        & (challenges.c.purpose == asked.purpose)
        & challenges.c.used_at.is_(None)
        & (challenges.c.expires_at > now)
    )

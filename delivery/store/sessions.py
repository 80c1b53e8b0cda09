"""Who is signed in: the digest of a cookie's token, and whom it stands for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from delivery.store.schema import accounts, sessions


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in. By account: every box of its `address`. By code: the box of `participant_id` and no other."""

    digest: bytes = field(repr=False)
    namespace: str
    account_id: str | None
    participant_id: str | None
    address: str | None = field(repr=False)  # of the account
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def open_one(
    conn: Connection,
    namespace: str,
    digest: bytes,
    *,
    account_id: str | None,
    participant_id: str | None,
    now: datetime,
    lifetime: timedelta,
) -> None:
    """Keep a new session."""
    conn.execute(
        insert(sessions).values(
            digest=digest,
            namespace=namespace,
            account_id=account_id,
            participant_id=participant_id,
            created_at=now,
            seen_at=now,
            expires_at=now + lifetime,
        )
    )


def find(conn: Connection, namespace: str, digest: bytes, now: datetime, idle: timedelta) -> Session | None:
    """The session of a cookie, unless it ended, lay idle too long, or belongs to another namespace."""
    joined = sessions.outerjoin(accounts, sessions.c.account_id == accounts.c.id)
    row = conn.execute(
        select(sessions, accounts.c.address)
        .select_from(joined)
        .where(
            sessions.c.digest == digest,
            sessions.c.namespace == namespace,
            sessions.c.expires_at > now,
            sessions.c.seen_at > now - idle,
        )
    ).first()
    if row is None or (row.account_id is not None and row.address is None):
        return None
    return Session(
        digest=bytes(row.digest),
        namespace=row.namespace,
        account_id=row.account_id,
        participant_id=row.participant_id,
        address=row.address,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )


def touch(conn: Connection, namespace: str, digest: bytes, now: datetime) -> None:
    """It was used just now."""
    conn.execute(
        update(sessions).where(sessions.c.digest == digest, sessions.c.namespace == namespace).values(seen_at=now)
    )


def end(conn: Connection, namespace: str, digest: bytes) -> bool:
    """Sign out. False: there was no such session."""
    return (
        conn.execute(delete(sessions).where(sessions.c.digest == digest, sessions.c.namespace == namespace)).rowcount
        == 1
    )


def end_all(conn: Connection, namespace: str, account_id: str) -> int:
    """Sign an account out everywhere."""
    mine = (sessions.c.account_id == account_id) & (sessions.c.namespace == namespace)
    return conn.execute(delete(sessions).where(mine)).rowcount


def sweep(conn: Connection, now: datetime) -> int:
    """Remove what has expired."""
    return conn.execute(delete(sessions).where(sessions.c.expires_at <= now)).rowcount

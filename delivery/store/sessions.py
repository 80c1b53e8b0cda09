"""Who is signed in: the digest of a cookie's token, and whom it stands for."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from delivery.store.schema_people import accounts, sessions
from delivery.store.statements import Statement
from delivery.store.throttles import AHEAD

# Said for every page, so compiled once.
_FOUND: Final = (
    select(sessions, accounts.c.address)
    .select_from(sessions.outerjoin(accounts, sessions.c.account_id == accounts.c.id))
    .where(sessions.c.digest == bindparam("of"), sessions.c.namespace == bindparam("in_namespace"))
    .where(sessions.c.expires_at > bindparam("now"), sessions.c.seen_at > bindparam("idle_since"))
    .where(sessions.c.created_at <= bindparam("soon"))  # one of a clock that was ahead would last as long as it was
)
_FIND: Final = Statement(_FOUND.where(sessions.c.owner.is_(None)))
_FIND_OWNERS: Final = Statement(_FOUND.where(sessions.c.owner.is_not(None)))
_OPEN: Final = Statement(insert(sessions), sessions.c.keys())


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in. By account: every box of its `address`. Any other way: the box of `participant_id` and no other.
    With `owner`: a sender of ours, at their own boxes and nowhere else.

    `way` is a delivery.safebox.participants.Way; `strong`: by passkey, or with a second factor.
    """

    digest: bytes = field(repr=False)
    namespace: str
    account_id: str | None
    participant_id: str | None
    address: str | None = field(repr=False)  # of the account
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    way: str = "code"
    strong: bool = False
    remembered: bool = False  # the browser was: nothing was typed in this session
    owner: str | None = field(default=None, repr=False)  # the address that a sender proved

    @property
    def proves_address(self) -> bool:
        """A code by mail was typed in it: the address is the guest's. A telephone, or an answer, shows no such thing:
        both are one sender's word, and an account sees what every sender sent.
        """
        return self.account_id is None and self.owner is None and self.way == "code" and not self.remembered

    @property
    def name(self) -> str:
        """What the audit trail calls it."""
        return session_name(self.digest)


def session_name(digest: bytes) -> str:
    """What the audit trail calls a session: tells those of a shared mailbox apart, and opens nothing."""
    return hashlib.sha256(b"session " + digest).hexdigest()[:12]


def open_one(
    conn: Connection,
    namespace: str,
    digest: bytes,
    *,
    account_id: str | None,
    participant_id: str | None,
    now: datetime,
    lifetime: timedelta,
    way: str = "code",
    strong: bool = False,
    remembered: bool = False,
    owner: str | None = None,
) -> None:
    """Keep a new session."""
    row = {
        "digest": digest,
        "namespace": namespace,
        "account_id": account_id,
        "participant_id": participant_id,
        "created_at": now,
        "seen_at": now,
        "expires_at": now + lifetime,
        "way": way,
        "strong": strong,
        "remembered": remembered,
        "owner": owner,
    }
    _OPEN.insert_each(conn, [row])


def find(
    conn: Connection, namespace: str, digest: bytes, now: datetime, idle: timedelta, *, of_owner: bool = False
) -> Session | None:
    """The session of a cookie, unless it ended, lay idle too long, belongs to another namespace, or is of the other
    kind: a guest's is never a sender's (`of_owner`), nor the other way round.
    """
    values = {"of": digest, "in_namespace": namespace, "now": now, "soon": now + AHEAD, "idle_since": now - idle}
    row = (_FIND_OWNERS if of_owner else _FIND).row(conn, values)
    if row is None or (row["account_id"] is not None and row["address"] is None):
        return None
    return Session(**row)


def stands(conn: Connection, namespace: str, digest: bytes, now: datetime) -> bool:
    """Whether nobody has ended it, asked within the transaction that acts for it."""
    mine = (sessions.c.digest == digest) & (sessions.c.namespace == namespace)
    counts = (sessions.c.expires_at > now) & (sessions.c.created_at <= now + AHEAD)
    return conn.execute(select(sessions.c.digest).where(mine & counts)).first() is not None


def touch(conn: Connection, namespace: str, digest: bytes, now: datetime) -> None:
    """Note that the session was used now."""
    conn.execute(
        update(sessions).where(sessions.c.digest == digest, sessions.c.namespace == namespace).values(seen_at=now)
    )


def end(conn: Connection, namespace: str, digest: bytes) -> bool:
    """Sign out. False: there was no such session."""
    return (
        conn.execute(delete(sessions).where(sessions.c.digest == digest, sessions.c.namespace == namespace)).rowcount
        == 1
    )


def end_all(conn: Connection, namespace: str, account_id: str, *, but: bytes = b"") -> int:
    """Sign an account out everywhere; `but`: the digest of the one session that stays."""
    mine = (sessions.c.account_id == account_id) & (sessions.c.namespace == namespace) & (sessions.c.digest != but)
    return conn.execute(delete(sessions).where(mine)).rowcount


def strengthen(conn: Connection, namespace: str, digest: bytes) -> None:
    """Note that a second factor was proven in the session."""
    mine = (sessions.c.digest == digest) & (sessions.c.namespace == namespace)
    conn.execute(update(sessions).where(mine).values(strong=True))


def sweep(conn: Connection, now: datetime) -> int:
    """Remove what has expired."""
    return conn.execute(delete(sessions).where(sessions.c.expires_at <= now)).rowcount

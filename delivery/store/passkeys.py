"""Passkeys of accounts: a public key each, under the id that the authenticator gave it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from delivery.store.schema_people import passkeys

MOST: Final = 20  # of one account


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey. `sign_count` is 0 where the authenticator counts nothing."""

    credential: bytes = field(repr=False)
    account_id: str
    public_key: bytes = field(repr=False)
    sign_count: int
    backed_up: bool
    created_at: datetime
    used_at: datetime | None = None


def add(conn: Connection, namespace: str, passkey: Passkey) -> bool:
    """Keep a new one. False: it is known, or the account has as many as it may."""
    mine = (passkeys.c.account_id == passkey.account_id) & (passkeys.c.namespace == namespace)
    number = conn.execute(select(func.count()).select_from(passkeys).where(mine)).scalar_one()
    known = conn.execute(select(passkeys.c.credential).where(passkeys.c.credential == passkey.credential)).first()
    if known is not None or number >= MOST:
        return False
    conn.execute(
        insert(passkeys).values(
            credential=passkey.credential,
            namespace=namespace,
            account_id=passkey.account_id,
            public_key=passkey.public_key,
            sign_count=passkey.sign_count,
            backed_up=passkey.backed_up,
            created_at=passkey.created_at,
        )
    )
    return True


def by_credential(conn: Connection, namespace: str, credential: bytes) -> Passkey | None:
    """The passkey that an authenticator names."""
    mine = (passkeys.c.credential == credential) & (passkeys.c.namespace == namespace)
    row = conn.execute(select(passkeys).where(mine)).first()
    return None if row is None else _passkey(row)


def is_of(conn: Connection, namespace: str, account_id: str, credential: bytes) -> bool:
    """Does this account have this passkey?"""
    mine = (passkeys.c.account_id == account_id) & (passkeys.c.namespace == namespace)
    return (
        conn.execute(select(passkeys.c.account_id).where(mine, passkeys.c.credential == credential)).first() is not None
    )


def of_account(conn: Connection, namespace: str, account_id: str) -> tuple[Passkey, ...]:
    """Those of an account, oldest first."""
    mine = (passkeys.c.account_id == account_id) & (passkeys.c.namespace == namespace)
    return tuple(_passkey(row) for row in conn.execute(select(passkeys).where(mine).order_by(passkeys.c.created_at)))


def used(conn: Connection, namespace: str, before: Passkey, sign_count: int, now: datetime) -> bool:
    """It signed. False: somebody else used this count in between."""
    mine = (passkeys.c.credential == before.credential) & (passkeys.c.namespace == namespace)
    same = mine & (passkeys.c.sign_count == before.sign_count)
    return conn.execute(update(passkeys).where(same).values(sign_count=sign_count, used_at=now)).rowcount == 1


def remove(conn: Connection, namespace: str, account_id: str, credential: bytes | None = None) -> int:
    """Forget one, or all, of an account's."""
    mine = (passkeys.c.account_id == account_id) & (passkeys.c.namespace == namespace)
    if credential is not None:
        mine &= passkeys.c.credential == credential
    return conn.execute(delete(passkeys).where(mine)).rowcount


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        bytes(row.credential),
        row.account_id,
        bytes(row.public_key),
        row.sign_count,
        row.backed_up,
        row.created_at,
        row.used_at,
    )

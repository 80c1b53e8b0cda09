"""Second factors of accounts: an authenticator's secret, sealed, and recovery codes, of which digests are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from delivery.store.inserting import insert_into
from delivery.store.schema_people import recovery_codes, second_factors


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """The authenticator of an account."""

    account_id: str
    secret_sealed: bytes
    confirmed_at: datetime
    last_step: int


def get(conn: Connection, namespace: str, account_id: str) -> SecondFactor | None:
    """The second factor that the account has in force."""
    mine = (second_factors.c.account_id == account_id) & (second_factors.c.namespace == namespace)
    row = conn.execute(select(second_factors).where(mine, second_factors.c.confirmed_at.is_not(None))).first()
    return (
        None if row is None else SecondFactor(row.account_id, bytes(row.secret_sealed), row.confirmed_at, row.last_step)
    )


def put(conn: Connection, namespace: str, account_id: str, *, secret_sealed: bytes, step: int, now: datetime) -> bool:
    """Put a secret in force: the code of `step` was typed in. False: the account has one already."""
    mine = (second_factors.c.account_id == account_id) & (second_factors.c.namespace == namespace)
    conn.execute(delete(second_factors).where(mine, second_factors.c.confirmed_at.is_(None)))
    row = {
        "account_id": account_id,
        "namespace": namespace,
        "secret_sealed": secret_sealed,
        "created_at": now,
        "confirmed_at": now,
        "last_step": step,
    }
    kept = (
        insert_into(second_factors, conn.dialect.name)
        .values(row)
        .on_conflict_do_nothing()
        .returning(second_factors.c.account_id)
    )
    return conn.execute(kept).first() is not None


def take_step(conn: Connection, namespace: str, account_id: str, step: int) -> bool:
    """Consume the code of a time step. False: it, or a newer one, was consumed before (RFC 6238 5.2)."""
    mine = (second_factors.c.account_id == account_id) & (second_factors.c.namespace == namespace)
    newer = mine & second_factors.c.confirmed_at.is_not(None) & (second_factors.c.last_step < step)
    return conn.execute(update(second_factors).where(newer).values(last_step=step)).rowcount == 1


def keep_recovery(conn: Connection, namespace: str, account_id: str, digests: Sequence[bytes]) -> None:
    """Keep new recovery codes; the ones before stop counting."""
    conn.execute(delete(recovery_codes).where(recovery_codes.c.account_id == account_id))
    rows = [{"digest": digest, "namespace": namespace, "account_id": account_id} for digest in digests]
    conn.execute(insert(recovery_codes), rows)


def take_recovery(conn: Connection, namespace: str, account_id: str, digest: bytes, now: datetime) -> bool:
    """Consume a recovery code. False: unknown, or used."""
    mine = (recovery_codes.c.digest == digest) & (recovery_codes.c.account_id == account_id)
    unused = mine & (recovery_codes.c.namespace == namespace) & recovery_codes.c.used_at.is_(None)
    return conn.execute(update(recovery_codes).where(unused).values(used_at=now)).rowcount == 1


def recovery_left(conn: Connection, namespace: str, account_id: str) -> int:
    """How many recovery codes are unused."""
    mine = (recovery_codes.c.account_id == account_id) & (recovery_codes.c.namespace == namespace)
    unused = mine & recovery_codes.c.used_at.is_(None)
    return conn.execute(select(func.count()).select_from(recovery_codes).where(unused)).scalar_one()


def remove(conn: Connection, namespace: str, account_id: str) -> bool:
    """Take it off, recovery codes too. False: there was none."""
    mine = (second_factors.c.account_id == account_id) & (second_factors.c.namespace == namespace)
    conn.execute(delete(recovery_codes).where(recovery_codes.c.account_id == account_id))
    return conn.execute(delete(second_factors).where(mine)).rowcount == 1

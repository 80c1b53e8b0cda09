"""MTA-STS policies as they are remembered: they survive a restart, and all workers share them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select, update

from delivery.store.inserting import insert_into
from delivery.store.schema_tls import sts_policies as table
from delivery.stspolicy import Mode, StsPolicy

REFRESH: Final = timedelta(days=1)  # a policy is fetched again so often, that it does not run out unseen
SHORTEST: Final = timedelta(minutes=5)
CLAIM: Final = timedelta(hours=1)  # a refresh that failed, or whose worker died, is tried again then
_KEEP: Final = timedelta(days=30)  # past its end


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """A policy and how long it counts."""

    policy: StsPolicy
    expires_at: datetime


def keep_policy(conn: Connection, policy: StsPolicy, now: datetime) -> KeptPolicy:
    """Remember a policy that was fetched now, in place of an older one."""
    kept = KeptPolicy(policy, expiry(policy, now))
    values: dict[str, Any] = {
        "policy_id": policy.id,
        "mode": policy.mode.value,
        "hosts": list(policy.mx),
        "max_age": policy.max_age,
        "fetched_at": now,
        "expires_at": kept.expires_at,
        "refresh_at": now + min(REFRESH, timedelta(seconds=policy.max_age / 2)),
    }
    adding = insert_into(table, conn.dialect.name).values(domain=policy.domain, **values)
    conn.execute(adding.on_conflict_do_update(index_elements=[table.c.domain], set_=values))
    return kept


def expiry(policy: StsPolicy, now: datetime) -> datetime:
    """Until when a policy counts that was fetched now: some minutes at least, or it would be fetched for each mail."""
    return now + max(SHORTEST, timedelta(seconds=policy.max_age))


def find_policy(conn: Connection, domain: str) -> KeptPolicy | None:
    """What is remembered of a domain, run out or not."""
    row = conn.execute(select(table).where(table.c.domain == domain)).first()
    return None if row is None else _kept(row)


def claim_refreshes(conn: Connection, now: datetime, limit: int) -> list[KeptPolicy]:
    """Policies that are to be fetched again by the caller, and by nobody else for an hour."""
    due = select(table).where(table.c.refresh_at <= now, table.c.expires_at > now).order_by(table.c.refresh_at)
    claimed = []
    for row in conn.execute(due.limit(limit)).all():
        mine = update(table).where(table.c.domain == row.domain, table.c.refresh_at == row.refresh_at)
        if conn.execute(mine.values(refresh_at=now + CLAIM)).rowcount == 1:
            claimed.append(_kept(row))
    return claimed


def forget_old(conn: Connection, now: datetime) -> int:
    """Take out what ran out long ago; how many."""
    return conn.execute(delete(table).where(table.c.expires_at < now - _KEEP)).rowcount


def _kept(row: Row[Any]) -> KeptPolicy:
    policy = StsPolicy(row.domain, row.policy_id, Mode(row.mode), tuple(row.hosts), row.max_age)
    return KeptPolicy(policy, row.expires_at)

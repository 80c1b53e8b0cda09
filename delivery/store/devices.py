"""Browsers that need no new code for a while: each proved an address once, and holds a token of which we keep a digest.

How long is the profile's word (`remember_device`), asked anew for each box: what is kept here is when it was proven.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, update

from delivery.store.schema_people import devices

LONGEST: Final = timedelta(days=365)
MOST: Final = 20  # of one address; the oldest go


@dataclass(frozen=True, slots=True)
class Device:
    """One browser of one address. `way`: how it was proven in it; `phone`: keyed digest of the number; empty: mail."""

    digest: bytes = field(repr=False)
    address_key: str = field(repr=False)
    way: str
    agent: str = field(repr=False)
    proven_at: datetime
    expires_at: datetime
    phone: str = ""


def remember(conn: Connection, namespace: str, device: Device, before: bytes | None) -> None:
    """Keep it. `before`: the digest of the token that the browser held; what it was remembered for goes with the new
    one, and the old one, which somebody else at this browser may have seen, stops counting.
    """
    if before is not None:
        held = (devices.c.namespace == namespace) & (devices.c.digest == before)
        conn.execute(delete(devices).where(held, devices.c.address_key == device.address_key))
        conn.execute(update(devices).where(held).values(digest=device.digest))
    mine = (devices.c.namespace == namespace) & (devices.c.address_key == device.address_key)
    known = conn.execute(select(devices.c.digest).where(mine).order_by(devices.c.proven_at.desc())).scalars().all()
    if old := known[MOST - 1 :]:
        conn.execute(delete(devices).where(mine, devices.c.digest.in_(old)))
    conn.execute(
        insert(devices).values(
            digest=device.digest,
            namespace=namespace,
            address_key=device.address_key,
            way=device.way,
            phone=device.phone,
            agent=device.agent[:200],
            proven_at=device.proven_at,
            expires_at=device.expires_at,
        )
    )


def find(conn: Connection, namespace: str, digest: bytes, address_key: str, now: datetime) -> Device | None:
    """The browser behind a cookie, if it proved this very address."""
    mine = (devices.c.digest == digest) & (devices.c.namespace == namespace)
    row = conn.execute(select(devices).where(mine, devices.c.address_key == address_key)).first()
    return _device(row) if row is not None and row.expires_at > now else None


def of_address(conn: Connection, namespace: str, address_key: str, now: datetime) -> tuple[Device, ...]:
    """Every browser that is remembered for an address, newest first."""
    mine = (devices.c.namespace == namespace) & (devices.c.address_key == address_key) & (devices.c.expires_at > now)
    return tuple(_device(row) for row in conn.execute(select(devices).where(mine).order_by(devices.c.proven_at.desc())))


def forget(conn: Connection, namespace: str, *, address_key: str | None = None, digest: bytes | None = None) -> int:
    """Forget every browser of an address, or the one behind a cookie."""
    chosen = devices.c.address_key == address_key if digest is None else devices.c.digest == digest
    return conn.execute(delete(devices).where(devices.c.namespace == namespace, chosen)).rowcount


def sweep(conn: Connection, now: datetime) -> int:
    """Remove what has expired."""
    return conn.execute(delete(devices).where(devices.c.expires_at <= now)).rowcount


def _device(row: Row[Any]) -> Device:
    return Device(bytes(row.digest), row.address_key, row.way, row.agent, row.proven_at, row.expires_at, row.phone)

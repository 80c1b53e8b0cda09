"""Which workers there are, so that what one had leased is not lost with it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from delivery.items import State
from delivery.store.backing import Backing
from delivery.store.items import IS_LEASED, NO_LEASE
from delivery.store.schema import items, workers


def register_worker(conn: Connection, worker: str, host: str, now: datetime) -> None:
    """Tell the others that this worker may hold leases. It holds its lock by now. May be called again."""
    if conn.execute(select(workers.c.id).where(workers.c.id == worker)).first() is None:
        conn.execute(insert(workers).values(id=worker, host=host, started_at=now))


def other_workers(conn: Connection, worker: str) -> list[str]:
    """Ids of all registered workers but this one."""
    return list(conn.execute(select(workers.c.id).where(workers.c.id != worker)).scalars())


def retire_workers(conn: Connection, gone: Sequence[str]) -> int:
    """Forget workers; what they had leased, and what a worker nobody knows has leased, is due again. How many items."""
    if gone:
        conn.execute(delete(workers).where(workers.c.id.in_(gone)))
    known = select(workers.c.id)
    freed = conn.execute(
        update(items).where(IS_LEASED, items.c.lease_worker.not_in(known)).values(NO_LEASE | {"state": State.DUE.value})
    )
    return freed.rowcount


def dead_workers(backing: Backing, ids: Sequence[str]) -> list[str]:
    """Which of these workers have no lock any more, and so are dead. Blocks."""
    dead = []
    for worker in ids:
        lock = backing.lock(worker)
        if lock is not None:
            lock.release()
            dead.append(worker)
    return dead

"""Counts of periods, to which every worker adds: how much somebody sent. Kept among the throttles, under digests."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, case, select

from delivery.store.inserting import insert_into
from delivery.store.schema_people import throttles


def add_to(conn: Connection, namespace: str, counts: Sequence[tuple[str, datetime, int]]) -> dict[str, int]:
    """Add to counts: key, beginning of the period, how much; the sums. A count of an earlier period begins anew."""
    for key, begin, more in sorted(counts):  # in one order, so that workers do not block each other
        added = insert_into(throttles, conn.dialect.name).values(
            key=key, namespace=namespace, window_at=begin, count=max(more, 0), locks=0
        )
        same = throttles.c.window_at == added.excluded.window_at
        fresh = {
            "count": case((same, throttles.c.count + more), else_=added.excluded.count),
            "window_at": added.excluded.window_at,
        }
        conn.execute(added.on_conflict_do_update(index_elements=["key"], set_=fresh))
    keys = [key for key, _, _ in counts]
    found = conn.execute(select(throttles.c.key, throttles.c.count.label("sum")).where(throttles.c.key.in_(keys)))
    return {row.key: row.sum for row in found}

"""Whether what the clock says is to be doubted: then nothing is ended by time that could not be brought back."""

from datetime import datetime

from delivery.store.database import Database
from delivery.store.doubts import gap_before, has_waited
from delivery.store.upgrade import DEFAULT_NAMESPACE


async def is_doubted(db: Database, now: datetime) -> bool:
    """True for a day behind a gap in what was recorded: the clock may be ahead, and somebody may mend it. Raises
    StoreUnavailable.
    """
    gap = await db.read(lambda conn: gap_before(conn, now))
    return gap is not None and not await db.write(lambda conn: has_waited(conn, DEFAULT_NAMESPACE, gap, now))

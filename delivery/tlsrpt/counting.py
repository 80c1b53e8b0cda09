"""Counting sessions by domain and day, in memory for a minute, then in the database.

A crash loses the minute: these are statistics, and no session waits for them.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Final

from delivery.store.database import Database
from delivery.store.tls_sessions import Session, add_sessions
from delivery.verdicts import Verdict

_AT_MOST: Final = 20_000  # different sessions between two writes; what is beyond is not counted


class Tally:
    """What `watch` of a courier may be."""

    def __init__(self, db: Database, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._clock = clock
        self._counts: Counter[Session] = Counter()

    def note(self, verdict: Verdict) -> None:
        """Count one. Hosts that the configuration names are nobody's business but ours."""
        if not verdict.domain or verdict.domain.startswith("["):
            return
        failed = verdict.flaw is not None
        session = Session(
            day=f"{self._clock():%Y-%m-%d}",
            domain=verdict.domain,
            policy=verdict.policy,
            result=verdict.flaw.value if verdict.flaw is not None else "",
            host=verdict.host if failed else "",
            address=verdict.address if failed else "",
            our_address=verdict.our_address if failed else "",
        )
        if session in self._counts or len(self._counts) < _AT_MOST:
            self._counts[session] += 1

    async def write(self) -> None:
        """Add what was counted to what is in the database. Raises StoreUnavailable; nothing is forgotten then."""
        counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            await self._db.write(partial(add_sessions, counts=counts))
        except BaseException:
            self._counts.update(counts)
            raise

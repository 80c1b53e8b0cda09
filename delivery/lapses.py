"""Which leases have lapsed: those that were not renewed for as long as a lease lasts, by a clock that nobody sets.

Workers on several machines do not agree on the time, and a clock that jumps (a machine that was asleep, a first answer
from a time server) would let every lease of every other worker run out at once, the ones behind a final dot too. So a
worker looks at the leases of others again and again, and takes over what has stayed the same for long enough. Pure.
"""

from collections.abc import Iterable
from datetime import timedelta

from delivery.store.lapses import Lease


class Lapses:
    """What one worker has seen of leases. `term`: how long a lease lasts; `stray`: one of its own that it lost.

    A database that fails between a commit and its answer leaves leases that nobody knows of. Who holds an item all the
    same (its answer came late) finds that its token no longer counts.
    """

    def __init__(self, term: timedelta, stray: timedelta) -> None:
        self._terms = {False: term.total_seconds(), True: stray.total_seconds()}
        self._seen: dict[Lease, float] = {}

    def look(self, leases: Iterable[Lease], seconds: float) -> list[Lease]:
        """Those that have been as they are for a whole term. `seconds`: as of time.monotonic; looks come in order."""
        self._seen = {lease: self._seen.get(lease, seconds) for lease in leases}
        return [lease for lease, since in self._seen.items() if seconds - since >= self._terms[lease.is_stray]]

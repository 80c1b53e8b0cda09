"""Finds leases that have lapsed: those not renewed for as long as a lease lasts, by this worker's monotonic clock.

Machines do not agree on the time, and if a clock jumps (a machine was asleep, or a time server answered at last), every
lease of every other worker would run out at once, those of messages just being sent too. So times in the database are
not compared with the clock: a worker looks at the leases of others again and again, and takes over those that it has
seen unchanged for long enough. Pure.
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

    def find_lapsed(self, leases: Iterable[Lease], seconds: float) -> list[Lease]:
        """Those of `leases`, which are all there are now, that have not changed for a whole term.

        `seconds` is this worker's monotonic time; it grows from call to call.
        """
        self._seen = {lease: self._seen.get(lease, seconds) for lease in leases}
        return [lease for lease, since in self._seen.items() if seconds - since >= self._terms[lease.is_stray]]

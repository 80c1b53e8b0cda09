"""On the way from an event loop to the writers: what tasks ask for in a busy moment goes together."""

import asyncio
from typing import Final

from delivery.errors import StoreUnavailable
from delivery.store.groups import GROUP, Job, JobQueue

_QUIET: Final = 3  # turns of the loop without a new job: from bytes that arrive to a job it takes two
_LONGEST: Final = 0.01  # seconds that the first of them waits for others


class Gathering:
    """Jobs of one event loop.

    A commit costs the same for one as for many. So jobs wait as long as the loop has something to do that may bring
    more of them; where nothing else goes on, that is no time at all.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, jobs: JobQueue, patience: float) -> None:
        """`patience`: seconds until a job that no writer has begun is given up."""
        self.loop = loop
        self._queue = jobs
        self._patience = patience
        self._jobs: list[Job] = []
        self._seen = 0  # how many there were at the last turn
        self._quiet = 0  # turns since one came
        self._since = 0.0

    def add(self, job: Job) -> None:
        """Take a job along."""
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._seen = self._quiet = 0
            self._since = self.loop.time()
            self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Once in each turn of the loop, while there are jobs."""
        self._quiet = self._quiet + 1 if len(self._jobs) == self._seen else 0
        self._seen = len(self._jobs)
        if self._quiet < _QUIET and self._seen < GROUP and self.loop.time() - self._since < _LONGEST:
            self.loop.call_soon(self._turn)
            return
        jobs, self._jobs = self._jobs, []
        if self._queue.put(jobs):
            self.loop.call_later(self._patience, _give_up, jobs)
        else:
            for job in jobs:
                job.refuse(StoreUnavailable("the database is closed, or too many wait for it"))


def _give_up(jobs: list[Job]) -> None:
    """Still queued after so long: the writer waits for someone else's lock. What has begun is waited for."""
    for job in jobs:
        job.refuse(StoreUnavailable("the database is busy"))

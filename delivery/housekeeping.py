"""Chores of a worker: truncate the database's log, forget old history, delete blob files that no row names, and learn
of keys that were rotated.
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from delivery.doubting import is_doubted
from delivery.errors import KeysUnavailable, StoreUnavailable
from delivery.queue import Queue
from delivery.store.circuits import forget_stale
from delivery.store.messages import purge_history, referenced_blobs

TIDY: Final = timedelta(seconds=20)  # what was deleted is out of the log within a minute
PURGE: Final = timedelta(minutes=10)
SWEEP: Final = timedelta(hours=12)
STALE: Final = timedelta(hours=2)  # an open circuit without a probe: what waits is tried more often than that
BLOB_AGE: Final = timedelta(days=2)  # a file younger than that may belong to an upload that goes on

log = structlog.get_logger()


class Housekeeping:
    """The chores of one worker. Safe to run in every worker of a store."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._keys_missing = False

    async def run(self) -> None:
        """Until cancelled. A store that does not answer is asked again the next time."""
        loop = asyncio.get_running_loop()
        purged_at = swept_at = loop.time() - SWEEP.total_seconds()
        while True:
            try:
                await self._queue.db.truncate_log()
                await self._learn_keys()
                if loop.time() - purged_at >= PURGE.total_seconds() and await self._is_believed():
                    await self.purge()
                    purged_at = loop.time()
                if loop.time() - swept_at >= SWEEP.total_seconds() and await self._is_believed():
                    await self.sweep()
                    swept_at = loop.time()
            except StoreUnavailable as error:
                log.warning("housekeeping.store_unavailable", error=str(error))
            await asyncio.sleep(TIDY.total_seconds())

    async def _is_believed(self) -> bool:
        """By a clock that is ahead, files that were written just now are old, and so is all history."""
        return not await is_doubted(self._queue.db, self._queue.clock())

    async def _learn_keys(self) -> None:
        """Told once where a new root is out of reach: a keyring that was handed over as a credential is as it was."""
        try:
            await asyncio.to_thread(self._queue.vault.refresh)
        except KeysUnavailable as error:
            if not self._keys_missing:
                log.warning("housekeeping.keys_unavailable", error=str(error))
            self._keys_missing = True
        else:
            self._keys_missing = False

    async def purge(self) -> int:
        """Forget messages that ended longer than `queue.history` ago; how many."""
        before = self._queue.clock() - self._queue.settings.history
        gone = 0
        while purged := await self._queue.db.write(partial(purge_history, before=before)):
            gone += purged
        if gone:
            log.info("housekeeping.purged", messages=gone)
        stale = self._queue.clock() - STALE
        await self._queue.db.write(lambda conn: forget_stale(conn, stale))
        return gone

    async def sweep(self) -> int:
        """Delete blob files that no row names; how many."""
        db = self._queue.db

        def referenced(names: list[str]) -> set[str]:
            return db.read_now(lambda conn: referenced_blobs(conn, names))

        older_than = self._queue.clock() - BLOB_AGE
        swept = await asyncio.to_thread(self._queue.blobs.sweep, lambda names: referenced(list(names)), older_than)
        if swept:
            log.info("housekeeping.swept", blobs=swept)
        return swept

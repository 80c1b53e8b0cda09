"""Whether there is room for more mail: free disk space, and the length of the queue. Measured every few seconds, asked
at every MAIL, and of every message before it is kept.
"""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from structlog import get_logger

from delivery.errors import StoreUnavailable
from delivery.items import Reply
from gateway.smtp import replies

EVERY: Final = 2.0  # seconds
_SHARE: Final = 10  # on a small disk only a tenth of it has to stay free
_WRITTEN: Final = 2  # bytes on the disk for one of a message: the database's log, or another worker's mail meanwhile
_HARDLY: Final = 128 * 1024  # bytes: where none has to stay free, and so few are, hardly a message finds room
_PAUSES: Final = 100  # after counting the queue, wait so many times as long as that took

log = get_logger(__name__)


class Strain:
    """Measures the room there is, for all doors of a process. `count(most)` counts waiting items, up to `most`."""

    def __init__(self, data: Path, *, free_disk: int, queue: int | None, count: Callable[[int], int]) -> None:
        self._data = data
        self._free_disk = free_disk
        self._queue = queue
        self._count = count
        self._least = 0
        self._spare = free_disk  # bytes that may be written yet; nobody looked so far
        self._is_long = False
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why no mail is taken now: `disk`, `queue`, or empty if it is taken. Where nothing has to stay free, the door
        still tries: the store says `452` of what finds no room.
        """
        return self._reason

    def refusal(self, size: int = 0) -> Reply | None:
        """The reply to a message of so many bytes; None: there is room."""
        if self._is_long:
            return replies.QUEUE_FULL
        return replies.NO_SPACE if self._free_disk and self._spare < size else None

    def take(self, size: int) -> Reply | None:
        """As `refusal`, for a message that has arrived and is about to be kept. Its bytes count as used until the disk
        is measured again: otherwise all messages in between would be promised the same room.
        """
        refusal = self.refusal(size)
        if refusal is None:
            self._spare -= _WRITTEN * size
        return refusal

    def has_room(self, size: int) -> bool:
        """Whether files of so many bytes may be kept: as much again stays free, so that these end before mail does."""
        return not self._free_disk or self._spare >= size + self._least

    async def run(self) -> None:
        """Measure until cancelled. If that fails, nothing is refused: the store itself will tell what is wrong."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            await asyncio.to_thread(self.look)
            await asyncio.sleep(max(EVERY, _PAUSES * (loop.time() - began)))

    def look(self) -> None:
        """Measure disk and queue once. Blocks."""
        is_full = self._reason == "disk"
        try:
            disk = os.statvfs(self._data)
        except OSError as error:
            log.warning("strain.unknown", error=type(error).__name__)
        else:
            self._least = min(self._free_disk, disk.f_blocks * disk.f_frsize // _SHARE)
            self._spare = disk.f_bavail * disk.f_frsize - self._least
            is_full = self._spare <= 0 if self._free_disk else self._spare < _HARDLY
        if self._queue is not None:
            try:
                self._is_long = self._count(self._queue) >= self._queue
            except StoreUnavailable:
                self._is_long = False
        self._note("queue" if self._is_long else "disk" if is_full else "")

    def _note(self, reason: str) -> None:
        if reason != self._reason:
            self._reason = reason
            if reason:
                log.error("strain.no_room", reason=reason, spare_bytes=self._spare)
            else:
                log.info("strain.room_again")

"""Where the workers of one gateway count together for the metrics: files of prometheus_client, in a folder.

Each gateway on a data folder has one of its own, numbered: the first whose lock nobody holds. A lock ends with its
process, so what a gateway left that was killed is found and emptied by the next. pathlib is not used: the parent of the
workers needs this module, and is to be small.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Final

FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own variable; to be set before it is imported
_OF_THE_LIVING: Final = "gauge_live"  # begins the name of a file that counts only as long as its process lives


@dataclass(frozen=True, slots=True)
class Tallies:
    """A folder that this gateway has to itself as long as `lock`, a descriptor, is open in the process that took it.

    Forked processes do not hold it; what this process becomes by exec does, if it inherits the descriptor.
    """

    folder: str
    lock: int

    @classmethod
    def take(cls, parent: str) -> "Tallies":
        """The first free one in `parent`, empty; from now on this process counts there, and those below it.

        Raises OSError.
        """
        os.makedirs(parent, 0o700, exist_ok=True)  # noqa: PTH103 (no pathlib, as said above)
        for number in count(1):
            folder = f"{parent}/{number}"
            lock = os.open(f"{folder}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            break
        tallies = cls(folder, lock)
        tallies.remove()
        os.mkdir(folder, 0o700)  # noqa: PTH102 (the same)
        os.environ[FOLDER] = folder
        return tallies

    def forget(self, pid: int) -> None:
        """A worker has ended: its gauges are of nobody any more."""
        self._unlink(lambda name: name.startswith(_OF_THE_LIVING) and name.endswith(f"_{pid}.db"))

    def remove(self) -> None:
        """Take the folder away, if it is there."""
        self._unlink(lambda _name: True)
        with suppress(OSError):
            os.rmdir(self.folder)  # noqa: PTH106 (the same)

    def _unlink(self, chosen: Callable[[str], bool]) -> None:
        with suppress(FileNotFoundError):
            for name in filter(chosen, os.listdir(self.folder)):  # noqa: PTH208 (the same)
                with suppress(OSError):
                    os.unlink(f"{self.folder}/{name}")  # noqa: PTH108 (the same)

"""The files that workers count in together (`tallies`), so that a full disk ends none of them.

prometheus_client maps its files into memory while they have holes. Where the disk is full, the first write into a hole
ends the process (SIGBUS): a worker would die of a number. So a file has its room before it is written into; where there
is none, a worker counts for itself alone from then on.
"""

import errno
import mmap
import os
from typing import Final

from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

_FIRST: Final = 1 << 16  # bytes of a new file, as prometheus_client has it
_NO_PROMISE: Final = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})
_BESIDE: Final = 64  # bytes of an entry beside its key, at most


class TallyFile(MmapedDict):
    """A file with room for all that is in it."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        self._memory: int | None = None
        if not read_mode and not _has_room(filename):
            self._memory = os.memfd_create("tallies")
            filename = f"/proc/self/fd/{self._memory}"
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]  # the library's

    def _init_value(self, key: str) -> None:
        needed = self._used + len(key.encode()) + _BESIDE
        grows = needed > self._capacity and self._memory is None
        if grows and not _make_room(self._f.fileno(), self._capacity * 2):
            self._leave()
        super()._init_value(key)  # type: ignore[no-untyped-call]  # the library's

    def _leave(self) -> None:
        """Go on in memory, with what was counted. What others read stays as it is."""
        self._memory = os.memfd_create("tallies")
        there = open(self._memory, "a+b", closefd=False)  # noqa: SIM115 - as long as this is
        there.write(self._m[: self._capacity])
        there.flush()
        self._m.close()
        self._f.close()
        self._f, self._m = there, mmap.mmap(there.fileno(), self._capacity)

    def close(self) -> None:
        """Let go of it."""
        super().close()  # type: ignore[no-untyped-call]  # the library's
        if self._memory is not None:
            os.close(self._memory)
            self._memory = None


def _has_room(filename: str) -> bool:
    """Make the file, with its room, where there is none. False: the disk is full."""
    try:
        descriptor = os.open(filename, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return False
    try:
        return _make_room(descriptor, max(_FIRST, os.fstat(descriptor).st_size))
    finally:
        os.close(descriptor)


def _make_room(descriptor: int, size: int) -> bool:
    """Room for so many bytes; True also where the file system cannot promise any, and files grow as they are used."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        return error.errno in _NO_PROMISE
    return True


def use() -> None:
    """Let every metric that is made from now on count so."""
    values.MmapedDict = TallyFile  # type: ignore[attr-defined]  # it offers no other way

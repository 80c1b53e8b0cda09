"""A disk of our own whose power can be cut: an ext4 in a file, mounted by loop. Needs root that may mount.

The cut is the kernel's own way to end a file system without another write (EXT4_IOC_SHUTDOWN, no flush of the journal;
what xfstests' `godown` does): whatever was not fsynced is gone with the page cache. `commit=600` keeps the kernel from
writing the journal by its own timer, so that nothing lasts but what somebody waited for.
"""

import fcntl
import os
import struct
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

_SHUTDOWN = (2 << 30) | (4 << 16) | (ord("X") << 8) | 125  # _IOR('X', 125, __u32)
_NO_LOG_FLUSH = 2


class Disk:
    """An ext4 on loopback; use it as a context manager."""

    def __init__(self, folder: Path, megabytes: int = 96) -> None:
        self.image, self.path = folder / "disk.img", folder / "disk"
        self._megabytes = megabytes

    def __enter__(self) -> "Disk":
        self.path.mkdir()
        with self.image.open("wb") as image:
            image.truncate(self._megabytes * 2**20)
        try:
            _run("mkfs.ext4", "-q", "-F", "-m", "0", str(self.image))
            self._mount()
        except (OSError, subprocess.CalledProcessError):
            # told as what it is: nothing can be installed to make up for it
            pytest.xfail("nobody here may mount a file system by loop (a container without CAP_SYS_ADMIN?)")
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "-l", str(self.path)], check=False, capture_output=True)

    def cut(self) -> None:
        """The power goes: from now on every access fails."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(descriptor, _SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)

    def power_on(self) -> None:
        """Once nobody uses it any more: mount it again, as a machine does that starts."""
        _run("umount", str(self.path))
        self._mount()

    def sync(self) -> None:
        """What is there so far lasts."""
        _run("sync", "-f", str(self.path))

    def _mount(self) -> None:
        _run("mount", "-o", "loop,commit=600", str(self.image), str(self.path))


class Ballast:
    """A file that takes the room away, but for some bytes."""

    def __init__(self, disk: Disk) -> None:
        self._file = disk.path / "ballast"

    def leave(self, free: int) -> None:
        """Fill the disk to the last block, then give so many bytes back."""
        descriptor = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for block in (2**20, 2**12):
                with suppress(OSError):
                    while True:
                        os.write(descriptor, b"\0" * block)
            os.ftruncate(descriptor, max(0, os.lseek(descriptor, 0, os.SEEK_CUR) - free))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def gone(self) -> None:
        """All room is there again."""
        self._file.unlink(missing_ok=True)


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)

"""What workers are given when they are forked, written down for one that has to be started again later.

It must work as the others do, and by then the files may say otherwise: a configuration that counts from the next start
on, a policy that was refused, another version of the program. So workers note here each policy that they put in force.

Certificates, logins and keys that sign are files, too, and lie beside it as they were when they were taken into use
(`files_of`): what a file says by now is found as every change is.

It lies in memory that all of them share: first a header, which says where the rest is. A writer puts it where the one
that counts is not, and then changes the header: who is killed meanwhile leaves what was there before.
"""

import fcntl
import hashlib
import os
import pickle
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from delivery.doors.inforce import FilesInForce, Kept
from gateway.policies import Known
from gateway.settings import Settings

_HEADER: Final = struct.Struct(">QQ")  # where the rest begins, and how long it is
_FIRST: Final = 4096  # where it may begin
_PACKAGES: Final = ("gateway", "portal", "delivery", "policy", "rules", "keys")


@dataclass(frozen=True, slots=True)
class Given:
    """The configuration, and the policy in force."""

    settings: Settings
    known: Known

    def write(self) -> int:
        """A descriptor of memory that holds it; the caller closes it. Raises OSError."""
        descriptor = os.memfd_create("given")
        self.replace(descriptor)
        return descriptor

    def replace(self, descriptor: int) -> None:
        """Put it in the place of what is there; from any of the processes. Raises OSError."""
        whole = pickle.dumps(self)
        with _turn(descriptor, fcntl.LOCK_EX):
            _put(descriptor, whole)

    @classmethod
    def read(cls, descriptor: int) -> "Given":
        """What was put there last, in another process of the same program."""
        with _turn(descriptor, fcntl.LOCK_SH):
            given = pickle.loads(_taken(descriptor))  # noqa: S301 - our own, in memory that we alone have
        assert isinstance(given, cls)
        return given


def memory_for_files() -> int:
    """A descriptor of memory for `files_of`; the caller closes it. Raises OSError."""
    descriptor = os.memfd_create("files")
    _put(descriptor, pickle.dumps({}))
    return descriptor


def files_of(descriptor: int, *, began: bool) -> FilesInForce:
    """The files in force. `began`: other workers use them already, and this one begins with what they have."""

    def note(read: Mapping[Path, Kept]) -> None:
        with _turn(descriptor, fcntl.LOCK_EX):
            _put(descriptor, pickle.dumps({**_files(descriptor), **read}))

    if not began:
        return FilesInForce(note=note)
    with _turn(descriptor, fcntl.LOCK_SH):
        return FilesInForce(_files(descriptor), note)


def _files(descriptor: int) -> dict[Path, Kept]:
    files: dict[Path, Kept] = pickle.loads(_taken(descriptor))  # noqa: S301 - as above
    return files


def _put(descriptor: int, whole: bytes) -> None:
    begins, length = _place(descriptor)
    at = _FIRST if _FIRST + len(whole) <= begins else max(_FIRST, begins + length)
    rest, to = memoryview(whole), at
    while rest:
        written = os.pwrite(descriptor, rest, to)
        rest, to = rest[written:], to + written
    os.pwrite(descriptor, _HEADER.pack(at, len(whole)), 0)


def _taken(descriptor: int) -> bytes:
    begins, length = _place(descriptor)
    return os.pread(descriptor, length, begins)


def _place(descriptor: int) -> tuple[int, int]:
    header = os.pread(descriptor, _HEADER.size, 0)
    return _HEADER.unpack(header) if header else (0, 0)


@contextmanager
def _turn(descriptor: int, kind: int) -> Iterator[None]:
    """Processes take turns; one that ends gives its own away."""
    fcntl.lockf(descriptor, kind)
    try:
        yield
    finally:
        fcntl.lockf(descriptor, fcntl.LOCK_UN)


def program(root: Path = Path(__file__).parents[2]) -> str:
    """Which program is on disk: another answer than before means that another version was installed meanwhile."""
    told = hashlib.sha256()
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            about = file.stat()
            told.update(f"{file}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
    return told.hexdigest()

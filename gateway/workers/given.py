"""What workers are given when they are forked, written down for one that has to be started again later.

It must work as the others do, and by then the files may say otherwise: a configuration that counts from the next start
on, a policy that was refused, another version of the program.
"""

import hashlib
import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.policies import Known
from gateway.settings import Settings

_PACKAGES: Final = ("gateway", "portal", "delivery", "policy", "rules", "keys")


@dataclass(frozen=True, slots=True)
class Given:
    """The configuration, and the policy as it was loaded at the start."""

    settings: Settings
    known: Known

    def write(self) -> int:
        """A descriptor of memory that holds it; the caller closes it. Raises OSError."""
        descriptor = os.memfd_create("given")
        with os.fdopen(os.dup(descriptor), "wb") as memory:
            pickle.dump(self, memory)
        return descriptor

    @classmethod
    def read(cls, descriptor: int) -> "Given":
        """What `write` wrote, in another process of the same program."""
        whole = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        given = pickle.loads(whole)  # noqa: S301 - our own, in memory that we alone have
        assert isinstance(given, cls)
        return given


def program(root: Path = Path(__file__).parents[2]) -> str:
    """Which program is on disk: another answer than before means that another version was installed meanwhile."""
    told = hashlib.sha256()
    for package in _PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            about = file.stat()
            told.update(f"{file}\0{about.st_size}\0{about.st_mtime_ns}\0".encode())
    return told.hexdigest()

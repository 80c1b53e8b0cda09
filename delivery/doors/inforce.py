"""Keeps what files said when they were taken into use, for a worker that is started again beside others.

By then a file may be broken, half written or not to be read. The others go on with what they have, and so does the one
that comes: it begins with what they work by, and finds what the file says now as every change is found.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class State(NamedTuple):
    """Which file it is, and when it was changed last: its bytes (`written`, `size`), its owner, its mode."""

    inode: int
    size: int
    changed: int  # ns since 1970
    written: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A file as it was."""

    state: State
    data: bytes = field(repr=False)


Note = Callable[[Mapping[Path, Kept]], None]  # keeps these for who comes later; raises OSError


class FilesInForce:
    """Files to be read at the start, and anew. `known`: as other workers read them; `note` keeps what we read."""

    def __init__(self, known: Mapping[Path, Kept] | None = None, note: Note | None = None) -> None:
        self._known = dict(known or {})
        self._note = note
        self._turn = threading.Lock()

    @contextmanager
    def first(self, *files: Path) -> Iterator[tuple[Path, ...]]:
        """Where to read them at the start: as they were for the others, or as they are where there are no others."""
        if not all(file in self._known for file in files):
            with self.anew(*files) as paths:
                yield paths
            return
        with ExitStack() as stack:
            yield tuple(stack.enter_context(_in_memory(self._known[file].data)) for file in files)

    @contextmanager
    def anew(self, *files: Path) -> Iterator[tuple[Path, ...]]:
        """Where to read them as they are. What can be used, so that the block ends without an error, is in force."""
        before = [state_of(file) for file in files]
        yield files
        if self._note is None:
            return
        with suppress(OSError), self._turn:
            read = {file: Kept(state, file.read_bytes()) for file, state in zip(files, before, strict=True) if state}
            if [state_of(file) for file in files] == before:  # else it is another file already, and read anew soon
                self._note(read)

    def state(self, file: Path) -> State | None:
        """As it was for the others, where `first` gives that; else as it is. None: there is none."""
        return self._known[file].state if file in self._known else state_of(file)


def state_of(file: Path) -> State | None:
    """As it is now; None: it is not there, or not to be looked at."""
    try:
        status = file.stat()
    except OSError:
        return None
    return State(status.st_ino, status.st_size, status.st_ctime_ns, status.st_mtime_ns)


@contextmanager
def _in_memory(data: bytes) -> Iterator[Path]:
    """A file with these bytes that no other user may read, for those who take paths alone (OpenSSL)."""
    descriptor = os.memfd_create("kept")
    try:
        os.fchmod(descriptor, 0o600)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)

"""Blob files: sealed bytes too large for a row. What is written here is sealed before it comes here.

A blob exists from its `commit()` on, whole and fsynced, folder too; a row that names it is committed after that. A blob
that no row names (a crash between the two) is taken away by `sweep`.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from delivery.errors import StoreUnavailable
from delivery.store.failures import as_unavailable
from keys.tokens import new_id

_PARTIAL: Final = "partial-"  # what is still being written
_SWEEP_BATCH: Final = 500
_NAME_CHARS: Final = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class BlobWriter:
    """One blob being written. End it with `commit` or `abort`; what is forgotten is swept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._name = new_id()
        self._partial = folder / f"{_PARTIAL}{self._name}"
        with as_unavailable("cannot write a blob file"):
            self._file = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._open = True

    def write(self, sealed: bytes | memoryview) -> None:
        """More sealed bytes. Raises StoreFull or StoreUnavailable; then `abort`."""
        with as_unavailable("cannot write a blob file"):
            rest = memoryview(sealed)
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def commit(self) -> str:
        """Make the blob last through a power cut, and give its name. On failure nothing of it stays."""
        try:
            with as_unavailable("cannot keep a blob file"):
                os.fsync(self._file)
                self._close()
                shard = self._folder / _shard(self._name)
                if not shard.is_dir():
                    shard.mkdir(mode=0o700, exist_ok=True)
                    _fsync_folder(self._folder)
                self._partial.rename(shard / self._name)
                _fsync_folder(shard)
        except StoreUnavailable:
            self.abort()
            raise
        return self._name

    def abort(self) -> None:
        """Throw away what was written. May be called twice; after a commit it does nothing."""
        self._close()
        with suppress(OSError):
            self._partial.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._open:
            self._open = False
            with suppress(OSError):
                os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()


class BlobReader:
    """One blob being read; safe to use from one thread at a time. `size` is in sealed bytes."""

    def __init__(self, path: Path) -> None:
        with as_unavailable("cannot read a blob file"):
            self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self.size = os.fstat(self._file).st_size
        self._open = True

    def read_at(self, offset: int, length: int) -> bytes:
        """The sealed bytes from `offset`; fewer than `length` only at the end."""
        pieces = []
        with as_unavailable("cannot read a blob file"):
            while length > 0 and (piece := os.pread(self._file, length, offset)):
                pieces.append(piece)
                offset += len(piece)
                length -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of the file. May be called twice."""
        if self._open:
            self._open = False
            os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Blobs:
    """The blob files of one data folder. The folder is made, for its owner alone, when it is missing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with as_unavailable(f"cannot make the folder {folder}"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def create(self) -> BlobWriter:
        """Begin a blob."""
        return BlobWriter(self._folder)

    def keep(self, sealed: bytes) -> str:
        """Write one blob at once; its name."""
        with self.create() as writer:
            writer.write(sealed)
            return writer.commit()

    def open(self, name: str) -> BlobReader:
        """Read a blob; raises StoreUnavailable where there is none."""
        return BlobReader(self._path(name))

    def has(self, name: str) -> bool:
        """Whether there is this blob. Raises StoreUnavailable where the folder cannot be looked into."""
        with as_unavailable("cannot look for a blob file"):
            try:
                self._path(name).stat()
            except FileNotFoundError:
                return False
        return True

    def delete(self, name: str) -> None:
        """Take a blob away, if it is there. Its DEK is to be destroyed, and that committed, before."""
        with as_unavailable("cannot delete a blob file"):
            self._path(name).unlink(missing_ok=True)

    def sweep(self, referenced: Callable[[Sequence[str]], set[str]], older_than: datetime) -> int:
        """Delete blobs last written before `older_than` that no row names; how many went.

        `referenced` gives those of some names that a row still names.
        """
        swept = 0
        batch: list[Path] = []
        for path in self._all():
            with suppress(OSError):
                if path.stat().st_mtime < older_than.timestamp():
                    batch.append(path)
            if len(batch) >= _SWEEP_BATCH:
                swept += self._sweep_batch(batch, referenced)
                batch = []
        return swept + self._sweep_batch(batch, referenced)

    def _sweep_batch(self, paths: list[Path], referenced: Callable[[Sequence[str]], set[str]]) -> int:
        names = [path.name for path in paths if not path.name.startswith(_PARTIAL)]
        kept = referenced(names) if names else set()
        gone = [path for path in paths if path.name not in kept]
        for path in gone:
            with suppress(OSError):
                path.unlink(missing_ok=True)
        return len(gone)

    def _all(self) -> Iterator[Path]:
        with as_unavailable("cannot list the blob files"):
            for entry in os.scandir(self._folder):
                if entry.is_dir(follow_symlinks=False):
                    yield from (Path(blob.path) for blob in os.scandir(entry.path))
                elif entry.name.startswith(_PARTIAL):
                    yield Path(entry.path)

    def _path(self, name: str) -> Path:
        if not name or not set(name) <= _NAME_CHARS:  # a name is ours, never a path
            raise StoreUnavailable("not the name of a blob file")
        return self._folder / _shard(name) / name


def _shard(name: str) -> str:
    return name[-2:]  # the random end of an id

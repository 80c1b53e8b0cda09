"""The streams of an OLE container by their path, and those of one storage in it."""

from collections.abc import Iterator
from typing import Final, Protocol

import olefile

from policy.extraction.collected import Collected, File, Inner

MOST_STREAMS: Final = 20_000


class Tells(Protocol):
    """Reads a storage that is a document of its own."""

    def __call__(self, streams: "Streams", file: File, into: Collected, inner: Inner) -> None:
        """With its own fact."""
        ...


class Streams:
    """What lies in one storage, at any depth; names are relative to it, with `/` between."""

    def __init__(self, container: "olefile.OleFileIO", tells: Tells, prefix: str = "") -> None:
        self._container = container
        self._tells = tells
        self._prefix = prefix
        paths = container.listdir()
        self.is_whole = len(paths) <= MOST_STREAMS
        self._paths = {"/".join(path): path for path in paths[:MOST_STREAMS]}

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __contains__(self, name: str) -> bool:
        return name in self._paths

    def own(self) -> list[str]:
        """Names of the streams that lie here, and not deeper."""
        return [name for name in self._paths if "/" not in name]

    def folders(self) -> list[str]:
        """Names of the storages that lie here."""
        return list(dict.fromkeys(name.partition("/")[0] for name in self._paths if "/" in name))

    def within(self, folder: str) -> "Streams":
        """The streams of one storage."""
        start = f"{folder}/"
        inside = Streams.__new__(Streams)
        inside._container = self._container
        inside._tells = self._tells
        inside.is_whole = self.is_whole
        inside._prefix = f"{self._prefix}{start}"
        inside._paths = {name[len(start) :]: path for name, path in self._paths.items() if name.startswith(start)}
        return inside

    def head(self, name: str, most: int) -> bytes:
        """The first bytes of one stream."""
        return bytes(self._container.openstream(self._paths[name]).read(most))

    def read(self, name: str, into: Collected) -> bytes | None:
        """A whole stream; None when there is no room for it."""
        room = into.budget.room()
        path = self._paths[name]
        if self._container.get_size(path) > room:
            return None
        data = bytes(self._container.openstream(path).read())
        return data if into.budget.take_bytes(len(data)) else None

    def tell(self, file: File, into: Collected, inner: Inner) -> None:
        """Read this storage as a document."""
        self._tells(self, file, into, inner)

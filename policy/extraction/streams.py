"""The streams of an OLE container by their path, and those of one storage in it."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Final, Protocol

import olefile

from policy.extraction.collected import Collected, File, Inner

MOST_STREAMS: Final = 20_000


class Tells(Protocol):
    """Reads a storage that is a document of its own."""

    def __call__(self, streams: "Streams", file: File, into: Collected, inner: Inner) -> None:
        """With its own fact."""
        ...


class Container(olefile.OleFileIO):  # type: ignore[misc]  # olefile has no types
    """A container that remembers whether it contradicted itself, where olefile goes on."""

    def __init__(self, data: bytes) -> None:
        self.is_odd = False
        self._taken: set[int] = set()
        self._taken_minis: set[int] = set()
        self._followed: set[int] = set()
        super().__init__(BytesIO(data), raise_defects=olefile.DEFECT_FATAL)

    def _raise_defect(self, level: int, message: str, kind: type[Exception] = OSError) -> None:
        self.is_odd |= level >= olefile.DEFECT_INCORRECT
        super()._raise_defect(level, message, kind)

    def follow_own(self) -> None:
        """Look at the chains of the directory and of the stream that holds all small ones."""
        self.is_odd |= not list(self._chain(self.first_dir_sector))
        self._follow(self.root.isectStart, -(-self.root.size // self.sector_size), self.fat, self._taken)

    def _chain(self, sector: int) -> Iterator[int]:
        while sector < len(self.fat) and sector not in self._taken:
            self._taken.add(sector)
            yield sector
            sector = self.fat[sector]
        self.is_odd |= sector != olefile.ENDOFCHAIN

    def follow(self, path: list[str]) -> None:
        """Look whether a stream's chain of sectors ends where it should, and shares none with another's."""
        entry = self.direntries[self._find(path)]
        if entry.sid in self._followed:
            return
        self._followed.add(entry.sid)
        if entry.is_minifat:
            self._follow(entry.isectStart, -(-entry.size // self.mini_sector_size), self.minifat, self._taken_minis)
        else:
            self._follow(entry.isectStart, -(-entry.size // self.sector_size), self.fat, self._taken)

    def _follow(self, sector: int, count: int, table: Sequence[int], taken: set[int]) -> None:
        for _ in range(count):
            if sector in taken or sector >= len(table):
                self.is_odd = True
                return
            taken.add(sector)
            sector = table[sector]
        self.is_odd |= count > 0 and sector != olefile.ENDOFCHAIN


Tree = dict[str, "Tree | list[str]"]  # names to storages, or to the path of a stream


def _below(node: "Tree | list[str] | None", name: str) -> "Tree | list[str] | None":
    """What has this name in a storage; capital letters and small ones are the same ([MS-CFB] 2.6.4)."""
    if not isinstance(node, dict) or name in node:
        return node[name] if isinstance(node, dict) else None
    return next((below for known, below in node.items() if known.lower() == name.lower()), None)


class Streams:
    """What lies in one storage, at any depth; names are relative to it, with `/` between."""

    def __init__(self, container: "Container", tells: Tells, tree: Tree, *, is_whole: bool) -> None:
        self._container = container
        self._tells = tells
        self._tree = tree
        self.is_whole = is_whole

    @classmethod
    def of(cls, container: "Container", tells: Tells) -> "Streams":
        """All of a container; `tells` reads a storage within that is a document."""
        container.follow_own()
        paths = container.listdir()
        tree: Tree = {}
        for path in paths[:MOST_STREAMS]:
            node = tree
            for folder in path[:-1]:
                below = node.setdefault(folder, {})
                if not isinstance(below, dict):
                    break
                node = below
            else:
                node.setdefault(path[-1], path)
        return cls(container, tells, tree, is_whole=len(paths) <= MOST_STREAMS)

    def __iter__(self) -> Iterator[str]:
        waiting: list[tuple[str, Tree]] = [("", self._tree)]
        while waiting:
            start, tree = waiting.pop()
            for name, below in tree.items():
                if isinstance(below, dict):
                    waiting.append((f"{start}{name}/", below))
                else:
                    yield f"{start}{name}"

    def __contains__(self, name: str) -> bool:
        return self._path(name) is not None

    def _path(self, name: str) -> list[str] | None:
        node: Tree | list[str] | None = self._tree
        for part in name.split("/"):
            node = _below(node, part)
        return node if isinstance(node, list) else None

    def own(self) -> list[str]:
        """Names of the streams that lie here, and not deeper."""
        return [name for name, below in self._tree.items() if not isinstance(below, dict)]

    def folders(self) -> list[str]:
        """Names of the storages that lie here."""
        return [name for name, below in self._tree.items() if isinstance(below, dict)]

    def within(self, path: str) -> "Streams":
        """The streams of one storage, at any depth."""
        node: Tree | list[str] | None = self._tree
        for part in path.split("/"):
            node = _below(node, part)
        tree = node if isinstance(node, dict) else {}
        return Streams(self._container, self._tells, tree, is_whole=self.is_whole)

    def head(self, name: str, most: int) -> bytes:
        """The first bytes of one stream; none where there is no such stream."""
        path = self._path(name)
        return bytes(self._container.openstream(path).read(most)) if path else b""

    def read(self, name: str, into: Collected) -> bytes | None:
        """A whole stream; None when there is no room for it, or no such stream."""
        path = self._path(name)
        if path is None or self._container.get_size(path) > into.budget.room():
            return None
        data = bytes(self._container.openstream(path).read())
        self._container.follow(path)
        return data if into.budget.take_bytes(len(data)) else None

    def fault(self) -> str:
        """Why something in the container may not have been read; to be asked when all of it was."""
        if not self.is_whole:
            return "an OLE container with more streams than are read"
        return "an OLE container that contradicts itself" if self._container.is_odd else ""

    def tell(self, file: File, into: Collected, inner: Inner) -> None:
        """Read this storage as a document."""
        self._tells(self, file, into, inner)

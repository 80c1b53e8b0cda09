"""A zip written while it is read: nothing on disk, one piece of one document in memory.

`zipfile` writes to a sink that cannot seek: sizes and checksums follow each document (data descriptors), and ZIP64 is
used where a document needs it. Documents are stored, not deflated: most are packed already.
"""

import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portal.web.downloads import clean_name

_HUGE: Final = 2**31 - 2**20  # from here on the sizes need ZIP64


@dataclass(frozen=True, slots=True)
class Entry:
    """One document of the zip: `open` gives its pieces when its turn comes."""

    name: str
    size: int
    written_at: datetime
    open: Callable[[], Iterator[bytes]]


class _Sink(io.RawIOBase):
    """Keeps what was written until it is taken."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[no-untyped-def]  # any buffer, as RawIOBase has it
        self._kept += data
        return len(data)

    def take(self) -> bytes:
        taken = bytes(self._kept)
        self._kept.clear()
        return taken


def unique_names(names: Sequence[str]) -> list[str]:
    """Cleaned names, told apart as people do it, `report (2).pdf`, also where only the case differs."""
    taken: set[str] = set()
    reached: dict[str, int] = {}  # by name: a thousand documents may have one
    unique: list[str] = []
    for name in names:
        clean = clean_name(name)
        stem, dot, ending = clean.rpartition(".")
        number, candidate = reached.get(clean.casefold(), 1), clean
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{stem} ({number}).{ending}" if dot and stem else f"{clean} ({number})"
        reached[clean.casefold()] = number
        taken.add(candidate.casefold())
        unique.append(candidate)
    return unique


def zipped(entries: Sequence[Entry]) -> Iterator[bytes]:
    """The bytes of the zip; names must be unique (`unique_names`). Blocks on the documents: drive it in a thread."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for entry in entries:
            moment = entry.written_at.timetuple()[:6]
            info = zipfile.ZipInfo(entry.name, date_time=max(moment, (1980, 1, 1, 0, 0, 0)))
            info.external_attr = 0o600 << 16
            pieces = entry.open()
            with archive.open(info, "w", force_zip64=entry.size >= _HUGE) as out:
                for piece in pieces:
                    out.write(piece)
                    yield sink.take()
            yield sink.take()
    with closing(sink):
        yield sink.take()

"""Reads a document that comes again only once: the terms with every invoice, a brochure, a contract under way."""

import asyncio
import pickle
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from keys.remembered import Name, Remembered
from policy.extraction.collected import File
from policy.extraction.extract import Outcome

_ROOM: Final = 16 << 20  # bytes
_MOST_MARKS: Final = 10_000  # of all parts: to keep more would keep other threads waiting


class KnownFiles:
    """What was read of files, sealed by a key that only the file gives. For the tasks of one event loop.

    What was opened with a password is not kept, for the next mail may not have it; nor what could not be read, for that
    may have been for want of time.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._kept = Remembered(room)
        self._reading: dict[bytes, asyncio.Event] = {}

    async def read(self, file: File, read: Callable[[], Awaitable[Outcome]], *, pictures: bool) -> Outcome:
        """What `read` gives for this file, now or before; `pictures`: whether it gives those in it, too.

        Raises what `read` raises. While one task reads a file, others wait that bring the same.
        """
        name = await asyncio.to_thread(self._kept.name, _pieces(file, pictures))
        mine = asyncio.Event()
        first = self._reading.setdefault(name.place, mine)
        if first is not mine:
            await first.wait()
        try:
            known = await asyncio.to_thread(self._known, name)
            if known is None:
                known = await read()
                if _may_keep(known):
                    await asyncio.to_thread(self._keep, name, known)
            return known
        finally:
            if first is mine:
                del self._reading[name.place]
                mine.set()

    def _known(self, name: Name) -> Outcome | None:
        kept = self._kept.get(name)
        if kept is None:
            return None
        outcome: Outcome = pickle.loads(kept)  # noqa: S301 - ours: its seal was checked
        return outcome

    def _keep(self, name: Name, outcome: Outcome) -> None:
        self._kept.put(name, pickle.dumps(outcome, pickle.HIGHEST_PROTOCOL))


def _pieces(file: File, pictures: bool) -> Iterator[bytes]:
    told = (file.name, file.place, file.depth, file.media_type, file.charset, file.flowed, file.delsp, file.is_body)
    yield repr((told, pictures)).encode("utf-8", "surrogatepass")
    yield file.data


def _may_keep(outcome: Outcome) -> bool:
    if any(fact.encrypted or fact.unreadable for fact in outcome.content.files):
        return False
    return sum(len(part.marks) for part in outcome.content.parts) <= _MOST_MARKS

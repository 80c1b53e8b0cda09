"""Remembers what was read of documents, so that one that comes with many mails (terms of business, a brochure, a
contract under way) is read only once.
"""

import asyncio
import pickle
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from structlog import get_logger

from keys.remembered import Name, Remembered
from policy.extraction.collected import File
from policy.extraction.extract import Outcome

log = get_logger(__name__)

_ROOM: Final = 16 << 20  # bytes
_SECONDS: Final = 3600.0  # that a result counts: a child that a file took over may have given it
_SMALL: Final = 1 << 18  # bytes of a file, or of a result, with which the event loop deals itself
_WEIGHT: Final = 100  # bytes for each part, fact, picture and mark


class KnownFiles:
    """What was read of files, sealed by a key that only the file gives. For the tasks of one event loop.

    What depends on passwords is not kept, for the next mail may have others; nor what could not be read, for that may
    have been for want of time. What is kept counts for an hour.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._kept = Remembered(room, _SECONDS)
        self._reading: dict[bytes, asyncio.Event] = {}

    async def read(self, file: File, read: Callable[[], Awaitable[Outcome]], *, pictures: bool) -> Outcome:
        """What `read` gives for this file, now or before; `pictures`: whether it gives those in it, too.

        Raises what `read` raises. While one task reads a file, others wait that bring the same.
        """
        is_small = len(file.data) <= _SMALL
        pieces = _pieces(file, pictures)
        name = self._kept.name(pieces) if is_small else await asyncio.to_thread(self._kept.name, pieces)
        mine = asyncio.Event()
        first = self._reading.setdefault(name.place, mine)
        if first is not mine:
            await first.wait()
        try:
            known = self._known(name) if is_small else await asyncio.to_thread(self._known, name)
            if known is None:
                known = await read()
                weight = _weight(known)
                if _may_keep(known) and weight <= self._kept.largest:
                    if weight <= _SMALL:
                        self._keep(name, known)
                    else:
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
        try:
            self._kept.put(name, pickle.dumps(outcome, pickle.HIGHEST_PROTOCOL))
        except Exception as error:  # noqa: BLE001 - the file was read, and its message goes on
            log.warning("known_files.not_kept", error=type(error).__name__)


def _pieces(file: File, pictures: bool) -> Iterator[bytes]:
    told = (file.name, file.place, file.depth, file.media_type, file.charset, file.flowed, file.delsp, file.is_body)
    yield repr((told, pictures)).encode("utf-8", "surrogatepass")
    yield file.data


def _may_keep(outcome: Outcome) -> bool:
    return not outcome.met_a_lock and not any(fact.unreadable for fact in outcome.content.files)


def _weight(outcome: Outcome) -> int:
    """About how long it is, written down."""
    content = outcome.content
    things = len(content.parts) + len(content.files) + len(outcome.pictures)
    texts = sum(len(part.text) + _WEIGHT * len(part.marks) for part in content.parts)
    return texts + _WEIGHT * things + sum(len(picture.data) for picture in outcome.pictures)

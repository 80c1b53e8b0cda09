"""Remembers what was found in texts, so that one that comes with many mails (the attachment of a hundred letters, a
newsletter) is searched only once or twice.

Mail that does not repeat pays nothing for it: the digest of a text is taken only if one that looks like it, of the same
length and with the same characters in a few places, has come before.
"""

import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Lock
from typing import Final

from structlog import get_logger

from keys.remembered import Name, Remembered
from rules.content import Part
from rules.places import counts_lines
from rules.repeats import Searched

log = get_logger(__name__)

_ROOM: Final = 4 << 20  # bytes
_MOST_NOTED: Final = 4096  # looks of texts, and texts whose results are not kept
_MOST_MARKS: Final = 4096  # of a part: to tell apart sheets with more takes too long
_MOST_HITS: Final = 2000  # of a text: to write down more takes too long
_PIECE: Final = 64  # characters of a look
_SOME: Final = 1 << 20  # characters that are turned into bytes at a time, so that other threads have their turn


class SealedRepeats:
    """As `rules.repeats.Repeats`: results sealed by a key that only the text gives."""

    def __init__(self, room: int = _ROOM) -> None:
        self._kept = Remembered(room)
        self._looks: OrderedDict[object, None] = OrderedDict()
        self._not_kept: OrderedDict[object, None] = OrderedDict()
        self._searching: dict[bytes, Event] = {}
        self._lock = Lock()

    def searched(self, part: Part, left: int, search: Callable[[], Searched]) -> Searched:
        """As `Repeats`. If another thread is searching the same text, it is waited for."""
        if not part.place or len(part.marks) > _MOST_MARKS or not self._looks_known(part.text):
            return search()
        name = self._kept.name(_pieces(part))
        if name.place in self._not_kept:
            return search()
        with self._turn(name.place):
            kept = self._kept.get(name)
            known: Searched | None = pickle.loads(kept) if kept is not None else None  # noqa: S301 - ours: sealed
            if known is not None and known.steps < left:
                return _placed(known, "", part.place)
            searched = search()
            if known is None:
                self._keep(name, searched, part.place)
            return searched

    def _keep(self, name: Name, searched: Searched, place: str) -> None:
        fits = searched.whole and sum(len(hits) for each in searched.found for hits in each.values()) <= _MOST_HITS
        try:
            kept = pickle.dumps(_placed(searched, place, ""), pickle.HIGHEST_PROTOCOL) if fits else b""
            fits = fits and len(kept) <= self._kept.largest
            if fits:
                self._kept.put(name, kept)
        except Exception as error:  # noqa: BLE001 - the text was searched, and its message goes on
            log.warning("repeats.not_kept", error=type(error).__name__)
        if not fits:
            with self._lock:
                _note(self._not_kept, name.place)

    def _looks_known(self, text: str) -> bool:
        """Whether a text that looks like this one was here before; noted either way."""
        size = len(text)
        look = hash((size, *(text[place : place + _PIECE] for place in (0, size // 3, size // 2, size - _PIECE))))
        with self._lock:
            return _note(self._looks, look)

    @contextmanager
    def _turn(self, place: bytes) -> Iterator[None]:
        """The first to search a text keeps the others waiting: to search it at once in two threads takes longer."""
        mine = Event()
        with self._lock:
            first = self._searching.setdefault(place, mine)
        if first is not mine:
            first.wait()
        try:
            yield
        finally:
            if first is mine:
                with self._lock:
                    del self._searching[place]
                mine.set()


def _note(noted: OrderedDict[object, None], one: object) -> bool:
    """Make it the newest of those noted; returns whether it was there."""
    known = one in noted
    noted[one] = None
    noted.move_to_end(one)
    if len(noted) > _MOST_NOTED:
        noted.popitem(last=False)
    return known


def _pieces(part: Part) -> Iterator[bytes]:
    yield repr((counts_lines(part), part.marks)).encode("utf-8", "surrogatepass")
    for start in range(0, len(part.text), _SOME):
        yield part.text[start : start + _SOME].encode("utf-8", "surrogatepass")


def _placed(searched: Searched, old: str, new: str) -> Searched:
    """With hits that stand in the part `new` in place of `old`."""
    moved = tuple(
        {
            detector: [replace(hit, place=new + hit.place.removeprefix(old)) for hit in hits]
            for detector, hits in reading.items()
        }
        for reading in searched.found
    )
    return replace(searched, found=moved)

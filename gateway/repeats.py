"""Searches a text that comes again and again only once or twice: the attachment of a hundred letters, a newsletter.

Mail that does not repeat pays nothing for it. The digest of a text is made only once one that looks like it was there:
of the same length, with the same characters in a few places.
"""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event, Lock
from typing import Final

from keys.remembered import Remembered
from rules.content import Part
from rules.places import counts_lines
from rules.repeats import Searched

_ROOM: Final = 4 << 20  # bytes
_MOST_LOOKS: Final = 4096
_MOST_MARKS: Final = 4096  # of a part: to tell apart sheets with more takes too long
_PIECE: Final = 64  # characters of a look
_SOME: Final = 1 << 20  # characters that are turned into bytes at a time, so that other threads have their turn


class SealedRepeats:
    """As `rules.repeats.Repeats`: results sealed by a key that only the text gives."""

    def __init__(self, room: int = _ROOM) -> None:
        self._kept = Remembered(room)
        self._looks: dict[int, None] = {}
        self._searching: dict[bytes, Event] = {}
        self._lock = Lock()

    def searched(self, part: Part, search: Callable[[], Searched]) -> Searched:
        """As `Repeats`. If another thread is searching the same text, it is waited for."""
        if not part.place or len(part.marks) > _MOST_MARKS or not self._looks_known(part.text):
            return search()
        name = self._kept.name(_pieces(part))
        with self._turn(name.place):
            kept = self._kept.get(name)
            if kept is not None:
                return _placed(pickle.loads(kept), "", part.place)  # noqa: S301 - ours: its seal was checked
            searched = search()
            if searched.whole:
                self._kept.put(name, pickle.dumps(_placed(searched, part.place, ""), pickle.HIGHEST_PROTOCOL))
            return searched

    def _looks_known(self, text: str) -> bool:
        """Whether a text that looks like this one was here before; noted either way."""
        size = len(text)
        look = hash((size, *(text[place : place + _PIECE] for place in (0, size // 3, size // 2, size - _PIECE))))
        with self._lock:
            known = look in self._looks
            self._looks.pop(look, None)
            self._looks[look] = None
            if len(self._looks) > _MOST_LOOKS:
                del self._looks[next(iter(self._looks))]
        return known

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

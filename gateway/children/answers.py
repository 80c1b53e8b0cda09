"""Checks what a child answers about a file, piece by piece: the file may have taken the child over."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from policy.extraction.collected import MOST_PICTURES, PICTURE_BYTES, Picture
from policy.extraction.extract import Outcome
from rules.content import Content, FileFact, FileKind, Part


class ChildAnswerInvalid(Exception):
    """What came from a child is no answer that ours would give."""


@dataclass(slots=True)
class ChildAnswer:
    """One answer, put together from its pieces."""

    _parts: list[Part] = field(default_factory=list, repr=False)
    _files: list[FileFact] = field(default_factory=list, repr=False)
    _pictures: list[Picture] = field(default_factory=list, repr=False)
    _picture_bytes: int = 0
    _met_a_lock: bool = False

    def add(self, about: bytes | bytearray, texts: bytes | bytearray) -> None:
        """One piece: what it says, and the bytes it speaks of, in their order. Raises ChildAnswerInvalid."""
        try:
            said: dict[str, Any] = json.loads(about)
            view = memoryview(texts)
            at = 0
            for place, size, marks in said.get("parts", ()):
                text = str(_slice(view, at, size), "utf-8")
                at += size
                self._parts.append(Part(_str(place), text, _marks(marks, 0)))
            if "marks" in said:
                last = self._parts[-1]
                more = _marks(said["marks"], last.marks[-1][0] if last.marks else 0)
                self._parts[-1] = replace(last, marks=last.marks + more)
            self._met_a_lock |= bool(said.get("met_a_lock"))
            self._files += (_fact(fact) for fact in said.get("files", ()))
            for name, place, depth, size in said.get("pictures", ()):
                self._pictures.append(Picture(_str(name), bytes(_slice(view, at, size)), _str(place), int(depth)))
                self._picture_bytes += size
                at += size
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError) as cause:
            raise ChildAnswerInvalid("not what a child says") from cause
        if at != len(view) or len(self._pictures) > MOST_PICTURES or self._picture_bytes > PICTURE_BYTES:
            raise ChildAnswerInvalid("more than was asked for")

    def outcome(self) -> Outcome:
        """The whole answer, as what was read of the file."""
        return Outcome(Content(tuple(self._parts), tuple(self._files)), tuple(self._pictures), self._met_a_lock)


def _slice(view: memoryview, at: int, size: object) -> memoryview:
    if not isinstance(size, int) or not 0 <= size <= len(view) - at:
        raise ValueError("a size that is none")
    return view[at : at + size]


def _fact(said: Sequence[Any]) -> FileFact:
    name, kind, size, place, depth, locked, lost, reason = said
    return FileFact(
        _str(name), FileKind(kind), int(size), _str(place), int(depth), bool(locked), bool(lost), _str(reason)
    )


def _marks(said: Sequence[Sequence[Any]], before: int) -> tuple[tuple[int, str], ...]:
    """Checked marks of a text; they have to rise, as `Part` promises."""
    marks: list[tuple[int, str]] = []
    for offset, mark in said:
        if not isinstance(offset, int) or offset < before:
            raise ValueError("marks in disorder")
        before = offset
        marks.append((offset, _str(mark)))
    return tuple(marks)


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value

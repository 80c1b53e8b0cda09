"""Texts shown below each other: a number may begin in one and end in the next."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from rules.content import Part

_AROUND: Final = 200  # characters of either side, so that words near are still near
_BEGUN: Final = re.compile(r"[0-9][ \t]?[-\u2010\u2011\u2013./]\s*\Z")
_GOES_ON: Final = re.compile(r"\s*[0-9]")
_ENDED: Final = re.compile(r"[0-9]\s*\Z")
_SEPARATED: Final = re.compile(r"\s*[-\u2010\u2011\u2013./][ \t]?[0-9]")


def joined_texts(parts: Iterable[Part]) -> Iterator[Part]:
    """The end of a text and the beginning of the next, where a number with separators goes over."""
    before: Part | None = None
    for part in parts:
        if before is not None:
            end, start = before.text[-_AROUND:], part.text[:_AROUND]
            if (_BEGUN.search(end) and _GOES_ON.match(start)) or (_ENDED.search(end) and _SEPARATED.match(start)):
                joined = Part(before.place, end.rstrip() + start.lstrip())
                yield joined
                before = joined if len(part.text) <= _AROUND else part  # which may go on in the next
                continue
        before = part

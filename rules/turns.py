"""Regular expressions over megabytes, some of them at a time, so that no other thread waits long for its turn."""

import re
from collections.abc import Callable, Iterator
from typing import Final

_SOME: Final = 1 << 17  # characters looked through by one call
_WIDEST: Final = 1 << 14  # of a match


def found_in_turns(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """`pattern.finditer(text)`, for a pattern whose matches are not wider than 16 KB, with what it asks for behind."""
    done = 0
    for start in range(0, len(text), _SOME):
        stop = start + _SOME
        for match in pattern.finditer(text, max(start, done), stop + _WIDEST):
            if match.start() >= stop:
                break
            yield match
            done = match.end()


def replaced_in_turns(pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], text: str) -> str:
    """`pattern.sub(by, text)`, for such a pattern."""
    if len(text) <= _SOME:
        return pattern.sub(by, text)
    kept: list[str] = []
    done = 0
    for match in found_in_turns(pattern, text):
        kept += text[done : match.start()], by(match)
        done = match.end()
    return "".join((*kept, text[done:]))

"""Regular expressions over megabytes, some of them at a time, so that no other thread waits long for its turn."""

import re
from collections.abc import Callable, Iterator
from typing import Final

_PER_CALL: Final = 1 << 17  # characters looked through by one call
_WIDEST_MATCH: Final = 1 << 14  # characters


def finditer_in_turns(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """`pattern.finditer(text)` in several calls. No match, with what a lookahead reads, may be wider than 16 KB."""
    done = 0
    for start in range(0, len(text), _PER_CALL):
        stop = start + _PER_CALL
        for match in pattern.finditer(text, max(start, done), stop + _WIDEST_MATCH):
            if match.start() >= stop:
                break
            yield match
            done = match.end()


def sub_in_turns(pattern: re.Pattern[str], by: Callable[[re.Match[str]], str], text: str) -> str:
    """`pattern.sub(by, text)` in several calls, within the same limit."""
    if len(text) <= _PER_CALL:
        return pattern.sub(by, text)
    kept: list[str] = []
    done = 0
    for match in finditer_in_turns(pattern, text):
        kept += text[done : match.start()], by(match)
        done = match.end()
    return "".join((*kept, text[done:]))

"""Which patterns are compiled together: those that begin alike.

The engine leaps over what no pattern can begin with. Patterns that hold a word cost next to nothing, since it leaps
from word to word; those that begin with a digit let it leap over letters; those that begin with capitals over all else.
In one database with the others each of them keeps it from leaping, and costs several times as much. Where a lane is
wrong about a pattern, that costs time and nothing else.
"""

import re
from enum import Enum
from functools import lru_cache
from typing import Final

_FOLDS: Final = "(?i)"
_MOST_KNOWN: Final = 4096  # patterns, which several passes ask about
_NO_WORD: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|\{[^}]*\}|\(\?(?:P?<\w+>|[imsU-]*[:)])")
_WORD: Final = re.compile(r"[A-Za-z0-9:$_/-]{2}")
_LEAD: Final = re.compile(r"(?:\\b|\(\?[imsU-]+\)|\((?:\?(?:P?<\w+>|:))?)*")
_CLASS: Final = re.compile(r"\[(?!\^)(?:\\.|[^\]\\])+\]")


class Lane(Enum):
    """How the matches of a pattern begin."""

    WORDS = "words"  # or wherever: it holds a word that leads to it
    NUMBERS = "numbers"
    CAPITALS = "capitals"
    OTHERS = "others"


@lru_cache(_MOST_KNOWN)
def lane_of(regex: str) -> Lane:
    """The lane of a pattern that RE2 takes."""
    if _WORD.search(_NO_WORD.sub(" ", regex)):
        return Lane.WORDS
    lead = _LEAD.match(regex)
    rest = regex[lead.end() :] if lead else regex
    if rest.startswith("\\d"):
        return Lane.NUMBERS
    members = _CLASS.match(rest)
    plain = re.sub(r"\\.", "", members[0]) if members else ""
    if re.fullmatch(r"\[[0-9-]+\]", plain):
        return Lane.NUMBERS
    lower = _FOLDS in regex or re.search("[a-z]", plain)
    return Lane.OTHERS if lower or re.search("[0-9]", plain) or not re.search("[A-Z]", plain) else Lane.CAPITALS

"""Sorts patterns into lanes: those that begin alike are compiled into one database.

The engine skips whatever no pattern of a database can begin with. Patterns that hold a word cost next to nothing, since
it skips from word to word; those that begin with a digit let it skip letters; those that begin with capitals, all else.
In one database each kind would keep the engine from skipping what the others could skip, and cost several times as
much. If a pattern is put into the wrong lane, that costs time and nothing else.
"""

import re
from enum import Enum
from functools import lru_cache
from typing import Final

_ANY_CASE: Final = "(?i)"
_MOST_KNOWN: Final = 4096  # patterns, which several passes ask about
_NOT_LITERAL: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|\{[^}]*\}|\(\?(?:P?<\w+>|[imsU-]*[:)])")
_WORD: Final = re.compile(r"[A-Za-z0-9:$_/-]{2}")
_TOKEN: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|\{[^}]*\}|\(\?(?:P?<\w+>|[imsU-]*[:)])|.", re.S)
_ESCAPED: Final = re.compile(r"\\.|\(\?(?:P?<\w+>|[imsU-]*[:)])")
_WITHOUT_WIDTH: Final = re.compile(r"(?:\\b|\(\?[imsU-]+\)|\((?:\?(?:P?<\w+>|:))?)*")
_CLASS: Final = re.compile(r"\[(?!\^)(?:\\.|[^\]\\])+\]")
_REPEATED_PAIR: Final = re.compile(r"\\b(\[[^\]\\^]+\])(\[[^\]\\^]+\])(?=\1\2)")
_WORD_BEGINS: Final = r"(?:\b|_)"


class Lane(Enum):
    """What kind of text a pattern's matches begin with, by which the engine can skip the rest."""

    WORDS = "words"  # or wherever: it holds a word that leads to it
    NUMBERS = "numbers"
    CAPITALS = "capitals"  # or signs, or wherever: it holds two signs that stand side by side
    OTHERS = "others"


@lru_cache(_MOST_KNOWN)
def lane_of(regex: str) -> Lane:
    """The lane of a pattern that RE2 takes."""
    if _WORD.search(_NOT_LITERAL.sub(" ", regex)):
        return Lane.WORDS
    if _ANY_CASE in regex:
        return Lane.OTHERS  # also where a digit comes first: the letters behind it keep the engine from leaping
    lead = _WITHOUT_WIDTH.match(regex)
    rest = regex[lead.end() :] if lead else regex
    if rest.startswith("\\d"):
        return Lane.NUMBERS
    members = _CLASS.match(rest)
    if members is None:
        return Lane.OTHERS if re.match(r"[a-z.\[^]|\\\w", rest) else Lane.CAPITALS
    plain = re.sub(r"\\.", "", members[0])
    if re.fullmatch(r"\[[0-9-]+\]", plain):
        return Lane.NUMBERS
    small = re.search("[a-z]", _ESCAPED.sub("", regex) if re.search("[0-9]", plain) else plain)
    return Lane.OTHERS if small and not _holds_pair(regex) else Lane.CAPITALS


def _holds_pair(regex: str) -> bool:
    """Whether two literal characters stand side by side in the pattern."""
    before = False
    for token in _TOKEN.findall(regex):
        sign = token[1] if token[0] == "\\" else token
        stands = len(sign) == 1 and (not sign.isalnum() if token[0] == "\\" else sign not in "()|^$.?*+")
        if stands and before:
            return True
        before = stands
    return False


def lean(regex: str) -> str:
    """A cheaper pattern for the engine: it matches wherever `regex` does, and may match elsewhere too.

    Of a letter and a sign that stand twice at the beginning, only the second pair is searched for: remembering two of
    them costs the engine twice as long for each letter of a text, and single letters between signs are rare.
    """
    twice = _REPEATED_PAIR.match(regex)
    if twice is None or not (_all_of(twice[1], r"[0-9A-Za-z]") and _all_of(twice[2], r"[^0-9A-Za-z\x80-\uffff]")):
        return regex
    return _WORD_BEGINS + regex[twice.end() :]


def _all_of(members: str, kind: str) -> bool:
    among = re.compile(members)
    return members.isascii() and all(re.match(kind, chr(code)) for code in range(128) if among.match(chr(code)))

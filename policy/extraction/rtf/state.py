"""What holds within a group of RTF, and the words that change it ([MS-RTF] 1.9.1)."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from policy.extraction.rtf.words import LOOKS
from policy.extraction.text.pieces import DELETED, FAINT, FIELD, HIDDEN, INSERTED

_TINY: Final = 4  # half-points
_MOST_LOOKS: Final = 12


@dataclass(frozen=True, slots=True)
class State:
    """What holds within a group. `into`: text, beside, silent, fonts, object, picture, label, choice."""

    into: str = "text"
    place: str = ""
    flags: int = 0
    look: str = ""
    skips: int = 1  # bytes that stand in for one \\u
    font: int = -1
    starred: bool = False
    fresh: bool = True  # nothing but its name was in the group yet
    list: int = 0  # that the paragraph is an item of
    level: int = 0  # in it
    pair: bool = False  # its first group is for readers of old, its second, of Unicode, is what others show (upr)


Change = Callable[[State, int | None], State]


def looked(state: State, name: str, value: int | None) -> State:
    """With another look, for which nothing is the usual one."""
    parts = [part for part in state.look.split("|") if part and not part.startswith(f"{name}=")]
    look = "|".join(sorted([*parts, f"{name}={value}"][:_MOST_LOOKS])) if value != 0 else "|".join(parts)
    return replace(state, look=look)


def flagged(state: State, flag: int, *, on: bool) -> State:
    """With a flag, or without it."""
    return replace(state, flags=state.flags | flag if on else state.flags & ~flag)


def _flags(flag: int) -> Change:
    return lambda state, value: flagged(state, flag, on=value != 0)


def _looks(name: str) -> Change:
    return lambda state, value: looked(state, name, value)


def _size(state: State, value: int | None) -> State:
    return looked(flagged(state, FAINT, on=value is not None and 0 < value <= _TINY), "fs", value)


def whole(number: bytes | None) -> int:
    """A number of any length, of which only so many digits count."""
    digits = (number or b"").lstrip(b"-").lstrip(b"0")[:12]
    return int(digits or 0) * (-1 if number and number.startswith(b"-") else 1)


CHANGES: Final[dict[bytes, Change]] = {
    b"uc": lambda state, value: replace(state, skips=1 if value is None else value),
    b"v": _flags(HIDDEN),
    b"webhidden": _flags(HIDDEN),
    b"deleted": _flags(DELETED),
    b"mvf": _flags(DELETED),
    b"revised": _flags(INSERTED),
    b"mvt": _flags(INSERTED),
    b"ls": lambda state, value: replace(state, list=value or 0),
    b"ilvl": lambda state, value: replace(state, level=value or 0),
    b"pard": lambda state, _: replace(state, list=0, level=0),
    b"fs": _size,
    b"plain": lambda state, _: replace(state, flags=state.flags & FIELD, look=""),
    **{word.encode(): _looks(word) for word in LOOKS},
}

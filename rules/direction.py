"""Lines as they are displayed where characters change the direction of writing (Unicode Standard Annex 9).

A number can be stored backwards and displayed forwards. The plain reading has the order in which a text is stored; this
gives the order in which it is seen. Only lines that hold a control of direction are turned.
"""

import re
import unicodedata
from typing import Final

CONTROLS: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_LONGEST: Final = 4096  # characters of a line that is turned
_DEEPEST: Final = 60  # levels of embedding
_OPENS: Final = {  # whether it makes what follows right to left, and what it makes of every character
    "\u202a": (False, ""),
    "\u202b": (True, ""),
    "\u202d": (False, "L"),
    "\u202e": (True, "R"),
    "\u2066": (False, ""),
    "\u2067": (True, ""),
    "\u2068": (None, ""),
}
_CLOSES: Final = ("\u202c", "\u2069")
_STRONG: Final = ("L", "R", "AL")
_NEUTRAL: Final = ("B", "S", "WS", "ON", "BN")


def displayed(text: str) -> str:
    """The text with its lines as displayed, without the controls."""
    return "\n".join(_line(line) if CONTROLS.search(line) else line for line in text.splitlines())


def _line(line: str) -> str:
    if len(line) > _LONGEST:
        return line
    base = _base(line)
    chars, levels, kinds = _embedded(line, base)
    start = 0
    while start < len(chars):
        stop = start
        while stop < len(chars) and levels[stop] == levels[start]:
            stop += 1
        before = max(levels[start], levels[start - 1] if start else base)
        behind = max(levels[start], levels[stop] if stop < len(chars) else base)
        _resolve(kinds, levels, slice(start, stop), ("RL"[before % 2 == 0], "RL"[behind % 2 == 0]))
        start = stop
    return _reordered(chars, levels)


def _base(text: str) -> int:
    """Rule P2: the first strong character says."""
    kinds = (unicodedata.bidirectional(char) for char in text)
    return int(next((kind for kind in kinds if kind in _STRONG), "L") != "L")


def _embedded(line: str, base: int) -> tuple[list[str], list[int], list[str]]:
    """Rules X1 to X9: each character with its level and kind; the controls are gone."""
    stack: list[tuple[int, str]] = [(base, "")]
    chars: list[str] = []
    levels: list[int] = []
    kinds: list[str] = []
    for place, char in enumerate(line):
        level, override = stack[-1]
        if char in _OPENS:
            right, forced = _OPENS[char]
            if right is None:
                right = bool(_base(line[place + 1 :]))
            fresh = level + 1 if (level % 2 == 0) == right else level + 2
            if len(stack) < _DEEPEST:
                stack.append((fresh, forced))
        elif char in _CLOSES:
            if len(stack) > 1:
                stack.pop()
        else:
            kind = override or unicodedata.bidirectional(char)
            if not CONTROLS.match(char):
                chars.append(char)
            elif kind in _STRONG:
                chars.append("")  # a mark of direction shows nothing, but counts
            else:
                continue
            levels.append(level)
            kinds.append(kind)
    return chars, levels, kinds


def _resolve(kinds: list[str], levels: list[int], place_of: slice, sides: tuple[str, str]) -> None:
    """Rules W1 to W7, N1, N2, I1 and I2 for a run of one level; `sides` are the directions before and behind it."""
    run, start = kinds[place_of], place_of.start
    before, behind = sides
    _weak(run, before)
    place = 0
    while place < len(run):
        if run[place] not in _NEUTRAL:
            place += 1
            continue
        end = place
        while end < len(run) and run[end] in _NEUTRAL:
            end += 1
        left = _side(run[place - 1]) if place else before
        right = _side(run[end]) if end < len(run) else behind
        own = "RL"[levels[start] % 2 == 0]
        run[place:end] = [left if left == right else own] * (end - place)
        place = end
    for offset, kind in enumerate(run):
        level = levels[start + offset]
        if level % 2 == 0:
            levels[start + offset] += {"R": 1, "AN": 2, "EN": 2}.get(kind, 0)
        else:
            levels[start + offset] += kind in ("L", "EN", "AN")


def _weak(run: list[str], before: str) -> None:
    """Rules W1 to W7."""
    strong = last = before
    for place, kind in enumerate(run):
        if kind == "NSM":
            run[place] = last
        elif kind == "EN" and strong == "AL":
            run[place] = "AN"
        if kind in _STRONG:
            strong = kind
        last = run[place]
    run[:] = ["R" if kind == "AL" else kind for kind in run]
    for place in range(1, len(run) - 1):
        left, right = run[place - 1], run[place + 1]
        if left == right and ((run[place] == "ES" and left == "EN") or (run[place] == "CS" and left in ("EN", "AN"))):
            run[place] = left
    for order in (range(len(run)), reversed(range(len(run)))):
        near = False
        for place in order:
            if run[place] == "ET" and near:
                run[place] = "EN"
            near = run[place] == "EN" or (near and run[place] == "ET")
    run[:] = ["ON" if kind in ("ES", "ET", "CS") else kind for kind in run]
    strong = before
    for place, kind in enumerate(run):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            run[place] = "L"


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"


def _reordered(chars: list[str], levels: list[int]) -> str:
    """Rule L2: from the highest level down, what stands at it or above is turned."""
    order = list(range(len(chars)))
    odd = [level for level in levels if level % 2]
    for level in range(max(levels, default=0), min(odd, default=1) - 1, -1):
        place = 0
        while place < len(order):
            end = place
            while end < len(order) and levels[order[end]] >= level:
                end += 1
            order[place:end] = reversed(order[place:end])
            place = max(end, place + 1)
    return "".join(chars[place] for place in order)

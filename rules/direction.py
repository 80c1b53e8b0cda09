"""Lines as they are displayed where characters change the direction of writing (Unicode Standard Annex 9).

A number can be stored backwards and displayed forwards. The plain reading has the order in which a text is stored; this
gives the order in which it is seen. Only lines that hold a control of direction are turned. Brackets are taken as any
other signs (rule N0 is left out): no number has one inside.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Final

CONTROLS: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_LONGEST: Final = 4096  # characters of a line that is turned
_DEEPEST: Final = 125  # levels (BD2)
_EMBEDS: Final = {"LRE": (0, ""), "RLE": (1, ""), "LRO": (0, "L"), "RLO": (1, "R")}  # oddness; what it makes of all
_ISOLATES: Final = frozenset({"LRI", "RLI", "FSI"})
_REMOVED: Final = frozenset({*_EMBEDS, "PDF", "BN"})  # X9
_STRONG: Final = frozenset({"L", "R", "AL"})
_NEUTRAL: Final = frozenset({"B", "S", "WS", "ON", "PDI", *_ISOLATES})
_BLANK: Final = frozenset({"WS", "PDI", *_ISOLATES, *_REMOVED})  # L1


def displayed(text: str) -> str:
    """The text with its lines as displayed, without the controls."""
    return "\n".join(_line(line) if CONTROLS.search(line) else line for line in text.splitlines())


def _line(line: str) -> str:
    if len(line) > _LONGEST:
        return line
    classes = [unicodedata.bidirectional(char) or "L" for char in line]
    ends = _ends(classes)
    strong_from = _first_strong(classes, ends)
    base = strong_from[0]
    resolved, levels = _embedding_levels(classes, base, strong_from)
    for places, before, behind in list(_isolating_runs(classes, levels, base, ends)):
        _resolve_sequence(places, resolved, levels, _direction_of(before), _direction_of(behind))
    _level_blanks(classes, levels, base)
    seen = [place for place, kind in enumerate(classes) if kind not in _REMOVED]
    return "".join(line[place] for place in _reordered(seen, levels) if not CONTROLS.match(line[place]))


def _direction_of(level: int) -> str:
    return "R" if level % 2 else "L"


def _ends(classes: list[str]) -> dict[int, int]:
    """Where each isolate ends, by where it begins (BD9); nothing for those that go on to the end of the line."""
    ends, begun = {}, []
    for place, kind in enumerate(classes):
        if kind in _ISOLATES:
            begun.append(place)
        elif kind == "PDI" and begun:
            ends[begun.pop()] = place
    return ends


def _first_strong(classes: list[str], ends: dict[int, int]) -> list[int]:
    """Rules P2, P3 and X5c: the direction of the first strong character from each place on, within its isolate.

    1: right to left, 0: left to right. Isolates that begin behind the place are passed over.
    """
    strong_from = [0] * (len(classes) + 1)
    closing = set(ends.values())
    for place in reversed(range(len(classes))):
        kind = classes[place]
        if kind in _STRONG:
            strong_from[place] = int(kind != "L")
        elif kind in _ISOLATES:
            strong_from[place] = strong_from[ends[place] + 1] if place in ends else 0
        elif place not in closing:
            strong_from[place] = strong_from[place + 1]
    return strong_from


def _embedding_levels(classes: list[str], base: int, strong_from: list[int]) -> tuple[list[str], list[int]]:
    """Rules X1 to X8: each character's class, as overrides leave it, and its embedding level."""
    resolved, levels = list(classes), []
    stack: list[tuple[int, str, bool]] = [(base, "", False)]  # level, override, whether an isolate began it
    isolates = too_deep = isolates_too_deep = 0
    for place, kind in enumerate(classes):
        if kind == "PDI":
            if isolates_too_deep:
                isolates_too_deep -= 1
            elif isolates:
                isolates, too_deep = isolates - 1, 0
                while not stack.pop()[2]:
                    pass
        level, forced, is_isolate = stack[-1]
        levels.append(level)
        if forced and kind not in _REMOVED:
            resolved[place] = forced
        if kind in _EMBEDS or kind in _ISOLATES:
            odd, force = _EMBEDS.get(kind) or (strong_from[place + 1] if kind == "FSI" else int(kind == "RLI"), "")
            fresh = level + 1 + ((level + 1) % 2 != odd)
            if fresh <= _DEEPEST and not too_deep and not isolates_too_deep:
                stack.append((fresh, force, kind in _ISOLATES))
                isolates += kind in _ISOLATES
            elif kind in _ISOLATES:
                isolates_too_deep += 1
            elif not isolates_too_deep:
                too_deep += 1
        elif kind == "PDF" and not isolates_too_deep:
            if too_deep:
                too_deep -= 1
            elif len(stack) > 1 and not is_isolate:
                stack.pop()
    return resolved, levels


def _isolating_runs(
    classes: list[str], levels: list[int], base: int, ends: dict[int, int]
) -> Iterator[tuple[list[int], int, int]]:
    """Rule X10: runs of one level, over what is isolated within; each with the levels that count before and behind."""
    seen = [place for place, kind in enumerate(classes) if kind not in _REMOVED]
    runs = [list(run) for _, run in groupby(seen, key=levels.__getitem__)]
    last_of = {run[-1]: number for number, run in enumerate(runs)}
    goes_on = {ends[place]: number for place, number in last_of.items() if place in ends}
    whole: dict[int, list[int]] = {}  # the runs of each sequence, by the last one
    for number, run in enumerate(runs):
        whole[number] = [*(whole.pop(goes_on[run[0]]) if run[0] in goes_on else []), number]
    for numbers in whole.values():
        places = [place for number in numbers for place in runs[number]]
        level, first, last = levels[places[0]], numbers[0], numbers[-1]
        before = levels[runs[first - 1][-1]] if first else base
        is_open = classes[places[-1]] in _ISOLATES or last + 1 == len(runs)
        behind = base if is_open else levels[runs[last + 1][0]]
        yield places, max(level, before), max(level, behind)


def _resolve_sequence(places: list[int], resolved: list[str], levels: list[int], before: str, behind: str) -> None:
    """Rules W1 to W7, N1, N2, I1 and I2 for one sequence; `before` and `behind` are the directions around it."""
    run = [resolved[place] for place in places]
    _resolve_weak(run, before)
    own = _direction_of(levels[places[0]])
    start = 0
    for is_neutral, group in groupby(run[:], key=_NEUTRAL.__contains__):
        end = start + len(list(group))
        if is_neutral:
            left = _strong(run[start - 1]) if start else before
            right = _strong(run[end]) if end < len(run) else behind
            run[start:end] = [left if left == right else own] * (end - start)
        start = end
    for place, kind in zip(places, run, strict=True):
        if levels[place] % 2:
            levels[place] += kind in ("L", "EN", "AN")
        else:
            levels[place] += {"R": 1, "AN": 2, "EN": 2}.get(kind, 0)


def _strong(kind: str) -> str:
    """The direction that neutrals beside it see: numbers count as right to left (N1)."""
    return "L" if kind == "L" else "R"


def _resolve_weak(run: list[str], before: str) -> None:
    """Rules W1 to W7."""
    strong = last = before
    for place, kind in enumerate(run):
        if kind == "NSM":
            run[place] = "ON" if last in _ISOLATES or last == "PDI" else last
        elif kind == "EN" and strong == "AL":
            run[place] = "AN"
        if run[place] in _STRONG:
            strong = run[place]
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
            near = run[place] == "EN"
    run[:] = ["ON" if kind in ("ES", "ET", "CS") else kind for kind in run]
    strong = before
    for place, kind in enumerate(run):
        if kind in ("L", "R"):
            strong = kind
        elif kind == "EN" and strong == "L":
            run[place] = "L"


def _level_blanks(classes: list[str], levels: list[int], base: int) -> None:
    """Rule L1: blanks at the end of a line, and those before a tab, go with the line."""
    at_end = True
    for place in reversed(range(len(classes))):
        if classes[place] in ("S", "B"):
            at_end, levels[place] = True, base
        elif classes[place] not in _BLANK:
            at_end = False
        elif at_end:
            levels[place] = base


def _reordered(seen: list[int], levels: list[int]) -> list[int]:
    """Rule L2: from the highest level down, what stands at it or above is turned."""
    order = seen
    present = [levels[place] for place in seen]
    odd = [level for level in present if level % 2]
    for level in range(max(present, default=0), min(odd, default=1) - 1, -1):
        turned: list[int] = []
        for is_above, group in groupby(order, key=lambda place: levels[place] >= level):
            some = list(group)
            turned += some[::-1] if is_above else some
        order = turned
    return order

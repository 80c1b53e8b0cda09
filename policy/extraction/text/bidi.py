"""Lines in the order in which they are displayed (UAX #9), where direction controls make it differ from the text's."""

import re
import unicodedata
from typing import Final

_CONTROLS: Final = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
_TURNING: Final = re.compile("[\u200f\u202b\u202d\u202e\u2067\u2068\u061c]")
_DIGIT: Final = re.compile(r"\d")
_EMBEDS: Final = {"LRE": (0, ""), "RLE": (1, ""), "LRO": (0, "L"), "RLO": (1, "R")}
_ISOLATES: Final = frozenset({"LRI", "RLI", "FSI"})
_STRONG: Final = frozenset({"L", "R", "AL"})
_NEUTRAL: Final = frozenset({"B", "S", "WS", "ON", "LRI", "RLI", "FSI", "PDI", "ES", "ET", "CS", "BN"})
_SOME: Final = 1 << 19  # characters
_LONGEST: Final = 2_000  # characters of a line that is put in order
_MOST: Final = 64 * 1024  # characters of such lines in one text
_DEEPEST: Final = 125


def has_controls(text: str) -> bool:
    """Whether a text holds characters that turn the direction."""
    if text.isascii():
        return False
    # Some at a time: a look at a long text would keep all other threads waiting.
    return any(_TURNING.search(text, start, start + _SOME) for start in range(0, len(text), _SOME))


def visual_lines(text: str) -> list[str]:
    """The lines with direction controls and digits as they are displayed, in one text; none where nothing differs."""
    found: list[str] = []
    room = _MOST
    for line in text.split("\n"):
        if len(line) > _LONGEST or not _TURNING.search(line) or not _DIGIT.search(line):
            continue
        room -= len(line)
        if room < 0:
            break
        shown = visual(line)
        if shown != _CONTROLS.sub("", line):
            found.append(shown)
    return ["\n".join(found)] if found else []


def visual(line: str) -> str:
    """One line from left to right, without the controls."""
    kinds = [unicodedata.bidirectional(char) or "L" for char in line]
    base = _base(kinds)
    levels, kinds, inside = _explicit(kinds, base)
    shown = [at for at, kind in enumerate(kinds) if kind not in {"", "BN"} and not _CONTROLS.match(line[at])]
    _resolve(kinds, levels, shown, inside, base)
    chars = [line[at] for at in shown]
    depth = [levels[at] for at in shown]
    for level in range(max(depth, default=0), 0, -1):
        at = 0
        while at < len(chars):
            if depth[at] < level:
                at += 1
                continue
            end = at
            while end < len(chars) and depth[end] >= level:
                end += 1
            chars[at:end] = chars[at:end][::-1]
            depth[at:end] = depth[at:end][::-1]
            at = end
    return "".join(chars)


def _base(kinds: list[str]) -> int:
    """The direction of the first strong character outside isolates (P2, P3)."""
    inside = 0
    for kind in kinds:
        if kind in _ISOLATES:
            inside += 1
        elif kind == "PDI":
            inside = max(0, inside - 1)
        elif not inside and kind in _STRONG:
            return int(kind != "L")
    return 0


def _explicit(kinds: list[str], base: int) -> tuple[list[int], list[str], list[int]]:
    """X1 to X8: for each character its level, its kind (empty for what is dropped), and the isolates it stands in."""
    stack: list[tuple[int, str, bool]] = [(base, "", False)]
    levels: list[int] = []
    out: list[str] = []
    inside: list[int] = []
    for at, kind in enumerate(kinds):
        level, forced, _ = stack[-1]
        inside.append(sum(entry[2] for entry in stack))
        if kind in _EMBEDS or kind in _ISOLATES:
            isolate = kind in _ISOLATES
            levels.append(level)
            out.append((forced or "ON") if isolate else "")
            odd, force = _EMBEDS.get(kind, (1 if kind == "RLI" else 0, ""))
            if kind == "FSI":
                odd = _base(kinds[at + 1 : at + 200])
            fresh = level + 1 if (level + 1) % 2 == odd else level + 2
            if fresh <= _DEEPEST:
                stack.append((fresh, force, isolate))
        elif kind == "PDF":
            levels.append(level)
            out.append("")
            if len(stack) > 1 and not stack[-1][2]:
                stack.pop()
        elif kind == "PDI":
            if any(entry[2] for entry in stack):
                while not stack.pop()[2]:
                    pass
            levels.append(stack[-1][0])
            out.append(stack[-1][1] or "ON")
        else:
            levels.append(level)
            out.append("" if kind == "BN" else forced or kind)
    return levels, out, inside


def _resolve(kinds: list[str], levels: list[int], shown: list[int], inside: list[int], base: int) -> None:
    """W1 to W7, N1, N2 and I1, I2 over each run of one level; `levels` become final."""
    at = 0
    explicit = list(levels)

    def beside(place: int, level: int, mine: int) -> int:
        """The level that a run meets at an end: what stands in an isolate there is not met."""
        if not 0 <= place < len(shown):
            return max(level, base)
        return level if inside[shown[place]] > mine else max(level, explicit[shown[place]])

    while at < len(shown):
        end = at
        level = explicit[shown[at]]
        while end < len(shown) and explicit[shown[end]] == level:
            end += 1
        mine = inside[shown[at]]
        start_level, end_level = beside(at - 1, level, mine), beside(end, level, mine)
        run = _weak([kinds[place] for place in shown[at:end]], "R" if start_level % 2 else "L")
        _neutral(run, level, "R" if start_level % 2 else "L", "R" if end_level % 2 else "L")
        for place, kind in zip(shown[at:end], run, strict=True):
            if level % 2 == 0:
                levels[place] = level + (1 if kind == "R" else 2 if kind in {"AN", "EN"} else 0)
            else:
                levels[place] = level + (1 if kind in {"L", "EN", "AN"} else 0)
        at = end


def _weak(run: list[str], before: str) -> list[str]:
    strong = last = before
    for at, kind in enumerate(run):
        if kind == "NSM":
            run[at] = last
        elif kind == "EN" and strong == "AL":
            run[at] = "AN"
        if kind in _STRONG:
            strong = kind
        last = run[at]
    run = ["R" if kind == "AL" else kind for kind in run]
    for at in range(1, len(run) - 1):
        if (
            run[at] in {"ES", "CS"}
            and run[at - 1] == run[at + 1]
            and (run[at + 1] == "EN" or (run[at + 1] == "AN" and run[at] == "CS"))
        ):
            run[at] = run[at - 1]
    strong = before
    for at, kind in enumerate(run):
        if kind in {"L", "R"}:
            strong = kind
        elif kind == "ET" and ((at and run[at - 1] == "EN") or (at + 1 < len(run) and run[at + 1] == "EN")):
            run[at] = "EN"
        if run[at] == "EN" and strong == "L":
            run[at] = "L"
    return run


def _neutral(run: list[str], level: int, before: str, behind: str) -> None:
    at = 0
    while at < len(run):
        if run[at] not in _NEUTRAL:
            at += 1
            continue
        end = at
        while end < len(run) and run[end] in _NEUTRAL:
            end += 1
        left = _side(run[at - 1]) if at else before
        right = _side(run[end]) if end < len(run) else behind
        fill = left if left == right else ("R" if level % 2 else "L")
        run[at:end] = [fill] * (end - at)
        at = end


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"

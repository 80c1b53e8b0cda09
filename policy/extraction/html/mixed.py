"""Numbers with elements in them: a style may hide some of their digits from the eye, or from a scanner.

Which elements are hidden can be said in more ways than a reader of style sheets follows, and programs differ. So where
elements stand within a number, the number is also read without each kind of them, and without several.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from policy.extraction.html.arrangement import BLOCKS, CELLS, EDGE
from policy.extraction.html.display import Piece
from policy.extraction.text.spelling import has_odd_signs
from rules.normalise import normalise

_RUN: Final = re.compile("(?:[A-Z]{2}[\x01\x1e]+)?[0-9-](?:[0-9\x01\x1e-]|[ .](?=[0-9\x01\x1e. -])){6,}")
_BOXED: Final = re.compile(f"(?<![0-9A-Za-z])(?:[0-9A-Z-] ?{EDGE}[ {EDGE}]*){{6,40}}[0-9A-Z](?![0-9A-Za-z])")
_DIGIT: Final = re.compile("[0-9]")
_EDGES: Final = re.compile(f" *{EDGE}[ {EDGE}]*")
_NUMBER: Final = frozenset("0123456789-")
_LONGEST: Final = 24  # characters in an element within a number
_LEAST: Final = 7  # digits of a number that is worth it
_LEAST_BOXED: Final = 3  # where its letters stand apart, too
_MOST_DIGITS: Final = 80
_KINDS: Final = 5  # of elements of which all choices are tried
_MANY: Final = 14  # of which each is tried alone
_BEFORE: Final = 80  # characters kept in front, for the words that name the number
_BEHIND: Final = 24
_PIECES_BEFORE: Final = 64
_MOST: Final = 32 * 1024  # characters of further readings of one page
_MASK: Final = "\x01"


def number_readings(pieces: Sequence[Piece]) -> list[str]:
    """Each number that runs over several kinds of elements, without some of them, in its surroundings."""
    texts = [text.replace("\xa0", " ") for text, _, _ in pieces]
    every = "".join(texts)
    if has_odd_signs(every):
        texts = [text if text.isascii() else normalise(text).text for text in texts]
        every = "".join(texts)
    if _DIGIT.search(every) is None:
        return []
    ends = list(accumulate(map(len, texts)))
    found: dict[str, None] = {}
    room = _MOST
    done = 0
    masked = "".join(_masked(pieces, texts))
    for match in _RUN.finditer(masked):
        start, end = match.span()
        first, last = bisect_right(ends, start), bisect_left(ends, end)
        if first == last or start < done:
            continue
        done = end
        run = [
            (pieces[at], every[max(start, ends[at] - len(texts[at])) : min(end, ends[at])])
            for at in range(first, last + 1)
        ]
        before = _shown_before(pieces, texts, first, start - (ends[first] - len(texts[first])))
        behind = every[end : end + _BEHIND]
        for number in _choices(run):
            text = f"{before}{number}{behind}"
            room -= len(text)
            if room < 0:
                return list(found)
            found[text] = None
    for match in _BOXED.finditer(every):
        number = match[0].replace(EDGE, "").replace(" ", "")
        if len(_DIGIT.findall(number)) >= _LEAST_BOXED and room > 0:
            start, end = match.span()
            found[f"{every[max(0, start - _BEFORE) : start]}{number}{every[end : end + _BEHIND]}"] = None
            room -= _BEFORE + len(number) + _BEHIND
    return list(found)


def _shown_before(pieces: Sequence[Piece], texts: list[str], at: int, within: int) -> str:
    """What is displayed in front of a place within a piece."""
    shown = texts[at][:within]
    for place in range(at - 1, max(-1, at - _PIECES_BEFORE), -1):
        if len(shown) >= _BEFORE:
            break
        if not pieces[place][2]:
            shown = texts[place] + shown
    return shown[-_BEFORE:]


def _masked(pieces: Sequence[Piece], texts: list[str]) -> list[str]:
    """The texts, with short ones that stand between two pieces of a number made to be part of it."""
    masked = list(texts)
    before = ""
    waiting: list[int] = []
    for at, text in enumerate(texts):
        if not text:
            continue
        if waiting and text[0] in _NUMBER:
            for place in waiting:
                masked[place] = _MASK * len(texts[place])
        if text[-1] in _NUMBER:
            waiting = []
        elif (waiting or before in _NUMBER) and len(text) <= _LONGEST and "\n" not in text and "\t" not in text:
            if len(waiting) < 4 and text != EDGE and (pieces[at][2] or not text.isspace()) and _kind(pieces[at]):
                waiting.append(at)
            elif text != EDGE:
                waiting = []
        else:
            waiting = []
        before = text[-1]
    return masked


def _kind(piece: Piece) -> str:
    """Elements alike are of one kind; empty for what stands in a block itself."""
    _, owner, hidden = piece
    if owner.name in BLOCKS or owner.name in CELLS:
        return " hidden" if hidden else ""
    return f"{owner.name} {owner.rest.strip()} {hidden}"


def _choices(run: list[tuple[Piece, str]]) -> list[str]:
    """What is left of a number when kinds of its elements are left out, each time another choice."""
    count = sum(len(_DIGIT.findall(text)) for _, text in run)
    if not _LEAST <= count <= _MOST_DIGITS * 4:
        return []
    kinds = [_kind(piece) if text.strip(EDGE) else None for piece, text in run]
    distinct = list(dict.fromkeys(kind for kind in kinds if kind is not None))
    edged = any(EDGE in text for _, text in run)
    if len(distinct) < 2 and not edged:
        return []
    left_out: list[frozenset[str]] = [frozenset()] if edged or any(piece[2] for piece, _ in run) else []
    if len(distinct) <= _KINDS:
        left_out += [
            frozenset(kind for bit, kind in enumerate(distinct) if choice >> bit & 1)
            for choice in range(1, (1 << len(distinct)) - 1)
        ]
    else:
        hidden = frozenset(kind for kind in distinct if kind.endswith((" True", " hidden")))
        left_out += [frozenset((kind,)) for kind in distinct[:_MANY]]
        left_out += [frozenset(distinct) - {kind} for kind in distinct[:_MANY]]
        left_out += [hidden | {kind} for kind in distinct[:_MANY]] if hidden else []
    found: dict[str, None] = {}
    for without in left_out:
        text = "".join(text for (_, text), kind in zip(run, kinds, strict=True) if kind not in without or kind is None)
        text = _EDGES.sub("", text)
        if _LEAST <= len(_DIGIT.findall(text)) <= _MOST_DIGITS:
            found[text] = None
    return list(found)

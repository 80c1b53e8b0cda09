"""Excerpts that show where a value stands without showing the value."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Final

AROUND: Final = 30  # characters on either side
MASK: Final = "•"
_NUMBERED: Final = re.compile(r"\w*\d\w*")  # any word with a digit in it may be somebody's number
_LETTER: Final = re.compile(r"[^\W\d_]")
_SPACE: Final = re.compile(r"\s+")
_MOST_WORDS: Final = 300
_MOST_SHOWN: Final = 2
_SHORTEST: Final = 6  # a shorter value shows nothing of itself


def mask_value(value: str) -> str:
    """A value as it may be shown: the last two characters at most, none of a short one."""
    shown = _MOST_SHOWN if len(value) >= _SHORTEST else 0
    return MASK * (len(value) - shown) + value[len(value) - shown :]


class Masker:
    """Excerpts of one text, given every span in it that holds a value, whichever detector found it."""

    def __init__(self, text: str, spans: Sequence[tuple[int, int]]) -> None:
        self._text = text
        self._spans = _merged(spans)
        self._starts = [start for start, _ in self._spans]
        self._ends = [end for _, end in self._spans]
        words = {_lower(text[start:end]) for start, end in set(spans)}
        masked = (word for word in words if _LETTER.search(_NUMBERED.sub("", word)))
        self._words = sorted(masked, key=lambda word: (-len(word), word))[:_MOST_WORDS]

    def excerpt(self, start: int, end: int) -> str:
        """The value at start..end with what stands around it, on one line.

        Other values are masked, and all words with digits. A word that the edge would cut is left out.
        """
        left, right = max(0, start - AROUND), min(len(self._text), end + AROUND)
        while 0 < left < start and _is_inside_word(self._text, left):
            left += 1
        while end < right < len(self._text) and _is_inside_word(self._text, right):
            right -= 1
        shown = self._masked_text(left, start) + self._masked_value(start, end) + self._masked_text(end, right)
        return _SPACE.sub(" ", shown).strip()

    def _masked_value(self, start: int, end: int) -> str:
        """The value. Where another value overlaps its end, the end is hidden too: it could be more of that one."""
        first, last = bisect_right(self._ends, start), bisect_left(self._starts, end)
        alone = all(self._spans[place] == (start, end) for place in range(first, last))
        value = self._text[start:end]
        return mask_value(value) if alone else MASK * len(value)

    def _masked_text(self, start: int, end: int) -> str:
        """What stands beside the value, with other values and all words with digits masked."""
        pieces: list[str] = []
        place = bisect_right(self._ends, start)
        while place < len(self._spans) and self._spans[place][0] < end:
            value_start, value_end = max(start, self._spans[place][0]), min(end, self._spans[place][1])
            pieces += (self._text[start:value_start], MASK * (value_end - value_start))
            start = value_end
            place += 1
        pieces.append(self._text[start:end])
        return _NUMBERED.sub(_masked, self._without_words("".join(pieces)))

    def _without_words(self, piece: str) -> str:
        """Values that are words, masked where they stand within others and so were no hits there."""
        lowered = _lower(piece)
        for word in self._words:
            if word in lowered:
                lowered = lowered.replace(word, MASK * len(word))
        return "".join(MASK if mask == MASK else char for char, mask in zip(piece, lowered, strict=True))


def _is_inside_word(text: str, place: int) -> bool:
    return text[place - 1].isalnum() and text[place].isalnum()


def _masked(match: re.Match[str]) -> str:
    return MASK * len(match[0])


def _lower(text: str) -> str:
    """In lower case, as long as before."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(set(spans)):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged

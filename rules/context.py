"""The words around a value: how far off the nearest one of a set stands, and whether it belongs to the value."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cache
from typing import Final

import re2

from rules.normalise import normalise
from rules.talk import LOOK_BACK_BYTES, says_how_it_came

_BUCKET: Final = 2048
_QUICK_LOOKS: Final = 8  # values around which is searched, before all words of the text are looked up, bucket by bucket
_TOO_FAR: Final = 1 << 30
_LONGEST: Final = 80  # bytes of a word, at most; packs are held to it
_JOINED_FROM: Final = 5  # letters of a phrase that may be written without its gaps
BLANK_LINE: Final = re.compile(rb"\n[ \t\r>|]*\n")
_CAMEL_FROM: Final = 3  # letters of a word that may stand in the middle of a program's name
_NEXT_VALUE: Final = re.compile(rb"[ \t]*(?:[,;|\t\n)]|/[ \t])")
_SENTENCE_ENDS: Final = re.compile(rb"[\"')\]]{0,2}[.!][\"')\]]{0,2}\s")
_OWN_NUMBER: Final = re.compile(rb"(?:[\s.:#=(+]|\xc2\xb0|n[or]\b|num\b|number\b){0,6}[A-Z]{0,4}-?[0-9]", re.I)
_OTHER_LABEL: Final = re.compile(rb"[0-9][^A-Za-z]*(?!(?:and|or|to|und|oder|et|ou|bis|y|o|e)\b)[A-Za-z]{2}")
_TAG: Final = re.compile(rb"</?[a-z][a-z0-9]{0,9}(?: [^<>\n]{0,80})?/?>", re.I)
_FARTHER_WITH_TAGS: Final = 4  # times as far off as allowed, a word may stand if mostly tags lie between
_EMPTY_BOX: Final = re.compile(r"(?:\[ ?\]|☐|□) ?\Z".encode())
_EMPTY_BOX_BYTES: Final = 5
BEHIND_COSTS: Final = 12  # a word behind a value is so much farther than one before it: labels stand before


@cache
def word_pattern(words: tuple[str, ...]) -> re2._Regexp:
    """RE2 for any of the words, whole, in any case; a space in a word stands for any gap between two words."""
    return _compiled(words)


def fit_one_pattern(words: tuple[str, ...]) -> bool:
    """Whether RE2 takes all of these words in one pattern."""
    try:
        _compiled(words)
    except re2.error:
        return False
    return True


def _compiled(words: tuple[str, ...]) -> re2._Regexp:
    options = re2.Options()
    options.longest_match = True
    options.case_sensitive = False
    options.log_errors = False
    return re2.compile("|".join(_word_regex(word) for word in words), options)


def word_pieces(word: str) -> list[str]:
    """The pieces of a word or phrase, normalised, between which a text may have gaps: `passport no` gives two."""
    return [piece for piece in re.split(r"[\s_-]+", normalise(word).text.strip()) if piece]


def gap_pattern(word: Sequence[str]) -> str:
    """A regex for what may stand between the pieces: programs write `cardNumber` and `card_number`."""
    joined = len(word) > 1 and sum(map(len, word)) >= _JOINED_FROM
    return r"[\s_-]{0,3}" if joined else r"[\s_-]{1,3}"


def _word_regex(word: str) -> str:
    parts = word_pieces(word)
    body = gap_pattern(parts).join(map(re2.escape, parts))
    first, last = parts[0][0], parts[-1][-1]
    # An underscore ends a word too, and a capital begins one: people name columns patient_mrn, ssn_2 and cardNumber.
    before = r"(?:\b|_)" if first.isascii() and first.isalnum() else ""
    behind = r"(?:\b|_)" if last.isascii() and last.isalnum() else ""
    whole = before + body + behind
    if first.isascii() and last.isascii() and first.isalpha() and last.isalpha() and len(body) >= _CAMEL_FROM:
        start = f"(?-i:[a-z]{first.upper()})" + body[1:]
        end = body[:-1] + f"(?-i:{last.lower()}[A-Z])"
        return f"{whole}|{start}{behind}|{before}{end}"
    return whole


def belongs_elsewhere(data: bytes, left: int, right: int, behind: int | None) -> bool:
    """Whether a word belongs to another value or paragraph than the value it stands near: what lies between says so.

    In `SSN 536-22-1234, Tel. 555-0142` and `Room 12, SSN 536-22-1234` each number has its own label, and in `It is
    536-22-1234. Call me` the value ends a sentence. `left` to `right` is what lies between; `behind` is where a word
    ends that stands behind the value.
    """
    if BLANK_LINE.search(data, left, right):
        return True
    if behind is None:
        return _OTHER_LABEL.search(data, left, right) is not None
    if _SENTENCE_ENDS.match(data, left, right):
        return True
    return _NEXT_VALUE.match(data, left, right) is not None and _OWN_NUMBER.match(data, behind) is not None


class Nearby:
    """The words of one set in one text; each bucket of the text is searched once, when it is first needed."""

    def __init__(self, pattern: re2._Regexp, data: bytes, is_ascii: bool, across: bool = True) -> None:
        """`across`: whether a word of another paragraph counts, or the label of another value."""
        self._across = across
        self._pattern = pattern
        self._data = data
        self._is_ascii = is_ascii
        self._buckets: dict[int, list[tuple[int, int]]] = {}
        self._quick_looks = _QUICK_LOOKS

    def distance(self, start: int, end: int, within: int, named: int | None = None) -> int | None:
        """Characters from the value at bytes start..end to the nearest word, if that is at most `within`.

        None: there is none. A word behind the value counts as BEHIND_COSTS farther off, so that of two values a
        label names the one behind it. `named`, where the words excuse: how far off a word stands that names the value.
        """
        reach = within * (1 if self._is_ascii else 4) + _LONGEST
        here, first = start // _BUCKET, max(0, start - reach) // _BUCKET
        if self._quick_looks and here not in self._buckets:  # of a few values most have no word nearby
            self._quick_looks -= 1
            if self._pattern.search(self._data, max(0, start - reach), min(len(self._data), end + reach)) is None:
                return None
        nearest = _TOO_FAR
        # Words of one set do not overlap, so none is nearer than the last before the start and the first behind it.
        for bucket in range(here, first - 1, -1):
            words = self._words(bucket)
            place = bisect_left(words, (start, 0)) if bucket == here else len(words)
            if place:
                nearest = self._gap_to((start, end), words[place - 1], within, named)
                break
        for bucket in range(here, min(len(self._data), end + reach) // _BUCKET + 1):
            words = self._words(bucket)
            place = bisect_left(words, (start, 0)) if bucket == here else 0
            if place < len(words):
                nearest = min(nearest, self._gap_to((start, end), words[place], within, named))
                break
        return None if nearest == _TOO_FAR else nearest

    def _gap_to(self, value: tuple[int, int], word: tuple[int, int], within: int, named: int | None) -> int:
        (start, end), (word_start, word_end) = value, word
        before = word_end <= start
        left, right = (word_end, start) if before else (end, word_start)
        gap = max(0, right - left)
        if gap <= within * _FARTHER_WITH_TAGS and self._data.find(b"<", left, right) >= 0:
            gap = len(_TAG.sub(b"", self._data[left:right]).decode("utf-8", "ignore"))
        elif gap > within and not self._is_ascii:
            gap = len(self._data[left:right].decode("utf-8", "ignore"))
        behind = None if before else word_end
        if gap > within or (not self._across and belongs_elsewhere(self._data, left, right, behind)):
            return _TOO_FAR
        if before and self._is_no_label(word_start, word_end, start, named):
            return _TOO_FAR
        return gap if before or word_start < end else gap + BEHIND_COSTS

    def _is_no_label(self, start: int, end: int, value: int, named: int | None) -> bool:
        """Whether a word is no label of the value behind it.

        It is none at a box that is not ticked (`[ ] Passport`), nor, if the words excuse, where it only says how the
        value came (`The SSN you gave us on the phone: ...`).
        """
        if _EMPTY_BOX.search(self._data[max(0, start - _EMPTY_BOX_BYTES) : start]):
            return True
        return not self._across and says_how_it_came(
            self._data[max(0, end - LOOK_BACK_BYTES) : end], self._data[end:value], named
        )

    def _words(self, bucket: int) -> list[tuple[int, int]]:
        """Where words stand that begin in one bucket: spans in bytes, rising."""
        known = self._buckets.get(bucket)
        if known is None:
            start, stop = bucket * _BUCKET, min(len(self._data), (bucket + 1) * _BUCKET)
            known = [
                match.span()
                for match in self._pattern.finditer(self._data, start, min(len(self._data), stop + _LONGEST))
                if match.start() < stop
            ]
            self._buckets[bucket] = known
        return known

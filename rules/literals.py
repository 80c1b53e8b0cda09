"""Words and phrases, found in one pass however many: the terms of weighted lists, and words that name values."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ahocorasick_rs import BytesAhoCorasick, Implementation

from rules.budget import Budget
from rules.words import Seen, Term

_PLURAL: Final = b"sS"
_SPACES: Final = bytes.maketrans(b"\n\r\t_-", b"     ")
_SHORT: Final = 3  # letters; a shorter name has to stand alone, a longer one may be a piece of another word
_JOINED_FROM: Final = 5  # letters of a phrase that programs write without its gaps


@dataclass(slots=True)
class _Meaning:
    """What one literal is: terms of lists, and names by their number."""

    terms: list[Term] = field(default_factory=list)
    names: list[int] = field(default_factory=list)
    short: bool = False


class Literals:
    """All of them, in one automaton. `names`: words or phrases in the order of their numbers, each as its pieces."""

    def __init__(self, terms: Iterable[Term], names: Sequence[Sequence[str]]) -> None:
        known: dict[bytes, _Meaning] = defaultdict(_Meaning)
        for term in terms:
            meaning = known[_plain(term.text.encode())]
            if all(other.detector != term.detector for other in meaning.terms):
                meaning.terms.append(term)
        for number, pieces in enumerate(names):
            for spelled in _spellings(pieces):
                meaning = known[spelled]
                meaning.names.append(number)
                meaning.short = len(spelled) <= _SHORT
        self._meanings = list(known.values())
        # Twice as fast as what it would choose for so many.
        self._automaton = BytesAhoCorasick(list(known), implementation=Implementation.DFA) if known else None

    def read(self, data: bytes, budget: Budget) -> Iterator[tuple[int, int, Seen | None]]:
        """Each name where it ends, as its number and the place, and each term that is a whole word, as -1 and 0."""
        if self._automaton is None:
            return
        meanings, size = self._meanings, len(data)
        for index, start, end in self._automaton.find_matches_as_indexes(_plain(data), overlapping=True):
            budget.left -= 1
            if budget.left <= 0:
                return
            meaning = meanings[index]
            if meaning.names and (not meaning.short or _stands_alone(data, start, end)):
                for number in meaning.names:
                    yield number, end, None
            if meaning.terms and (not start or not _is_word(data[start - 1])) and (end >= size or _ends(data, end)):
                for term in meaning.terms:
                    yield -1, 0, Seen(start, end, term)


def _plain(data: bytes) -> bytes:
    """In lower case, what parts words as spaces; as long as before."""
    return data.lower().translate(_SPACES)


def _spellings(pieces: Sequence[str]) -> set[bytes]:
    """A word or phrase as texts and programs write it; cases of letters beyond ASCII are told apart in bytes."""
    joined = [" ".join(pieces), "  ".join(pieces)]
    if sum(map(len, pieces)) >= _JOINED_FROM:
        joined.append("".join(pieces))
    return {_plain(form.encode()) for text in joined for form in (text, text.lower(), text.upper(), text.title())}


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    """Whether no letter touches it, but where a capital begins a word within a program's name."""
    first, last = data[start], data[end - 1]
    if start and _is_alpha(data[start - 1]) and not (_is_upper(first) and not _is_upper(data[start - 1])):
        return False
    return end >= len(data) or not _is_alpha(data[end]) or (_is_upper(data[end]) and not _is_upper(last))


def _ends(data: bytes, stop: int) -> bool:
    if data[stop] in _PLURAL:
        stop += 1
    return stop >= len(data) or not _is_word(data[stop])


def _is_word(byte: int) -> bool:
    return byte >= 0x80 or 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95


def _is_alpha(byte: int) -> bool:
    return byte >= 0x80 or 65 <= byte <= 90 or 97 <= byte <= 122


def _is_upper(byte: int) -> bool:
    return 65 <= byte <= 90

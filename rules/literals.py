"""Finds words and phrases in one pass, however many there are: terms of weighted lists, and words that name values.

What a search costs depends on how often the text looks like a hit and is none. Phrases are made of words that stand
everywhere, so for each only eight bytes across one of its gaps are searched for, which occur nearly nowhere else. Short
names that must stand alone have a database of their own: their look at the sign before them would make the search for
all others a third slower.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from rules.budget import Budget
from rules.engine import Cache, Engine, Expression, Mode
from rules.errors import EngineFailed
from rules.words import Seen, Term

_PLURAL: Final = b"sS"
_SPACES: Final = bytes.maketrans(b"\n\r\t_-", b"     ")
_SHORT: Final = 3  # letters; a shorter name has to stand alone, a longer one may be a piece of another word
_BRIEF: Final = 6  # letters of a term that many other words hold
_JOINED_FROM: Final = 5  # letters of a phrase that programs write without its gaps
_END: Final = (1 << 40) - 1
# What stands before a word that stands alone, in bytes; the engine asks it where it spares us most of what it sees.
_NO_LETTER: Final = r"(?:^|[^A-Za-z\x80-\xff])"
_GAP: Final = r"[ \n\r\t_-]"
_NO_WORD: Final = r"(?:^|[^0-9A-Za-z\x80-\xff])"
_SPELT: Final = [chr(byte) if chr(byte).isalnum() and byte < 0x80 else f"\\x{byte:02x}" for byte in range(256)]
_CAPITAL: Final = r"[a-z\x80-\xff]"
_PIECE: Final = 8  # bytes of a phrase that are sought
_BEFORE_GAP: Final = 4  # of them before a gap
_BESIDE_GAP: Final = 3  # letters on either side of a gap that tells much


@dataclass(slots=True)
class _Meaning:
    """What one literal is: terms of lists, and names by their number."""

    spelled: bytes
    terms: list[Term] = field(default_factory=list)
    names: list[int] = field(default_factory=list)

    @property
    def is_short(self) -> bool:
        """Whether it is a name that has to stand alone."""
        return bool(self.names) and len(self.spelled) <= _SHORT

    @property
    def is_phrase(self) -> bool:
        """Whether it is looked for by a piece of it."""
        return not self.names and len(self.spelled) > _PIECE and b" " in self.spelled


class Literals:
    """All of them. `names`: words or phrases in the order of their numbers, each as its pieces."""

    def __init__(self, terms: Iterable[Term], names: Sequence[Sequence[str]], cache: Cache | None = None) -> None:
        known: dict[bytes, _Meaning] = {}
        for term in terms:
            spelled = _plain(term.text.encode()).lower()
            meaning = known.setdefault(spelled, _Meaning(spelled))
            if all(other.detector != term.detector for other in meaning.terms):
                meaning.terms.append(term)
        for number, pieces in enumerate(names):
            for spelled in _spellings(pieces):
                known.setdefault(spelled, _Meaning(spelled)).names.append(number)
        self._words = [meaning for meaning in known.values() if not meaning.is_short and not meaning.is_phrase]
        self._short = [meaning for meaning in known.values() if meaning.is_short]
        by_piece: dict[bytes, list[tuple[int, _Meaning]]] = defaultdict(list)
        for meaning in known.values():
            if meaning.is_phrase:
                piece, behind = _piece(meaning.spelled)
                by_piece[piece].append((behind, meaning))
        self._phrases = list(by_piece.values())  # of each piece: how many bytes of the phrase are behind it
        sought = [
            *map(_word, self._words),
            *(Expression(_escaped(piece), caseless=True, bytewise=True) for piece in by_piece),
        ]
        self._engine = Engine(sought, cache)
        self._alone = Engine([*map(_short, self._short)], cache)
        if any(mode is not Mode.EXACT for mode in (*self._engine.modes, *self._alone.modes)):
            raise EngineFailed("a word is longer than the matching engine takes")

    def read(
        self, data: bytes, budget: Budget, name: Callable[[int, list[int]], None], term: Callable[[Seen], None] | None
    ) -> None:
        """Tell `name` each name's number and where it ends, in order, and `term` each term that is a whole word.

        A name is told of once for every way of writing it and megabyte of a text. Without `term` terms are passed over.
        """
        for index, ends in _paid(self._alone.ends(data), budget):
            meaning = self._short[index]
            told = [end for end in ends if _stands_alone(data, end - len(meaning.spelled), end)]
            _tell_names(told, meaning, name)
            _tell_words(data, ends, meaning, term)
        for index, ends in _paid(self._engine.ends(data, _plain), budget):
            if index < len(self._words):
                _tell_names(ends, self._words[index], name)
                _tell_words(data, ends, self._words[index], term)
                continue
            for behind, meaning in self._phrases[index - len(self._words)]:
                _tell_words(data, _whole(data, ends, behind, meaning.spelled), meaning, term)


def _paid(blocks: Iterable[Sequence[int]], budget: Budget) -> Iterator[tuple[int, list[int]]]:
    """Block by block of what the engine saw, each index and where it ends, in order; none once the budget is spent."""
    for block in blocks:
        budget.left -= len(block)
        if budget.spent:
            return
        events = sorted(block)  # by index, and then by where they end
        first = 0
        while first < len(events):
            index = events[first] >> 40
            last = bisect_left(events, index + 1 << 40, first)
            yield index, [event & _END for event in events[first:last]]
            first = last


def _whole(data: bytes, ends: Iterable[int], behind: int, spelled: bytes) -> Iterator[int]:
    """Of places where a piece of a phrase ends: where all of it does."""
    for end in ends:
        stop = end + behind
        start = stop - len(spelled)
        if start >= 0 and _plain(data[start:stop]).lower() == spelled:
            yield stop


def _piece(spelled: bytes) -> tuple[bytes, int]:
    """What is sought of a phrase, and how many bytes are behind it: about the last gap with some letters beside it."""
    gaps = [place for place, sign in enumerate(spelled) if sign == ord(" ")]
    wide = [gap for gap in gaps if _BESIDE_GAP <= gap < len(spelled) - _BESIDE_GAP]
    start = max(0, min((wide or gaps)[-1] - _BEFORE_GAP, len(spelled) - _PIECE))
    return spelled[start : start + _PIECE], len(spelled) - start - _PIECE


def _tell_names(ends: list[int], meaning: _Meaning, tell: Callable[[int, list[int]], None]) -> None:
    for number in meaning.names if ends else ():
        tell(number, ends)


def _tell_words(data: bytes, ends: Iterable[int], meaning: _Meaning, tell: Callable[[Seen], None] | None) -> None:
    if tell is None or not meaning.terms:
        return
    for end in ends:
        start = end - len(meaning.spelled)
        if (not start or not _is_word(data[start - 1])) and (end >= len(data) or _ends(data, end)):
            for term in meaning.terms:
                tell(Seen(start, end, term))


def _word(meaning: _Meaning) -> Expression:
    """For the engine: the letters in any case, where a look at what stands before them spares us much, with that."""
    spelled = meaning.spelled
    guarded = not meaning.names and len(spelled) <= _BRIEF and _is_word(spelled[0])
    return Expression((_NO_WORD if guarded else "") + _escaped(spelled), caseless=True, bytewise=True)


def _short(meaning: _Meaning) -> Expression:
    """For the engine, which reads the text as it is: with no letter before, or as a word within a program's name."""
    spelled = meaning.spelled
    if meaning.terms:
        return Expression(_gaps(spelled), caseless=True, bytewise=True)
    alone = f"{_NO_LETTER}(?i:{_gaps(spelled)})"
    if _is_alpha(spelled[0]) and spelled[0] < 0x80:
        alone += f"|{_CAPITAL}{chr(spelled[0]).upper()}(?i:{_gaps(spelled[1:])})"
    return Expression(alone, bytewise=True)


def _gaps(spelled: bytes) -> str:
    return _GAP.join(map(_escaped, spelled.split(b" ")))


def _escaped(spelled: bytes) -> str:
    return "".join(map(_SPELT.__getitem__, spelled))


def _plain(data: bytes | memoryview) -> bytes:
    """With what parts words as spaces; as long as before."""
    return bytes(data).translate(_SPACES)


def _spellings(pieces: Sequence[str]) -> set[bytes]:
    """A word or phrase as texts and programs write it; cases of letters beyond ASCII are told apart in bytes."""
    joined = [" ".join(pieces), "  ".join(pieces)]
    if sum(map(len, pieces)) >= _JOINED_FROM:
        joined.append("".join(pieces))
    forms = {form for text in joined for form in (text, text.lower(), text.upper(), text.title())}
    return {_plain(form.encode()).lower() for form in forms}


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

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
from rules.words import Term, TermPlace

_PLURAL: Final = b"sS"
_SPACES: Final = bytes.maketrans(b"\n\r\t_-", b"     ")
_SHORT: Final = 3  # letters; a shorter name has to stand alone, a longer one may be a piece of another word
_GUARDED_UP_TO: Final = 6  # bytes: so short a term is a piece of many words, and has to begin one
_JOINED_FROM: Final = 5  # letters of a phrase that programs write without its gaps
_END_MASK: Final = (1 << 40) - 1
# What stands before a word that stands alone, in bytes; the engine asks it where it spares us most of what it sees.
_NO_LETTER: Final = r"(?:^|[^A-Za-z\x80-\xff])"
_GAP: Final = r"[ \n\r\t_-]"
_NO_WORD: Final = r"(?:^|[^0-9A-Za-z\x80-\xff])"
_ESCAPED_BYTES: Final = [chr(byte) if chr(byte).isalnum() and byte < 0x80 else f"\\x{byte:02x}" for byte in range(256)]
_SMALL_LETTER: Final = r"[a-z\x80-\xff]"
_PIECE_BYTES: Final = 8  # bytes of a phrase that are sought
_BEFORE_GAP: Final = 4  # of them before a gap
_BESIDE_GAP: Final = 3  # letters on either side of a gap that tells much


@dataclass(slots=True)
class _Literal:
    """A word or phrase to search for, in lower case, with what it stands for: terms of lists, and numbers of names."""

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
        return not self.names and len(self.spelled) > _PIECE_BYTES and b" " in self.spelled


class Literals:
    """All literals, compiled into two databases.

    `names`: the words and phrases that name values, each as its pieces; a name's number is its index here.
    """

    def __init__(self, terms: Iterable[Term], names: Sequence[Sequence[str]], cache: Cache | None = None) -> None:
        known: dict[bytes, _Literal] = {}
        for term in terms:
            spelled = _plain(term.text.encode()).lower()
            literal = known.setdefault(spelled, _Literal(spelled))
            if all(other.detector != term.detector for other in literal.terms):
                literal.terms.append(term)
        for number, pieces in enumerate(names):
            for spelled in _spellings(pieces):
                known.setdefault(spelled, _Literal(spelled)).names.append(number)
        self._words = [literal for literal in known.values() if not literal.is_short and not literal.is_phrase]
        self._short_names = [literal for literal in known.values() if literal.is_short]
        by_piece: dict[bytes, list[tuple[int, _Literal]]] = defaultdict(list)
        for literal in known.values():
            if literal.is_phrase:
                piece, behind = _piece(literal.spelled)
                by_piece[piece].append((behind, literal))
        self._phrases = list(by_piece.values())  # of each piece: how many bytes of the phrase are behind it
        sought = [
            *map(_word_expression, self._words),
            *(Expression(_escaped(piece), caseless=True, bytewise=True) for piece in by_piece),
        ]
        self._engine = Engine(sought, cache)
        self._alone = Engine([*map(_short_expression, self._short_names)], cache)
        if any(mode is not Mode.EXACT for mode in (*self._engine.modes, *self._alone.modes)):
            raise EngineFailed("a word is longer than the matching engine takes")

    def read(
        self,
        data: bytes,
        budget: Budget,
        on_name: Callable[[int, list[int]], None],
        on_term: Callable[[TermPlace], None] | None,
    ) -> None:
        """Call `on_name` with the number and the ends (bytes, rising) of each name, and `on_term` with each whole term.

        `on_name` is called once for each spelling of a name in each block of the text. Without `on_term`, terms are
        passed over. Stops early if the budget is spent.
        """
        for index, ends in _charged(self._alone.ends(data), budget):
            literal = self._short_names[index]
            alone = [end for end in ends if _stands_alone(data, end - len(literal.spelled), end)]
            _report_names(alone, literal, on_name)
            _report_terms(data, ends, literal, on_term)
        for index, ends in _charged(self._engine.ends(data, _plain), budget):
            if index < len(self._words):
                _report_names(ends, self._words[index], on_name)
                _report_terms(data, ends, self._words[index], on_term)
                continue
            for behind, literal in self._phrases[index - len(self._words)]:
                _report_terms(data, _phrase_ends(data, ends, behind, literal.spelled), literal, on_term)


def _charged(blocks: Iterable[Sequence[int]], budget: Budget) -> Iterator[tuple[int, list[int]]]:
    """For each block of matches, each pattern's index and ends, rising, until the budget is spent."""
    for block in blocks:
        budget.left -= len(block)
        if budget.spent:
            return
        events = sorted(block)  # by index, and then by where they end
        first = 0
        while first < len(events):
            index = events[first] >> 40
            last = bisect_left(events, index + 1 << 40, first)
            yield index, [event & _END_MASK for event in events[first:last]]
            first = last


def _phrase_ends(data: bytes, ends: Iterable[int], behind: int, spelled: bytes) -> Iterator[int]:
    """Where the whole phrase ends, given where its piece does; `behind` bytes of the phrase follow the piece."""
    for end in ends:
        stop = end + behind
        start = stop - len(spelled)
        if start >= 0 and _plain(data[start:stop]).lower() == spelled:
            yield stop


def _piece(spelled: bytes) -> tuple[bytes, int]:
    """What is sought of a phrase, and how many bytes are behind it: about the last gap with some letters beside it."""
    gaps = [place for place, sign in enumerate(spelled) if sign == ord(" ")]
    wide = [gap for gap in gaps if _BESIDE_GAP <= gap < len(spelled) - _BESIDE_GAP]
    start = max(0, min((wide or gaps)[-1] - _BEFORE_GAP, len(spelled) - _PIECE_BYTES))
    return spelled[start : start + _PIECE_BYTES], len(spelled) - start - _PIECE_BYTES


def _report_names(ends: list[int], literal: _Literal, report: Callable[[int, list[int]], None]) -> None:
    for number in literal.names if ends else ():
        report(number, ends)


def _report_terms(
    data: bytes, ends: Iterable[int], literal: _Literal, report: Callable[[TermPlace], None] | None
) -> None:
    if report is None or not literal.terms:
        return
    for end in ends:
        start = end - len(literal.spelled)
        if (not start or not _is_word(data[start - 1])) and (end >= len(data) or _ends_word(data, end)):
            for term in literal.terms:
                report(TermPlace(start, end, term))


def _word_expression(literal: _Literal) -> Expression:
    """For the engine: the letters in any case; a short term, which many words hold, only where a word begins."""
    spelled = literal.spelled
    guarded = not literal.names and len(spelled) <= _GUARDED_UP_TO and _is_word(spelled[0])
    return Expression((_NO_WORD if guarded else "") + _escaped(spelled), caseless=True, bytewise=True)


def _short_expression(literal: _Literal) -> Expression:
    """For the engine, which reads the text as it is: no letter before it, or a capital within a name (`patientMrn`)."""
    spelled = literal.spelled
    if literal.terms:
        return Expression(_with_gaps(spelled), caseless=True, bytewise=True)
    alone = f"{_NO_LETTER}(?i:{_with_gaps(spelled)})"
    if _is_alpha(spelled[0]) and spelled[0] < 0x80:
        alone += f"|{_SMALL_LETTER}{chr(spelled[0]).upper()}(?i:{_with_gaps(spelled[1:])})"
    return Expression(alone, bytewise=True)


def _with_gaps(spelled: bytes) -> str:
    return _GAP.join(map(_escaped, spelled.split(b" ")))


def _escaped(spelled: bytes) -> str:
    return "".join(map(_ESCAPED_BYTES.__getitem__, spelled))


def _plain(data: bytes | memoryview) -> bytes:
    """With spaces for line ends, tabs, underscores and hyphens; as long as before."""
    return bytes(data).translate(_SPACES)


def _spellings(pieces: Sequence[str]) -> set[bytes]:
    """A word or phrase as texts and programs write it; cases of letters beyond ASCII are told apart in bytes."""
    joined = [" ".join(pieces), "  ".join(pieces)]
    if sum(map(len, pieces)) >= _JOINED_FROM:
        joined.append("".join(pieces))
    forms = {form for text in joined for form in (text, text.lower(), text.upper(), text.title())}
    return {_plain(form.encode()).lower() for form in forms}


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    """Whether no letter touches it, unless a capital begins a word there, as in `patientMrn`."""
    first, last = data[start], data[end - 1]
    if start and _is_alpha(data[start - 1]) and not (_is_upper(first) and not _is_upper(data[start - 1])):
        return False
    return end >= len(data) or not _is_alpha(data[end]) or (_is_upper(data[end]) and not _is_upper(last))


def _ends_word(data: bytes, stop: int) -> bool:
    """Whether a word ends at `stop`, or one letter (a plural's s) later."""
    if data[stop] in _PLURAL:
        stop += 1
    return stop >= len(data) or not _is_word(data[stop])


def _is_word(byte: int) -> bool:
    return byte >= 0x80 or 48 <= byte <= 57 or 65 <= byte <= 90 or 97 <= byte <= 122 or byte == 95


def _is_alpha(byte: int) -> bool:
    return byte >= 0x80 or 65 <= byte <= 90 or 97 <= byte <= 122


def _is_upper(byte: int) -> bool:
    return 65 <= byte <= 90

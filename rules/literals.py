"""Words and phrases, found in one pass however many: the terms of weighted lists, and words that name values."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
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
_NO_WORD: Final = r"(?:^|[^0-9A-Za-z\x80-\xff])"
_SPELT: Final = [chr(byte) if chr(byte).isalnum() and byte < 0x80 else f"\\x{byte:02x}" for byte in range(256)]
_CAPITAL: Final = r"[a-z\x80-\xff]"


@dataclass(slots=True)
class _Meaning:
    """What one literal is: terms of lists, and names by their number."""

    size: int
    terms: list[Term] = field(default_factory=list)
    names: list[int] = field(default_factory=list)
    short: bool = False


class Literals:
    """All of them, in one database. `names`: words or phrases in the order of their numbers, each as its pieces."""

    def __init__(self, terms: Iterable[Term], names: Sequence[Sequence[str]], cache: Cache | None = None) -> None:
        known: dict[bytes, _Meaning] = {}
        for term in terms:
            spelled = _plain(term.text.encode()).lower()
            meaning = known.setdefault(spelled, _Meaning(len(spelled)))
            if all(other.detector != term.detector for other in meaning.terms):
                meaning.terms.append(term)
        for number, pieces in enumerate(names):
            for spelled in _spellings(pieces):
                meaning = known.setdefault(spelled, _Meaning(len(spelled)))
                meaning.names.append(number)
                meaning.short = len(spelled) <= _SHORT
        self._meanings = list(known.values())
        self._engine = Engine([_expression(spelled, meaning) for spelled, meaning in known.items()], cache)
        if any(mode is not Mode.EXACT for mode in self._engine.modes):
            raise EngineFailed("a word is longer than the matching engine takes")

    def read(
        self, data: bytes, budget: Budget, name: Callable[[int, list[int]], None], term: Callable[[Seen], None] | None
    ) -> None:
        """Tell `name` each name's number and where it ends, in order, and `term` each term that is a whole word.

        A name is told of once for every way of writing it and megabyte of a text. Without `term` terms are passed over.
        """
        for block in self._engine.ends(data, _plain):
            budget.left -= len(block)
            if budget.left <= 0:
                return
            places: dict[int, list[int]] = defaultdict(list)
            for event in block:
                places[event >> 40].append(event & _END)
            for index, ends in places.items():
                ends.sort()
                meaning = self._meanings[index]
                if meaning.names:
                    told = _alone(data, ends, meaning.size) if meaning.short else ends
                    for number in meaning.names if told else ():
                        name(number, told)
                if meaning.terms and term is not None:
                    _tell_words(data, ends, meaning, term)


def _tell_words(data: bytes, ends: Iterable[int], meaning: _Meaning, tell: Callable[[Seen], None]) -> None:
    for end in ends:
        start = end - meaning.size
        if (not start or not _is_word(data[start - 1])) and (end >= len(data) or _ends(data, end)):
            for term in meaning.terms:
                tell(Seen(start, end, term))


def _expression(spelled: bytes, meaning: _Meaning) -> Expression:
    """For the engine: the letters in any case, where a look at what stands before them spares us much, with that."""
    body = _escaped(spelled)
    if meaning.terms:
        guarded = not meaning.names and meaning.size <= _BRIEF and _is_word(spelled[0])
        return Expression(_NO_WORD + body if guarded else body, caseless=True, bytewise=True)
    if not meaning.short:
        return Expression(body, caseless=True, bytewise=True)
    alone = f"{_NO_LETTER}(?i:{body})"
    if _is_alpha(spelled[0]) and spelled[0] < 0x80:
        alone += f"|{_CAPITAL}{chr(spelled[0]).upper()}(?i:{_escaped(spelled[1:])})"
    return Expression(alone, bytewise=True)


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


def _alone(data: bytes, ends: Iterable[int], size: int) -> list[int]:
    return [end for end in ends if _stands_alone(data, end - size, end)]


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

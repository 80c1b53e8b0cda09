"""Number formats of spreadsheets taken apart (ECMA-376 18.8.31): sections, signs, and the places of digits."""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Final

PLACES: Final = frozenset("0#?")
QUOTED: Final = re.compile(r"\"[^\"]*\"|\\.|_.|\*.")
_TOKEN: Final = re.compile(r"\"[^\"]*\"|\\.|_.|\*.|.", re.DOTALL)
_SECTIONS: Final = re.compile(r"(?:\"[^\"]*\"|\\.|[_*].|\[[^\]]*\]|[^;])+|(?<=;)(?=;|\Z)|\A(?=;)", re.DOTALL)
_CONDITION: Final = re.compile(r"\[[^\]]*\]")
_LIMIT: Final = re.compile(r"\[(<=|>=|<>|<|>|=)(-?\d{1,15}(?:\.\d{1,15})?)\]")
_GENERAL: Final = re.compile(r"general", re.I)
_DATED: Final = re.compile(r"[yd]", re.I)
_DIGIT: Final = re.compile(r"\d")
LONGEST_CODE: Final = 500  # characters that are looked at; a workbook may have 255
_MOST_SECTIONS: Final = 4


class Shows(StrEnum):
    """What a section shows of a number."""

    STORED = "stored"  # what is stored says the same
    ZEROS = "zeros"  # with zeros in front
    DATE = "date"
    TEXT = "text"  # words, and the value as it is in their midst
    SIGNS = "signs"  # between its digits


@dataclass(frozen=True, slots=True)
class Section:
    """One section. `tokens` are its signs: as written, and as shown."""

    code: str
    shows: Shows
    tokens: tuple[tuple[str, str], ...] = field(repr=False)
    limit: tuple[str, Decimal] | None = None

    def holds(self, number: Decimal) -> bool:
        """Whether its condition does."""
        if self.limit is None:
            return False
        sign, limit = self.limit
        equal = number == limit
        match sign:
            case "<" | "<=":
                return number < limit or (equal and sign == "<=")
            case ">" | ">=":
                return number > limit or (equal and sign == ">=")
        return equal == (sign == "=")


@lru_cache(1_000)
def sections_of(code: str) -> tuple[Section, ...]:
    """The sections of a format: for numbers above, below and at nothing, and for text."""
    return tuple(_section(one) for one in _SECTIONS.findall(code)[:_MOST_SECTIONS])


def chosen(sections: tuple[Section, ...], number: Decimal) -> tuple[Section, Decimal]:
    """The section that holds for a number, and what of the number it shows."""
    for section in sections:
        if section.holds(number):
            return section, number
    if any(section.limit for section in sections):
        return next((section for section in sections if not section.limit), sections[-1]), number
    if number < 0 and len(sections) > 1:
        return sections[1], -number
    return sections[2 if number == 0 and len(sections) > 2 else 0], number


def with_text(section: Section, value: str) -> str:
    """The words of a section, and the value where it has a place among them."""
    return "".join(value if raw == "@" else shown for raw, shown in section.tokens)


def with_signs(section: Section, number: Decimal) -> str:
    """A number with the signs of a section between its digits."""
    tokens = section.tokens
    places = [at for at, (raw, _) in enumerate(tokens) if raw in PLACES]
    if not places:
        return "".join(shown for _, shown in tokens)
    for raw, _ in tokens[places[-1] + 1 :]:
        number = number * 100 if raw == "%" else number / 1000 if raw == "," else number
    point = next((at for at, (raw, _) in enumerate(tokens) if raw == "."), len(tokens))
    decimals = sum(at > point for at in places)
    whole, _, part = format(abs(number), f".{decimals}f").partition(".")
    minus = "-" if number < 0 else ""
    before = _before(tokens[:point], list(whole.lstrip("0")), min(places))
    return f"{minus}{before}{_behind(tokens[point:], list(part))}".strip()


def _before(tokens: tuple[tuple[str, str], ...], whole: list[str], first: int) -> str:
    """Digits before the point fill their places from the right; those that are left stand in the first."""
    out: list[str] = []
    for at in range(len(tokens) - 1, -1, -1):
        raw, shown = tokens[at]
        if raw in PLACES:
            out.append(whole.pop() if whole else "0" if raw == "0" else "")
            if at == first:
                out += reversed(whole)
        elif raw != ",":
            out.append(shown)
    return "".join(reversed(out))


def _behind(tokens: tuple[tuple[str, str], ...], part: list[str]) -> str:
    out = [part.pop(0) if raw in PLACES and part else "" if raw in PLACES or raw == "," else shown
           for raw, shown in tokens]  # fmt: skip
    return "".join(out)


def _section(code: str) -> Section:
    said = _LIMIT.search(code)
    bare = _GENERAL.sub("@", _CONDITION.sub("", code))
    tokens = tuple((match[0], _shown(match[0])) for match in _TOKEN.finditer(bare))
    return Section(bare, _shows(bare, tokens), tokens, (said[1], Decimal(said[2])) if said else None)


def _shown(raw: str) -> str:
    """What a sign, quoted or escaped or as it is, shows."""
    if raw[:1] == '"':
        return raw.strip('"')
    if raw[:1] == "\\":
        return raw[1:]
    return " " if raw[:1] in {"_", "*"} and len(raw) > 1 else raw


def _shows(code: str, tokens: tuple[tuple[str, str], ...]) -> Shows:
    if any(raw == "@" for raw, _ in tokens):
        return Shows.TEXT if len(tokens) > 1 else Shows.STORED
    if _DATED.search(QUOTED.sub("", code)):
        return Shows.DATE
    places = [at for at, (raw, _) in enumerate(tokens) if raw in PLACES]
    inner = tokens[places[0] : places[-1]] if places else ()
    parted = any(raw not in PLACES and raw not in {".", ","} and raw[0] not in "_*" for raw, _ in inner)
    if not parted and not any(raw not in PLACES and _DIGIT.search(shown) for raw, shown in tokens):
        return Shows.ZEROS if tokens and len(places) == len(tokens) and "#" not in code else Shows.STORED
    exponent = any(raw in {"E", "e"} for raw, _ in tokens)
    fraction = ("/", "/") in tokens and not {"#", "?"}.isdisjoint(code)
    return Shows.STORED if exponent or fraction else Shows.SIGNS

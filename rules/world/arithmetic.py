"""What the checks of several countries share: sums with weights, check digits by ISO 7064 and Verhoeff, dates."""

import re
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import mul
from typing import Final, TypeAlias

from rules.verdict import Verdict, digits_of, is_repeated

Test: TypeAlias = Callable[[str], Verdict]
Tests: TypeAlias = Mapping[str, tuple[str, Test]]  # by name: one line for the docs, the check

DIGITS_AND_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_BETWEEN: Final = rb"[ ./_~-]{0,3}"  # two digits of a number, however people group them
_SIGNS: Final = re.compile(r"[\W_]+")


def _permutation(times: int) -> tuple[int, ...]:
    """Verhoeff's permutation, used so many times."""
    row = tuple(range(10))
    turn = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
    for _ in range(times):
        row = tuple(turn[digit] for digit in row)
    return row


def _product(left: int, right: int) -> int:
    """The product of two elements of the dihedral group of order ten."""
    if left < 5:
        return (left + right) % 5 if right < 5 else 5 + (left + right) % 5
    return 5 + (left - right) % 5 if right < 5 else (left - right) % 5


_PERMUTATIONS: Final = tuple(_permutation(times) for times in range(8))
_PRODUCTS: Final = tuple(tuple(_product(left, right) for right in range(10)) for left in range(10))
_ADDRESS: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")  # of IPv4, which no country's number looks like


@dataclass(frozen=True, slots=True)
class Digits:
    """A check of a number of digits, however they are grouped: one of `lengths`, not one digit repeated, and `holds`.

    A call tests a candidate; `end` finds where one ends in a text.
    """

    lengths: tuple[int, ...]
    holds: Callable[[str], bool]
    example: str = ""  # one that every manual prints
    runs: tuple[re.Pattern[bytes], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        runs = (re.compile(rb"[0-9](?:%s[0-9]){%d}(?![0-9])" % (_BETWEEN, length - 1)) for length in self.lengths)
        object.__setattr__(self, "runs", tuple(runs))

    def __call__(self, text: str) -> Verdict:
        if text.count(".") == 3 and _ADDRESS.fullmatch(text):
            return Verdict.NO
        digits = digits_of(text)
        if digits and digits == self.example:
            return Verdict.EXAMPLE
        fits = len(digits) in self.lengths and not is_repeated(digits) and self.holds(digits)
        return Verdict.YES if fits else Verdict.NO

    def end(self, data: bytes, start: int) -> int:
        """Where the digits that begin at `start` end, however they are grouped; of several lengths one that holds."""
        last = 0
        for run in self.runs:
            match = run.match(data, start)
            if match is not None:
                last = match.end()
                if self(match[0].decode()) is not Verdict.NO:
                    break
        return last


def digits_that(length: int | tuple[int, ...], holds: Callable[[str], bool], example: str = "") -> Digits:
    """A check of digits, however they are grouped: of one of the lengths, and `holds` is true of the bare digits."""
    return Digits((length,) if isinstance(length, int) else length, holds, example)


def form_that(form: str, holds: Callable[[re.Match[str]], bool] = lambda match: True) -> Test:
    """A check of letters and digits, as capitals without separators: they match `form`, and `holds` is true."""
    compiled = re.compile(form)

    def test(text: str) -> Verdict:
        match = compiled.fullmatch(compact(text))
        return Verdict.YES if match is not None and holds(match) else Verdict.NO

    return test


def compact(text: str) -> str:
    """Letters and digits only, capitals."""
    return _SIGNS.sub("", text).upper()


def weighted_sum(digits: str, weights: Sequence[int]) -> int:
    """The sum of the digits, each times its weight; digits beyond the last weight do not count."""
    return sum(map(mul, weights, map(int, digits)))


def mod11_10(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it by ISO 7064, MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (product + int(digits[-1])) % 10 == 1


def verhoeff(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it by Verhoeff."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = _PRODUCTS[check][_PERMUTATIONS[place % 8][int(digit)]]
    return check == 0


def digit_sum(value: int) -> int:
    """The sum of the digits of a number below 100."""
    return value // 10 + value % 10


def icao_digit(text: str) -> int:
    """The check digit of a travel document's field (ICAO 9303-3, 4.9): 7, 3, 1 over and over; `<` is 0."""
    values = (0 if char == "<" else DIGITS_AND_LETTERS.index(char) for char in text)
    return sum((7, 3, 1)[place % 3] * value for place, value in enumerate(values)) % 10


def is_day(year: int | str, month: int | str, day: int | str) -> bool:
    """Whether there is such a day. A year below 100 may be of any century."""
    year, month, day = int(year), int(month), int(day)
    if year < 100:
        year += 2000 if year % 4 == 0 else 1900  # any year with as many days in February
    return 1 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]

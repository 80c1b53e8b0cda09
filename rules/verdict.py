"""What a check answers, and the arithmetic that several checks share."""

import re
from enum import StrEnum
from typing import Final


class Verdict(StrEnum):
    """Whether a candidate can be what it looks like."""

    NO = "no"
    EXAMPLE = "example"  # right in form, but known from manuals and test systems
    YES = "yes"


_ZERO: Final = ord("0")
_DOUBLED: Final = bytes.maketrans(b"0123456789", bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)))
_NAMES: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPOKEN: Final = {word: str(digit) for digit, word in enumerate(_NAMES)}
_RUN: Final = re.compile(
    rb"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)"
    rb"(?:[ ,.-]{1,3}(?:dash )?(?:zero|oh|one|two|three|four|five|six|seven|eight|nine)\b){3,23}",
    re.I,
)
_WORDS: Final = re.compile("[a-z]+")
_OTHERS: Final = re.compile("[^0-9]+")


def digits_of(text: str) -> str:
    """The ASCII digits of `text`, in order."""
    plain = text.replace(" ", "").replace("-", "")  # what mostly stands between them
    return plain if plain.isascii() and plain.isdigit() else _OTHERS.sub("", plain)


def spoken_digits(text: str) -> str:
    """The digits that the words of `text` say, oh for zero; other words say none."""
    words = _WORDS.findall(text.lower())
    return "".join("0" if word == "oh" else _SPOKEN.get(word, "") for word in words)


def spoken_end(data: bytes, start: int) -> int:
    """Where the run of digits said as words ends that begins at `start`; 0 where there is none of four or more."""
    match = _RUN.match(data, start)
    return match.end() if match else 0


def luhn_valid(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of those before it."""
    return luhn_sum(digits) % 10 == 0


def luhn_sum(digits: str) -> int:
    """The Luhn sum of digits of which the last is the check digit: a multiple of ten where that is right."""
    numbers = digits.encode()[::-1]
    return sum(numbers[0::2]) - _ZERO * len(numbers[0::2]) + sum(numbers[1::2].translate(_DOUBLED))


def is_repeated(digits: str) -> bool:
    """Whether it is one digit over and over."""
    return len(set(digits)) <= 1


def is_date(digits: str) -> bool:
    """Whether eight digits can be a date of 1900-2099: year first, or last behind day and month in either order."""
    if len(digits) != 8 or not digits.isdecimal():  # a check digit may be a K
        return False
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    first, second, last = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    leads = 1900 <= year <= 2099 and 1 <= month <= 12 and 1 <= day <= 31
    ends = 1900 <= last <= 2099 and 1 <= min(first, second) <= 12 and 1 <= max(first, second) <= 31
    return leads or ends

"""Check digits, from the issuers' own descriptions, and the small change of making numbers."""

import random
from collections.abc import Callable, Sequence

Maker = Callable[[random.Random], str]
UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def words(text: str) -> tuple[str, ...]:
    """The words of a table."""
    return tuple(text.split())


def some(rng: random.Random, count: int, first: str = "0123456789") -> str:
    """So many digits, the first out of `first`; never one digit over and over."""
    while True:
        made = rng.choice(first) + "".join(rng.choice("0123456789") for _ in range(count - 1))
        if count < 4 or len(set(made)) > 2:
            return made


def letters(rng: random.Random, count: int, among: str = UPPER) -> str:
    """So many letters."""
    return "".join(rng.choice(among) for _ in range(count))


def luhn(body: str) -> str:
    """`body` with its Luhn digit (ISO/IEC 7812-1 annex B)."""
    total = 0
    for place, digit in enumerate(reversed(body)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return body + str(-total % 10)


def weighted(body: str, weights: Sequence[int]) -> int:
    """The sum of the digits times their weights."""
    return sum(int(digit) * weight for digit, weight in zip(body, weights, strict=False))


def ean(body: str) -> str:
    """`body` with its EAN-13 check digit."""
    return body + str(-weighted(body, (1, 3) * 7) % 10)


def mod97(country: str, bban: str) -> str:
    """An IBAN of its country and BBAN (ISO 13616)."""
    number = "".join(str(int(char, 36)) for char in bban + country + "00")
    return f"{country}{98 - int(number) % 97:02}{bban}"


def verhoeff(body: str) -> str:
    """`body` with its Verhoeff digit."""
    total = 0
    for place, digit in enumerate(reversed(body), 1):
        total = _times(total, _turned(int(digit), place))
    return body + str(next(last for last in range(10) if _times(total, last) == 0))


def _times(left: int, right: int) -> int:
    """In the dihedral group of the pentagon."""
    turn = (left % 5 + (right % 5 if left < 5 else -right)) % 5
    return turn + (5 if (left < 5) != (right < 5) else 0)


def _turned(digit: int, times: int) -> int:
    for _ in range(times % 8):
        digit = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)[digit]
    return digit


def mod11_10(body: str) -> str:
    """`body` with its digit by ISO/IEC 7064 MOD 11,10."""
    product = 10
    for digit in body:
        total = (int(digit) + product) % 10 or 10
        product = 2 * total % 11
    return body + str((11 - product) % 10)


def other_last(rng: random.Random, number: str, alphabet: str = "0123456789") -> str:
    """The number with another check character."""
    at = max(place for place, char in enumerate(number) if char in alphabet)
    return number[:at] + rng.choice([char for char in alphabet if char != number[at]]) + number[at + 1 :]


def grouped(number: str, *sizes: int, by: str = " ") -> str:
    """The number in groups."""
    pieces, place = [], 0
    for size in sizes:
        pieces.append(number[place : place + size])
        place += size
    if place < len(number):
        pieces.append(number[place:])
    return by.join(pieces)

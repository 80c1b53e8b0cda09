"""The functions of sheets that make numbers and dates of numbers."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from itertools import zip_longest
from typing import Final

from policy.extraction.cells.values import Unknown, Value, number_of, text_of

_FIRST_DAY: Final = date(1899, 12, 30)
_MOST_DAYS: Final = 2_958_465
_MOST_BITS: Final = 48
_MOST_OF_A_FACTORIAL: Final = 170

_Arguments = Sequence[list[Value]]


def _at(arguments: _Arguments, at: int, otherwise: float | None = None) -> float:
    if at >= len(arguments) or not arguments[at] or arguments[at][0] == "":
        if otherwise is None and at >= len(arguments):
            raise Unknown
        return otherwise or 0.0
    return number_of(arguments[at][0])


def _all(arguments: _Arguments) -> list[float]:
    return [float(value) for each in arguments for value in each if not isinstance(value, str)]


def _whole(arguments: _Arguments, at: int) -> int:
    return int(_at(arguments, at))


def _shifted(arguments: _Arguments, way: int) -> float:
    by = _whole(arguments, 1) * way
    if abs(by) > _MOST_BITS:
        raise Unknown
    number = _whole(arguments, 0)
    return float(number << by if by >= 0 else number >> -by)


def _stepped(arguments: _Arguments, rounded: Callable[[float], int]) -> float:
    """To a multiple of the second, or of one."""
    step = _at(arguments, 1, 1.0)
    return rounded(_at(arguments, 0) / step) * step if step else 0.0


def _to_digits(arguments: _Arguments, rounded: Callable[[float], int]) -> float:
    """To so many digits behind the point, away from zero or towards it."""
    digits = max(-20, min(20, int(_at(arguments, 1, 0.0))))
    number = _at(arguments, 0)
    return math.copysign(rounded(abs(number) * 10.0**digits) / 10.0**digits, number)


def _nearest(number: float) -> int:
    return math.floor(number + 0.5)


def _products(arguments: _Arguments) -> float:
    """The sum of what stands at the same place multiplied; texts count as nothing."""
    rows = zip_longest(*arguments, fillvalue="")
    return math.fsum(math.prod(0.0 if isinstance(one, str) else float(one) for one in row) for row in rows)


def _serial(day: date) -> float:
    return float((day - _FIRST_DAY).days)


def _day(number: float) -> date:
    if not 0 <= number <= _MOST_DAYS:
        raise ValueError("no such day")
    return _FIRST_DAY + timedelta(days=int(number))


def _date(arguments: _Arguments) -> float:
    """Months and days may be more than a year or a month has."""
    year, month, day = (_whole(arguments, at) for at in range(3))
    year += 1900 if 0 <= year < 1900 else 0
    first = _months_on(date(year, 1, 1), month - 1)
    return _serial(first) + day - 1


def _months_on(day: date, months: int) -> date:
    at = day.year * 12 + day.month - 1 + months
    first = date(at // 12, at % 12 + 1, 1)
    next_month = date((at + 1) // 12, (at + 1) % 12 + 1, 1)
    return first.replace(day=min(day.day, (next_month - first).days))


def _moved(arguments: _Arguments) -> float:
    return _serial(_months_on(_day(_at(arguments, 0)), _whole(arguments, 1)))


def _month_end(arguments: _Arguments) -> float:
    first = _months_on(_day(_at(arguments, 0)).replace(day=1), _whole(arguments, 1) + 1)
    return _serial(first) - 1


def _factorial(arguments: _Arguments) -> float:
    number = _whole(arguments, 0)
    if not 0 <= number <= _MOST_OF_A_FACTORIAL:
        raise ValueError("too large")
    return float(math.factorial(number))


def _switched(arguments: _Arguments) -> Value:
    """The value behind the one that is the same as the first, or the last."""
    wanted, pairs = arguments[0][0], arguments[1:]
    for case, result in zip(pairs[::2], pairs[1::2], strict=False):
        if text_of(case[0]).lower() == text_of(wanted).lower():
            return result[0]
    if len(pairs) % 2 == 0:
        raise Unknown
    return pairs[-1][0]


def _first_true(arguments: _Arguments) -> Value:
    for truth, result in zip(arguments[::2], arguments[1::2], strict=False):
        if truth[0] and truth[0] != 0:
            return result[0]
    raise Unknown


NUMBERS: Final[Mapping[str, Callable[[_Arguments], Value]]] = {
    "QUOTIENT": lambda each: float(int(_at(each, 0) / _at(each, 1))),
    "BITAND": lambda each: float(_whole(each, 0) & _whole(each, 1)),
    "BITOR": lambda each: float(_whole(each, 0) | _whole(each, 1)),
    "BITXOR": lambda each: float(_whole(each, 0) ^ _whole(each, 1)),
    "BITLSHIFT": lambda each: _shifted(each, 1),
    "BITRSHIFT": lambda each: _shifted(each, -1),
    "SUMPRODUCT": _products,
    "SUMSQ": lambda each: math.fsum(one * one for one in _all(each)),
    "FACT": _factorial,
    "MROUND": lambda each: _stepped(each, _nearest),
    "CEILING": lambda each: _stepped(each, math.ceil),
    "CEILING.MATH": lambda each: _stepped(each, math.ceil),
    "FLOOR": lambda each: _stepped(each, math.floor),
    "FLOOR.MATH": lambda each: _stepped(each, math.floor),
    "ROUNDUP": lambda each: _to_digits(each, math.ceil),
    "ROUNDDOWN": lambda each: _to_digits(each, math.floor),
    "SQRT": lambda each: math.sqrt(_at(each, 0)),
    "SIGN": lambda each: float((_at(each, 0) > 0) - (_at(each, 0) < 0)),
    "PI": lambda _: math.pi,
    "GCD": lambda each: float(math.gcd(*map(int, _all(each)))),
    "LCM": lambda each: float(math.lcm(*map(int, _all(each)))),
    "MEDIAN": lambda each: sorted(_all(each))[len(_all(each)) // 2],
    "ISNUMBER": lambda each: isinstance(each[0][0], float),
    "ISTEXT": lambda each: isinstance(each[0][0], str) and each[0][0] != "",
    "ISBLANK": lambda each: each[0][0] == "",
    "SWITCH": _switched,
    "IFS": _first_true,
    "DATE": _date,
    "DATEVALUE": lambda each: _serial(date.fromisoformat(text_of(each[0][0])[:10])),
    "EDATE": _moved,
    "EOMONTH": _month_end,
    "DAYS": lambda each: _at(each, 0) - _at(each, 1),
    "YEAR": lambda each: float(_day(_at(each, 0)).year),
    "MONTH": lambda each: float(_day(_at(each, 0)).month),
    "DAY": lambda each: float(_day(_at(each, 0)).day),
}

"""The functions of sheets that make texts of cells, and the arithmetic of signs."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from policy.extraction.cells.format import displayed
from policy.extraction.cells.numbers import NUMBERS
from policy.extraction.cells.values import Unknown, Value, cut, number_of, text_of

__all__ = ["ARITHMETIC", "FUNCTIONS", "Unknown", "Value", "compared", "cut", "number_of", "text_of"]

_LONGEST_RESULT: Final = 32_767
_LONGEST_NUMBER: Final = 255  # digits
_SOME_DAY: Final = 45_000.0  # a formula is worked out as on any day


def compared(sign: str, left: Value, right: Value) -> bool:
    """Two values compared as sheets do: texts without regard to case."""
    if isinstance(left, str) or isinstance(right, str):
        left, right = text_of(left).lower(), text_of(right).lower()
    less, same = left < right, left == right  # type: ignore[operator]  # both texts or both numbers
    return {"=": same, "<>": not same, "<": less, ">": not less and not same, "<=": less or same, ">=": not less}[sign]


def _power(left: float, right: float) -> float:
    if abs(right) > 100 or abs(left) > 1e15:
        raise Unknown
    return float(left**right)


ARITHMETIC: Final[Mapping[str, Callable[[float, float], float]]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "^": _power,
}
_Arguments = Sequence[list[Value]]


def _one(arguments: _Arguments, at: int) -> str:
    return text_of(arguments[at][0]) if at < len(arguments) and arguments[at] else ""


def _count(arguments: _Arguments, at: int, otherwise: int = 1) -> int:
    return int(number_of(arguments[at][0])) if at < len(arguments) and arguments[at] else otherwise


def _flat(arguments: _Arguments) -> list[Value]:
    return [value for each in arguments for value in each]


def _mid(arguments: _Arguments) -> str:
    start = max(0, _count(arguments, 1) - 1)
    return _one(arguments, 0)[start : start + max(0, _count(arguments, 2))]


def _join(arguments: _Arguments) -> str:
    kept = [text_of(value) for value in _flat(arguments[2:])]
    return cut(_one(arguments, 0).join(text for text in kept if text or not arguments[1][0]))


def _right(arguments: _Arguments) -> str:
    text, count = _one(arguments, 0), max(0, _count(arguments, 1))
    return text[len(text) - count :] if count < len(text) else text


def _repeated(arguments: _Arguments) -> str:
    count = _count(arguments, 1)
    if count * len(_one(arguments, 0)) > _LONGEST_RESULT:
        raise Unknown
    return _one(arguments, 0) * max(0, count)


def _sign(arguments: _Arguments) -> str:
    code = _count(arguments, 0)
    if not 0 < code < 0x110000 or 0xD800 <= code < 0xE000:
        raise Unknown
    return bytes([code]).decode("cp1252", "replace") if code < 256 else chr(code)


def _substituted(arguments: _Arguments) -> str:
    old = _one(arguments, 1)
    return cut(_one(arguments, 0).replace(old, _one(arguments, 2))) if old else _one(arguments, 0)


def _replaced(arguments: _Arguments) -> str:
    text, start, count = _one(arguments, 0), max(0, _count(arguments, 1) - 1), max(0, _count(arguments, 2))
    return cut(text[:start] + _one(arguments, 3) + text[start + count :])


def _numbers(arguments: _Arguments) -> list[float]:
    return [float(value) for value in _flat(arguments) if not isinstance(value, str)]


def _in_base(number: int, base: int) -> str:
    if number < 0 or not 2 <= base <= 36:
        raise ValueError("no such base")
    digits = ""
    while number:
        number, digit = divmod(number, base)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    return digits or "0"


def _chosen(arguments: _Arguments) -> Value:
    at = _count(arguments, 0)
    if not 0 < at < len(arguments):
        raise Unknown
    return arguments[at][0]


FUNCTIONS: Final[Mapping[str, Callable[[_Arguments], Value]]] = {
    **NUMBERS,
    "CONCATENATE": lambda each: cut("".join(map(text_of, _flat(each)))),
    "CONCAT": lambda each: cut("".join(map(text_of, _flat(each)))),
    "TEXTJOIN": _join,
    "TEXT": lambda each: displayed(_one(each, 0), _one(each, 1)),
    "FIXED": lambda each: f"{number_of(each[0][0]):.{min(20, max(0, _count(each, 1, 2)))}f}",
    "VALUE": lambda each: number_of(each[0][0]),
    "T": lambda each: each[0][0] if isinstance(each[0][0], str) else "",
    "N": lambda each: 0.0 if isinstance(each[0][0], str) else float(each[0][0]),
    "CHAR": _sign,
    "UNICHAR": _sign,
    "REPT": _repeated,
    "LEFT": lambda each: _one(each, 0)[: max(0, _count(each, 1))],
    "RIGHT": _right,
    "MID": _mid,
    "LEN": lambda each: float(len(_one(each, 0))),
    "UPPER": lambda each: _one(each, 0).upper(),
    "LOWER": lambda each: _one(each, 0).lower(),
    "PROPER": lambda each: _one(each, 0).title(),
    "TRIM": lambda each: " ".join(_one(each, 0).split()),
    "CLEAN": lambda each: "".join(char for char in _one(each, 0) if char >= " "),
    "SUBSTITUTE": _substituted,
    "REPLACE": _replaced,
    "CHOOSE": _chosen,
    "HYPERLINK": lambda each: each[1][0] if len(each) > 1 else each[0][0],
    "SUM": lambda each: sum(number_of(value) for value in _flat(each) if not isinstance(value, str)),
    "INT": lambda each: float(int(number_of(each[0][0]) // 1)),
    "ROUND": lambda each: round(number_of(each[0][0]), max(-20, min(20, _count(each, 1, 0)))),
    "ABS": lambda each: abs(number_of(each[0][0])),
    "MOD": lambda each: number_of(each[0][0]) % number_of(each[1][0]),
    "NUMBERVALUE": lambda each: number_of(each[0][0]),
    "HEX2DEC": lambda each: float(int(_one(each, 0), 16)),
    "BIN2DEC": lambda each: float(int(_one(each, 0), 2)),
    "OCT2DEC": lambda each: float(int(_one(each, 0), 8)),
    "DECIMAL": lambda each: float(int(_one(each, 0)[:_LONGEST_NUMBER], _count(each, 1, 10))),
    "BASE": lambda each: _in_base(_count(each, 0), _count(each, 1, 10)).zfill(min(255, _count(each, 2, 0))),
    "DEC2HEX": lambda each: _in_base(_count(each, 0), 16),
    "DEC2BIN": lambda each: _in_base(_count(each, 0), 2),
    "DEC2OCT": lambda each: _in_base(_count(each, 0), 8),
    "CODE": lambda each: float(ord(_one(each, 0)[0])),
    "UNICODE": lambda each: float(ord(_one(each, 0)[0])),
    "EXACT": lambda each: _one(each, 0) == _one(each, 1),
    "FIND": lambda each: float(_one(each, 1).index(_one(each, 0)) + 1),
    "SEARCH": lambda each: float(_one(each, 1).lower().index(_one(each, 0).lower()) + 1),
    "MAX": lambda each: max(_numbers(each), default=0.0),
    "MIN": lambda each: min(_numbers(each), default=0.0),
    "COUNT": lambda each: float(len(_numbers(each))),
    "COUNTA": lambda each: float(sum(value != "" for value in _flat(each))),
    "AVERAGE": lambda each: sum(_numbers(each)) / len(_numbers(each)),
    "PRODUCT": lambda each: math.prod(_numbers(each)),
    "POWER": lambda each: _power(number_of(each[0][0]), number_of(each[1][0])),
    "TRUNC": lambda each: float(int(number_of(each[0][0]))),
    "AND": lambda each: all(_flat(each)),
    "OR": lambda each: any(_flat(each)),
    "NOT": lambda each: not each[0][0],
    "TODAY": lambda _: _SOME_DAY,
    "NOW": lambda _: _SOME_DAY,
}

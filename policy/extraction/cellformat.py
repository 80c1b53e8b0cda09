"""Numbers of a spreadsheet as its cells display them."""

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

# Formats that a workbook does not write down, by number (ECMA-376 18.8.30; [MS-XLS] 2.4.126).
BUILTIN_FORMATS: Final = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm",
    17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mmss.0", 49: "@",
}  # fmt: skip
_ZEROS: Final = re.compile(r"[0#?]+")
_PLAIN_FORMAT: Final = re.compile(r"(?:[0#?\-/. ()+]|\\.|\"[^\"]*\"|_.|\*.)+\Z")
_CONDITION: Final = re.compile(r"\[[^\]]*\]")
_QUOTED: Final = re.compile(r"\"[^\"]*\"|\\.|_.|\*.")
_DATE: Final = re.compile(r"y{1,4}|m{1,5}|d{1,4}|h{1,2}|s{1,2}(?:\.0+)?|AM/PM|A/P", re.I)
_FIRST_DAY: Final = datetime(1899, 12, 30)  # noqa: DTZ001 (a sheet's dates have no zone)
_FIRST_DAY_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001 (as above)
_LAST_DAY: Final = 2_958_466
_MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                  "November", "December")  # fmt: skip
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def plain_number(value: float) -> str:
    """With all its digits and without an exponent, as a cell stores it."""
    if value == int(value) if abs(value) < 1e40 else False:
        return str(int(value))
    return written_out(repr(value))


def written_out(value: str) -> str:
    """Without an exponent, so that long numbers show their digits."""
    if "E" not in value and "e" not in value:
        return value
    try:
        number = Decimal(value)
        return format(number, "f") if abs(number.adjusted()) < 40 else value
    except (InvalidOperation, ValueError):
        return value


def displayed(value: str, code: str, *, from_1904: bool = False) -> str:
    """A number in a format: zeros and signs such as 000-00-0000, or a date; any other as it is stored."""
    code = _CONDITION.sub("", code.partition(";")[0])
    if not code or code == "General":
        return value
    if _PLAIN_FORMAT.match(code):
        return _zeros(value, code)
    bare = _QUOTED.sub("", code)
    return _date(value, code, from_1904) if re.search(r"[yd]", bare, re.I) else value


def _zeros(value: str, code: str) -> str:
    digits = value.removeprefix("-")
    if not digits.isdecimal():
        return value
    literal = re.sub(r"[_*].", " ", code.replace("\\", "").replace('"', ""))
    places = sum(len(run) for run in _ZEROS.findall(literal))
    signs = set(literal) - set("0#?")
    if places < 4 or not signs or "." in signs:
        return digits.zfill(places) if set(literal) == {"0"} else value
    out: list[str] = []
    left = list(digits.zfill(literal.count("0")))
    for sign in reversed(literal):
        if sign in "0#?":
            if left:
                out.append(left.pop())
        else:
            out.append(sign)
    return "".join(left) + "".join(reversed(out)).strip()


def _date(value: str, code: str, from_1904: bool) -> str:
    try:
        days = float(value)
    except ValueError:
        return value
    if not 0 < days < _LAST_DAY:
        return value
    at = (_FIRST_DAY_1904 if from_1904 else _FIRST_DAY) + timedelta(days=days)
    minutes = False  # whether m stands for minutes: behind hours, and before seconds

    def token(match: re.Match[str]) -> str:
        nonlocal minutes
        name = match[0].lower()
        if name[0] == "m" and (minutes or code[match.end() : match.end() + 2].lower() == ":s"):
            return f"{at.minute:02}"
        minutes = name[0] == "h"
        return _token(name, at)

    # A quoted word stays; its letters are no signs.
    pieces = re.split(r"(\"[^\"]*\"|\\.|_.|\*.)", code)
    return "".join(
        (piece.strip('"').removeprefix("\\") if piece[:1] in '"\\' else " ") if odd else _DATE.sub(token, piece)
        for number, piece in enumerate(pieces)
        for odd in (number % 2,)
    ).strip()


def _token(name: str, at: datetime) -> str:
    month, day = _MONTHS[at.month - 1], _DAYS[at.weekday()]
    match name[0], len(name):
        case "y", size:
            return f"{at.year:04}" if size > 2 else f"{at.year % 100:02}"
        case "m", size:
            return {1: str(at.month), 2: f"{at.month:02}", 3: month[:3], 4: month}.get(size, month[0])
        case "d", size:
            return {1: str(at.day), 2: f"{at.day:02}", 3: day[:3]}.get(size, day)
        case "h", size:
            return f"{at.hour:02}" if size == 2 else str(at.hour)
        case "s", _:
            return f"{at.second:02}"
    return "PM" if at.hour >= 12 else "AM"

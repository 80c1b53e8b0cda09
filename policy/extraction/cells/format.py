"""Numbers of a spreadsheet as its cells display them."""

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from policy.extraction.cells.numberformat import LONGEST_CODE, Shows, chosen, sections_of, with_signs, with_text

# Formats that a workbook does not write down, by number (ECMA-376 18.8.30; [MS-XLS] 2.4.126).
BUILTIN_FORMATS: Final = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "m/d/yyyy", 15: "d-mmm-yy", 16: "d-mmm",
    17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "m/d/yyyy h:mm",
    45: "mm:ss", 46: "[h]:mm:ss", 47: "mmss.0", 49: "@",
}  # fmt: skip
# Years of an era (`g` and `e`) and of the Buddhist calendar (`b`) are given as those of the common calendar.
_DATE: Final = re.compile(r"y{1,4}|m{1,5}|d{1,4}|h{1,2}|s{1,2}(?:\.0+)?|AM/PM|A/P|\Ab[12]|b{2,4}|g{1,3}|e{1,2}", re.I)
_FIRST_DAY: Final = datetime(1899, 12, 30)  # noqa: DTZ001 (a sheet's dates have no zone)
_FIRST_DAY_1904: Final = datetime(1904, 1, 1)  # noqa: DTZ001 (as above)
_LAST_DAY: Final = 2_958_466
_MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                  "November", "December")  # fmt: skip
_DOUBLE: Final = 17  # signs of a number, from which some are lost
_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def plain_number(value: float) -> str:
    """With all its digits and without an exponent, as a cell stores it."""
    if value == int(value) if abs(value) < 1e40 else False:
        return str(int(value))
    return written_out(repr(value))


def written_out(value: str) -> str:
    """Without an exponent, so that long numbers show their digits; a cell holds no more of them than IEEE 754 does."""
    if len(value) > _DOUBLE and "." in value:
        try:
            held = float(value)
        except ValueError:
            return value
        if held.is_integer() and abs(held) < 10**15:
            return str(int(held))
    if "E" not in value and "e" not in value:
        return value
    try:
        number = Decimal(value)
        return format(number, "f") if abs(number.adjusted()) < 40 else value
    except (InvalidOperation, ValueError):
        return value


def displayed(value: str, code: str, *, from_1904: bool = False) -> str:
    """A value in a format: signs between its digits, words beside it, or a date; any other as it is stored."""
    if not code or code == "General":
        return value
    code = code[:LONGEST_CODE]
    sections = sections_of(code)
    if all(section.shows is Shows.STORED for section in sections):
        return value
    number = _decimal(value)
    if number is None:
        return displayed_text(value, code)
    section, number = chosen(sections, number)
    match section.shows:
        case Shows.DATE:
            return _date(value, section.code, from_1904)
        case Shows.ZEROS:
            return value.zfill(len(section.tokens)) if value.isdecimal() else value
        case Shows.TEXT:
            return with_text(section, value)
        case Shows.SIGNS:
            return with_signs(section, number)
    return value


def displayed_text(value: str, code: str) -> str:
    """A text in a format: with the words that stand beside it."""
    sections = sections_of(code[:LONGEST_CODE])
    text = (sections[3:4] or sections[:1] or (None,))[0]
    return with_text(text, value) if text and text.shows is Shows.TEXT else value


def _decimal(value: str) -> Decimal | None:
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) < 40 else None


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
        case "e", _:
            return str(at.year)
        case "b", size:
            return "" if name[-1] != "b" else f"{at.year:04}" if size > 2 else f"{at.year % 100:02}"
        case "g", _:
            return ""
    return "PM" if at.hour >= 12 else "AM"

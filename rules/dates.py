"""Dates of birth, in the forms that people write."""

import re
from typing import Final

from rules.verdict import Verdict
from rules.world.arithmetic import is_day

_NAMES: Final = (  # how the names of months begin, in the languages that letters write theirs out in
    "jan jän ene gen sty led oca tam янв",
    "feb fév fev lut úno şub hel фев",
    "mar mär mrt maa bře mars már мар",
    "apr avr abr kwi dub nis huh ápr апр",
    "may mai mei mag maj kvě tou máj мая май",
    "jun jui giu cze čer haz kes jún июн",
    "jul lug lip tem hei júl июл",
    "aug aoû aou ago sie srp ağu elo авг",
    "sep set wrz zář eyl syy szep сен",
    "oct okt out ott paź říj eki lok окт",
    "nov lis kas mra marr ноя",
    "dec dez déc dic gru pro ara jou дек",
)
_MONTHS: Final = {name: month for month, names in enumerate(_NAMES, 1) for name in names.split()}
# Names that begin alike, told apart by more of them.
_LONGER: Final = {
    "juil": 7,
    "juill": 7,
    "marras": 11,
    "červenec": 7,
    "července": 7,
    "heinä": 7,
    "mayıs": 5,
    "kasım": 11,
    "kesä": 6,
}
_DIGITS: Final = re.compile(r"\d+")
_LETTERS: Final = re.compile(r"[^\W\d_]{3,}")
_OLDEST: Final = 1900
_LATEST: Final = 2039  # rules have no clock; a date later than today is no harm

_WISH: Final = re.compile(
    rb"(?i)\b(?:happy b(?:irth|-)?day|birth control)\b(?:(?!\bborn|\bdob|birth ?date|\bb\.)[^\n]){0,60}\Z"
)
_FARTHEST_WISH: Final = 80


def birth_place(data: bytes, start: int, end: int) -> Verdict:
    """Not behind a wish for a birthday, which tells the day of the party, nor behind birth control."""
    return Verdict.NO if _WISH.search(data, max(0, start - _FARTHEST_WISH), start) else Verdict.YES


def birth_date(text: str) -> Verdict:
    """A day of 1900 or later; day and month in either order where both can be."""
    numbers = _DIGITS.findall(text)
    month = _month(text)
    if month and len(numbers) == 2:
        day, year = (numbers[1], numbers[0]) if len(numbers[0]) == 4 else (numbers[0], numbers[1])
        return _verdict(_is_date(year, str(month), day))
    if len(numbers) == 8 and max(map(len, numbers)) == 1:  # each digit apart, as in the boxes of a form
        numbers = ["".join(numbers)]
    if len(numbers) == 1 and len(numbers[0]) == 8:
        run = numbers[0]
        numbers = [run[:4], run[4:6], run[6:]]
        if not _is_date(*numbers):
            numbers = [run[:2], run[2:4], run[4:]]
    if len(numbers) != 3:
        return Verdict.NO
    if len(numbers[0]) == 4:
        return _verdict(_is_date(numbers[0], numbers[1], numbers[2]))
    first, second, year = numbers
    return _verdict(_is_date(year, first, second) or _is_date(year, second, first))


def _month(text: str) -> int:
    """The month that a word of the text names; 0 where there is none."""
    for word in _LETTERS.findall(text.lower()):
        for start, month in _LONGER.items():
            if word.startswith(start):
                return month
        for size in (4, 3):
            if word[:size] in _MONTHS:
                return _MONTHS[word[:size]]
    return 0


def _is_date(year: str, month: str, day: str) -> bool:
    whole = len(year) == 2 or _OLDEST <= int(year) <= _LATEST
    return whole and len(year) in (2, 4) and is_day(year, month, day)


def _verdict(holds: bool) -> Verdict:
    return Verdict.YES if holds else Verdict.NO

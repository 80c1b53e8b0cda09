"""Words of strangers made fit to stand in our mails: one line, nothing invisible, not too long. And dates as people
say them.
"""

import unicodedata
from datetime import datetime, timedelta
from typing import Final

MAX_NAME: Final = 120  # characters of a person's or a file's name in a notice
MAX_LINE: Final = 250

# Cc controls, Cf invisible and direction-changing characters, Cs surrogates, Co private use, Cn unassigned.
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS: Final = frozenset("‌‍")  # needed to write Persian, Hindi and emoji; harmless within a line


def one_line(text: str, limit: int = MAX_LINE) -> str:
    """`text` as one line of at most `limit` characters: white space and line ends become one space, what cannot be seen
    or turns the direction of writing goes.
    """
    if len(text) > limit * 8:  # a name of 10 MB is not worth looking at whole
        text = text[: limit * 8]
    spaced = "".join(" " if c.isspace() or c in "\x85\u2028\u2029" else c for c in text)
    seen = "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in _INVISIBLE)
    line = " ".join(seen.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def many_lines(text: str, limit: int) -> str:
    """`text` with its line ends as `\\n`, without what cannot be seen, and at most `limit` characters of it."""
    lines = text[:limit].replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or c in _JOINERS or unicodedata.category(c) not in _INVISIBLE)


def person(name: str, address: str) -> str:
    """How a person is called: by name, else by address."""
    return one_line(name, MAX_NAME) or one_line(address, MAX_LINE)


def long_date(when: datetime) -> str:
    """21 December 2026"""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def long_time(when: datetime) -> str:
    """21 December 2026, 10:15 UTC"""
    return f"{long_date(when)}, {when.hour:02d}:{when.minute:02d} UTC"


def span(length: timedelta) -> str:
    """15 minutes, 1 hour, 2 days"""
    minutes = max(1, round(length.total_seconds() / 60))
    for size, word in ((1440, "day"), (60, "hour")):
        if minutes >= size and minutes % size == 0:
            return counted(minutes // size, word)
    return counted(minutes, "minute")


def counted(number: int, word: str) -> str:
    """1 document, 3 documents"""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def megabytes(size: int) -> str:
    """412 KB, 17.6 MB"""
    return f"{max(1, round(size / 1000))} KB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


# Not strftime's %B: that speaks the locale of the machine.
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

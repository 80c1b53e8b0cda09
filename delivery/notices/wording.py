"""Makes words of strangers safe to stand in our mails: on one line, nothing invisible, not too long."""

import unicodedata
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
    line = " ".join((text if text.isprintable() else _seen(text)).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _seen(text: str) -> str:
    spaced = "".join(" " if c.isspace() or c in "\x85\u2028\u2029" else c for c in text)
    return "".join(c for c in spaced if c in _JOINERS or unicodedata.category(c) not in _INVISIBLE)


def many_lines(text: str, limit: int) -> str:
    """`text` with its line ends as `\\n`, without what cannot be seen, and at most `limit` characters of it."""
    lines = text[:limit].replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in lines if c in "\n\t" or c in _JOINERS or unicodedata.category(c) not in _INVISIBLE)


def person(name: str, address: str) -> str:
    """How a person is called: by name, else by address."""
    return one_line(name, MAX_NAME) or one_line(address, MAX_LINE)

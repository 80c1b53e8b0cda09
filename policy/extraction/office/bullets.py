"""What stands in front of the paragraphs of a slide (ECMA-376 21.1.2.4): numbers, and signs that are digits."""

import re
from typing import TYPE_CHECKING, Final

from policy.extraction.office.wordstyles import counted

if TYPE_CHECKING:
    from lxml import etree

_FORMS: Final = {"arabic": "decimal", "alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman",
                 "romanUc": "upperRoman"}  # fmt: skip
_KIND: Final = re.compile(r"(arabic|alphaLc|alphaUc|romanLc|romanUc)(Plain|Period|ParenR|ParenBoth)\Z")
_AROUND: Final = {"Plain": "{}", "Period": "{}.", "ParenR": "{})", "ParenBoth": "({})"}
_SAID: Final = re.compile(r"[0-9]{1,5}\Z")
_NUMBER: Final = frozenset("0123456789-")


class Bullets:
    """Counts paragraphs that are numbered alike behind each other, at each level."""

    def __init__(self) -> None:
        self._at: dict[str, tuple[str, int]] = {}  # by level: what it is numbered by, and the last number

    def label(self, element: "etree._Element", level: str) -> str:
        """Of a paragraph whose properties hold this `buAutoNum` or `buChar`; empty where it is no part of a number."""
        sign = element.get("char", "")
        if sign:
            return sign if set(sign) <= _NUMBER else ""
        kind = _KIND.match(element.get("type", ""))
        said = element.get("startAt", "1")
        if not kind or not _SAID.match(said):
            return ""
        start = int(said)
        name, last = self._at.get(level, ("", 0))
        number = last + 1 if name == f"{kind[0]} {start}" else start
        self._at[level] = (f"{kind[0]} {start}", number)
        return _AROUND[kind[2]].format(counted(number, _FORMS[kind[1]]))

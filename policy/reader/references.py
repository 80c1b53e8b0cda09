"""Character references of HTML and XML, however long they are written."""

import html
import re
from typing import Final

# With more digits Python's int() raises ValueError from 4,301 on, and would take square time without its limit.
_LONG: Final = re.compile(r"&#(?:([xX])([0-9a-fA-F]{8,})|([0-9]{8,}))")
_MOST: Final = 8  # digits of a code, zeros in front apart: no sign has so many, and what has more is as little a sign
_READ: Final = 1 << 24  # characters of a text: what lies behind stays as it is


def unescape(text: str) -> str:
    """The signs that references stand for, as browsers read them: by any number of zeros, or U+FFFD for none."""
    if "&" not in text:
        return text
    read, rest = (text, "") if len(text) <= _READ else (text[:_READ], text[_READ:])
    return html.unescape(_LONG.sub(_shortened, read) if "&#" in read else read) + rest


def _shortened(match: re.Match[str]) -> str:
    digits = (match[2] or match[3]).lstrip("0")[:_MOST] or "0"
    return f"&#{match[1] or ''}{digits}"

"""Plain text as displayed: charsets, flowed lines, folded calendars, escapes of JSON."""

import re
from typing import Final

from policy.reader.charsets import readings

_SOFT_LINE: Final = re.compile(r" \r?\n(?:>[ >]*)?")
_FOLD: Final = re.compile(r"\r?\n[ \t]")
_JSON_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([/\"\\]))")
_FOLDED_TYPES: Final = frozenset({"text/calendar", "text/vcard", "text/x-vcard", "text/directory", "text/x-vcalendar"})
_FOLDED_STARTS: Final = ("BEGIN:VCALENDAR", "BEGIN:VCARD")


def text_readings(
    data: bytes, charset: str = "", media_type: str = "", *, flowed: bool = False, delsp: bool = False
) -> tuple[str, ...]:
    """Every reading of a text, likeliest first, each once."""
    found: dict[str, None] = {}
    for text in readings(data, charset):
        found[text] = None
        if flowed and " \n" in text.replace("\r\n", "\n"):
            found[_SOFT_LINE.sub("" if delsp else " ", text)] = None
        if media_type in _FOLDED_TYPES or text[:40].lstrip().upper().startswith(_FOLDED_STARTS):
            found[unescape_lines(_FOLD.sub("", text))] = None
        if "\\u" in text or "\\x" in text or "\\/" in text:
            found[_JSON_ESCAPE.sub(_unescaped, text)] = None
    return tuple(found)


def unescape_lines(text: str) -> str:
    """The escapes of RFC 5545 3.3.11."""
    return text.replace("\\n", "\n").replace("\\N", "\n").replace("\\,", ",").replace("\\;", ";")


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1] or match[2], 16)) if match[1] or match[2] else match[3]

"""Plain text as displayed: charsets, flowed lines, escapes, numbers written oddly, and what is turned around."""

import re
from typing import Final

from policy.extraction.bidi import has_controls, visual_lines
from policy.extraction.cards import read_card
from policy.extraction.spelling import spelled_readings
from policy.reader.charsets import readings

_MOST_SPELLED: Final = 2 << 20  # characters of all readings of one text in which odd spellings are looked for
_SOFT_LINE: Final = re.compile(r" \r?\n(?:>[ >]*)?")
_QUOTED_LINE: Final = re.compile(r"(?<=[0-9][-\u2010])\r?\n>[> ]*(?=[0-9])")  # a number over two quoted lines
_JSON_ESCAPE: Final = re.compile(r"\\(?:u\{?([0-9a-fA-F]{4})\}?|x([0-9a-fA-F]{2})|([/\"\\]))")


def text_readings(
    data: bytes, charset: str = "", media_type: str = "", *, flowed: bool = False, delsp: bool = False
) -> tuple[str, ...]:
    """Every reading of a text, likeliest first, each once."""
    found: dict[str, None] = {}
    for text in readings(data, charset):
        found[text] = None
        if flowed and " \n" in text.replace("\r\n", "\n"):
            found[_SOFT_LINE.sub("" if delsp else " ", text)] = None
        if ">" in text and "\n>" in text:
            found[_QUOTED_LINE.sub("", text)] = None
        found.update(dict.fromkeys(read_card(text, media_type).texts))
        if "\\" in text and ("\\u" in text or "\\x" in text or "\\/" in text):
            found[_JSON_ESCAPE.sub(_unescaped, text)] = None
        if has_controls(text):
            found.update(dict.fromkeys(visual_lines(text)))
    room = _MOST_SPELLED  # the likeliest reading is looked through whole
    for text in list(found):
        if room < 0:
            break
        room -= len(text)
        plain = data if data.isascii() else text.encode("utf-8", "replace")
        found.update(dict.fromkeys(spelled_readings(text, plain)))
    return tuple(found)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1] or match[2], 16)) if match[1] or match[2] else match[3]

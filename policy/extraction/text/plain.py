"""Plain text as displayed: charsets, flowed lines, escapes, numbers written oddly."""

import re
from typing import Final

from policy.extraction.text.cards import card_text, is_card, read_card
from policy.extraction.text.spelling import spelled_readings
from policy.reader.charsets import readings
from policy.reader.turns import Once, encoded, holds

_MOST_SPELLED: Final = 2 << 20  # characters of all readings of one text in which odd spellings are looked for
_SOME: Final = 1 << 18  # characters
_OF_SOFT_LINES: Final = " \r\n>"
_SOFT_LINE: Final = re.compile(r" \r?\n(?:>[ >]*)?")
# A number over two quoted lines: behind a dash it goes on, else it stands as it would without the quotation.
_QUOTED_LINE: Final = re.compile(r"(?<=[0-9][-\u2010])\r?\n>[> ]*(?=[0-9])|(?<=[0-9])( ?\r?\n)>[> ]*(?=[0-9])")
_JSON_ESCAPE: Final = re.compile(r"\\(?:u\{?([0-9a-fA-F]{4})\}?|x([0-9a-fA-F]{2})|([/\"\\]))")


def text_readings(
    data: bytes, charset: str = "", media_type: str = "", *, flowed: bool = False, delsp: bool = False
) -> tuple[str, ...]:
    """Every reading of a text, likeliest first, each once."""
    found: Once[str] = Once()
    for text in readings(data, charset):
        found.add(text)
        if flowed:
            found.add(_unflowed(text, "" if delsp else " "))
        if ">" in text and holds(text, "\n>"):
            found.add(_QUOTED_LINE.sub(r"\1", text))
        found.update(read_card(text, media_type).texts)
        if is_card(data, media_type) and not data.isascii():
            found.update(read_card(card_text(data, charset), media_type).texts)
        if "\\" in text and any(holds(text, sign) for sign in ("\\u", "\\x", "\\/")):
            found.add(_JSON_ESCAPE.sub(_unescaped, text))
    room = _MOST_SPELLED  # the likeliest reading is looked through whole
    for text in found.all():
        if room < 0:
            break
        room -= len(text)
        plain = data if data.isascii() else encoded(text)
        found.update(spelled_readings(text, plain))
    return found.all()


def _unflowed(text: str, by: str) -> str:
    """Soft line ends undone; some at a time, for to do it in one call would keep other threads waiting."""
    pieces: list[str] = []
    start = 0
    while start < len(text):
        stop = start + _SOME
        while stop < len(text) and text[stop] in _OF_SOFT_LINES:
            stop += 1
        pieces.append(_SOFT_LINE.sub(by, text[start:stop]))
        start = stop
    return "".join(pieces)


def _unescaped(match: re.Match[str]) -> str:
    return chr(int(match[1] or match[2], 16)) if match[1] or match[2] else match[3]

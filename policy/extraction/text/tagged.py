"""Texts that some program shows as a page, whatever they are called."""

import re
from typing import Final

from policy.reader.turns import without

_MARKED: Final = re.compile(rb"[0-9-]</?[a-zA-Z!][^<>]{0,200}>")  # tags within a number, whatever the file is
_NUMBER: Final = frozenset(b"0123456789-")
_MOST_TAGS: Final = 20_000  # looked at one by one


def reads_as_page(media_type: str, data: bytes) -> bool:
    """Whether some program shows a text as a page."""
    if "html" in media_type or media_type in {"text/enriched", "text/richtext"}:
        return True
    wide = b"\0" in data[:64]  # two bytes a character, or four
    return has_tags_in_numbers(without(data, b"\0") if wide else data)


def has_tags_in_numbers(data: bytes) -> bool:
    """Looks where tags begin: to try every digit of a long text takes longer than all else together."""
    at = data.find(b"<", 1)
    for _ in range(_MOST_TAGS):
        if at < 0:
            return False
        if data[at - 1] in _NUMBER and _MARKED.match(data, at - 1):
            return True
        at = data.find(b"<", at + 1)
    return bool(_MARKED.search(data, at))

"""Where headers end and the body begins, in every way the bytes allow."""

import re
from dataclasses import dataclass, field
from typing import Final

_BLANK: Final = re.compile(rb"\n\r?\n")
_LOGICAL: Final = re.compile(rb"[^\n]*+(?:\n[ \t][^\n]*+)*+")
_NAME: Final = re.compile(rb"[!-9;-~]+[ \t]*\Z")
_FIELD: Final = re.compile(rb"\s{0,200}[!-9;-~]{1,200}[ \t]{0,9}:[^\n]")
_WHITE_LINE: Final = re.compile(rb"\n[ \t]+\r?\n")
_MOST_SHORTER: Final = 2  # a first line that continues nothing is skipped by some; the body then begins at the next
_MBOX: Final = (b"From ", b">From ")

# What machines write into fields that nobody is shown: identifiers, a date with the name of a time zone, a version.
_IDENTIFIERS: Final = re.compile(rb"\s*(?:<?[^\s<>()\"]{0,990}>?\s*)?(?:<[^\s<>]{0,990}>[\s,]*)*")
_DATE: Final = re.compile(rb"[A-Za-z0-9,:+ \r\n\t-]{0,60}(?:\([A-Za-z .+-]{1,40}\)\s*)?")
_MANY_DIGITS: Final = re.compile(rb"(?:[0-9][ -]?){7}")
_USUAL: Final = {
    **dict.fromkeys(("message-id", "in-reply-to", "references", "return-path", "content-id"), _IDENTIFIERS),
    "date": _DATE,
    "mime-version": re.compile(rb"[0-9. ]{1,9}(?:\([A-Za-z0-9 .'/\\()]{0,60}\))?"),
}

HeaderFields = tuple[tuple[str, bytes], ...]  # lower-case name, value as received


@dataclass(frozen=True, slots=True)
class Entity:
    """One reading of headers and body. `stray` are lines among the headers that are none; `more` were not read."""

    headers: HeaderFields = field(repr=False)
    body: int  # offset of the body
    stray: tuple[bytes, ...] = field(default=(), repr=False)
    more: bytes = field(default=b"", repr=False)

    def all(self, name: str) -> tuple[bytes, ...]:
        """Every value of one header, in order."""
        return tuple(value for key, value in self.headers if key == name)


def is_unlike(name: str, value: bytes) -> bool:
    """Whether a field that only machines read holds what no machine writes there: words of a person's."""
    usual = _USUAL.get(name)
    if usual is None or usual.fullmatch(value):
        return name == "date" and _MANY_DIGITS.search(value) is not None
    return True


def begins_with_header(data: bytes) -> bool:
    """Whether the first line is a header field, so that the bytes can be a MIME entity."""
    return _FIELD.match(data) is not None


def entity_readings(data: bytes, most_headers: int) -> tuple[Entity, ...]:
    """Headers up to the first blank line; and, where that differs, up to the first lines that are no headers."""
    if data.startswith((b"\r\n", b"\n")):
        return (Entity((), 2 if data[:1] == b"\r" else 1),)
    blank = _BLANK.search(data)
    end, body = (blank.start() + 1, blank.end()) if blank else (len(data), len(data))
    headers: list[tuple[str, bytes]] = []
    stray: list[bytes] = []
    shorter: list[Entity] = []
    at = 0
    more = b""
    while at < end:
        match = _LOGICAL.match(data, at, end)
        stop = match.end() if match else end
        line = data[at:stop]
        name, colon, value = line.partition(b":")
        if colon and _NAME.match(name):
            if len(headers) >= most_headers:
                more = data[at:end]
                break
            headers.append((name.rstrip().decode("ascii").lower(), value.strip(b" \t\r\n")))
        elif at or not line.startswith(_MBOX):
            if len(shorter) < _MOST_SHORTER:
                shorter.append(Entity(tuple(headers), at))
            if line.strip() and len(stray) < most_headers:
                stray.append(line)
        at = stop + 1
    whole = Entity(tuple(headers), body, tuple(stray), more)
    found = [whole, *shorter, *_white_lines(data, end, most_headers)]
    return tuple({entity.body: entity for entity in found}.values())


def _white_lines(data: bytes, end: int, most_headers: int) -> list[Entity]:
    """A line of nothing but blanks: the end of the headers to some, a continuation to others."""
    white = _WHITE_LINE.search(data, 0, end)
    if white is None:
        return []
    before = entity_readings(data[: white.start() + 1] + b"\n", most_headers)[0]
    return [Entity(before.headers, white.end())]

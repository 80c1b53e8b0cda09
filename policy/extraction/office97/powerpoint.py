"""PowerPoint 97 to 2003 presentations ([MS-PPT]): every text atom, by the slide, notes page or master it stands in."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from policy.extraction.office97.slidetexts import without_looks

_CONTAINER: Final = 0xF
_PLACES: Final = {
    0x03EE: "slide", 0x03F0: "notes", 0x03F8: "master", 0x0FC9: "handout", 0x03E8: "presentation",
    0x07D0: "lists", 0x0409: "objects", 0x0FD9: "header and footer", 0x2EE0: "comment", 0x040F: "links",
}  # fmt: skip
_SLIDE_LIST: Final = 0x0FF0  # the outline: what stands in the placeholders of every slide
_LISTS: Final = {0: "outline", 1: "master", 2: "outline of the notes"}
_WIDE, _NARROW, _NAMED, _OBJECT = 0x0FA0, 0x0FA8, 0x0FBA, 0x1011
_STYLES: Final = 0x0FA1
_TAG_DATA: Final = 0x138B  # an atom that holds records
_MOST_DEEP: Final = 60
_SIGNS: Final = {0x0B: "\n", 0x0D: "\n", 0: ""}
_MOST_RECORDS: Final = 2_000_000
_DRAWING_PROPERTIES: Final = (0xF00B, 0xF121, 0xF122)


@dataclass(slots=True)
class Presentation:
    """(place, text) as they stand, and the embedded objects: OLE containers or packages."""

    texts: list[tuple[str, str]] = field(default_factory=list)
    objects: list[bytes] = field(default_factory=list, repr=False)
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class _Container:
    end: int
    place: str


def read_presentation(stream: bytes, room: int) -> Presentation:
    """The stream `PowerPoint Document`, atom by atom; objects that unpack to more than `room` bytes are not given."""
    found = Presentation()
    counts: dict[str, int] = {}
    open_ones: list[_Container] = []
    at = count = 0
    last = ""  # text, whose runs come behind it
    while at + 8 <= len(stream) and count < _MOST_RECORDS:
        count += 1
        version, kind, size = struct.unpack_from("<HHI", stream, at)
        while open_ones and at >= open_ones[-1].end:
            found.is_whole &= at == open_ones.pop().end
        place = open_ones[-1].place if open_ones else ""
        at += 8
        if version & _CONTAINER == _CONTAINER or kind == _TAG_DATA:
            if len(open_ones) < _MOST_DEEP:
                open_ones.append(_Container(at + size, _place(kind, version >> 4, place, counts)))
            else:
                found.is_whole = False
            continue
        data = stream[at : at + size]
        if kind == _OBJECT:
            unpacked, whole = _unpacked(data, version >> 4, room)
            room -= len(unpacked)
            found.is_whole &= whole
            found.objects.append(unpacked)
        else:
            texts = list(_texts(kind, data))
            if kind == _STYLES and last:
                texts = without_looks(last, data)
            last = texts[0] if kind in (_WIDE, _NARROW) and texts else last
            found.texts += [(place or "presentation", text) for text in texts]
        at += size
    found.is_whole &= at <= len(stream) and all(container.end == at for container in open_ones)
    return found


def _place(kind: int, instance: int, place: str, counts: dict[str, int]) -> str:
    label = _LISTS.get(instance, "outline") if kind == _SLIDE_LIST else _PLACES.get(kind, "")
    if not label:
        return place
    if label in {"slide", "notes"}:
        counts[label] = counts.get(label, 0) + 1
        return f"{label} {counts[label]}"
    return f"{place} > {label}" if label == "comment" and place else label


def _texts(kind: int, data: bytes) -> Iterator[str]:
    if kind in (_WIDE, _NAMED):
        yield data.decode("utf-16-le", "replace").translate(_SIGNS)
    elif kind == _NARROW:
        yield data.decode("latin-1").translate(_SIGNS)
    elif kind in _DRAWING_PROPERTIES:
        yield from _described(data)


def _described(data: bytes) -> Iterator[str]:
    """Texts among the properties of a shape ([MS-ODRAW] 2.3.4): its name, what stands for it, drawn letters."""
    names: list[tuple[int, int]] = []
    at = 0
    sizes = 0
    while at + 6 <= len(data) - sizes:
        identifier, value = struct.unpack_from("<HI", data, at)
        if identifier & 0x8000:
            names.append((identifier & 0x3FFF, value))
            sizes += min(value, len(data))
        at += 6
    for identifier, value in names:
        if identifier in (0x380, 0x381, 0x382, 0x38D, 0xC0, 0x145, 0x105):
            text = data[at : at + value].decode("utf-16-le", "replace").strip("\0")
            if text:
                yield text
        at += value


def _unpacked(data: bytes, instance: int, room: int) -> tuple[bytes, bool]:
    """An embedded object (2.10.34), which may be packed, and whether it is whole."""
    if instance == 0:
        return data, True
    unpacker = zlib.decompressobj()
    try:
        unpacked = unpacker.decompress(data[4:], max(1, room))
    except zlib.error:
        return b"", False
    return unpacked, unpacker.eof

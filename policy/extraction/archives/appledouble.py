"""AppleSingle and AppleDouble (RFC 1740): what Macintosh programs say of a file beside its bytes, or around them."""

import struct
from typing import Final

from policy.extraction.collected import Collected, File, Inner, inner_place
from policy.extraction.text.runs import all_runs
from rules.content import FileKind

_HEAD: Final = 26
_ENTRY: Final = struct.Struct(">III")
_DATA, _RESOURCES, _NAME, _COMMENT = 1, 2, 3, 4
_MOST: Final = 64  # entries


def read_appledouble(file: File, into: Collected, inner: Inner) -> None:
    """The data fork as a file of its own; names, comments and resources as texts."""
    data = file.data
    count = int.from_bytes(data[24:26], "big")
    reason = "an AppleDouble file that is broken" if len(data) < _HEAD or count > _MOST else ""
    at = len(into.files)
    for number in range(min(count, _MOST)):
        place = _HEAD + number * _ENTRY.size
        if place + _ENTRY.size > len(data):
            reason = "an AppleDouble file that is broken"
            break
        kind, start, size = _ENTRY.unpack_from(data, place)
        body = data[start : start + size]
        if len(body) < size:
            reason = "an AppleDouble file that is broken"
        if kind == _DATA and body:
            name = file.name or "data"
            if into.budget.take_file() and into.budget.take_bytes(len(body)):
                inner(File(name, body, inner_place(file.place, "data"), file.depth + 1), into)
            else:
                reason = "unpacks to more than is read"
        elif kind in {_NAME, _COMMENT}:
            into.text(file.place, body.decode("mac-roman", "replace"))
        else:
            into.text(inner_place(file.place, "resources"), all_runs(body))
    into.fact(file, FileKind.UNKNOWN, reason=reason)
    into.files.insert(at, into.files.pop())

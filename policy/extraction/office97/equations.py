"""Formulas that the equation editors of Office keep in an OLE container (MTEF): their signs, in their order."""

import re
from typing import Final

# A sign: kind of record, in newer editors its options, typeface, and what it is in UTF-16.
_SIGNS: Final = {
    version: re.compile(start + rb"[\x80-\xff]([\x20-\xff]\0|[\0-\xff][\x01-\xff])", re.DOTALL)
    for version, start in ((2, rb"[\x02\x12\x22\x32]"), (3, rb"[\x02\x12\x22\x32]"), (5, rb"\x02[\0-\x1f]"))
}


def equation_text(data: bytes) -> str | None:
    """The text of an `Equation Native`, without roots and fractions; None where it is in no known version."""
    start = int.from_bytes(data[:2], "little")
    signs = _SIGNS.get(data[start]) if 0 < start < len(data) else None
    if signs is None:
        return None
    return b"".join(match[1] for match in signs.finditer(data, start)).decode("utf-16-le", "replace")

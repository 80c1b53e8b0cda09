"""What a signed, packed or encrypted wrapping turned out to hold."""

import zlib
from dataclasses import dataclass, field


@dataclass(slots=True)
class Unwrapped:
    """`contents` stand open in it, `names` beside them; what is not `whole` could not be read to its end."""

    contents: list[bytes] = field(default_factory=list, repr=False)
    names: list[bytes] = field(default_factory=list, repr=False)
    is_encrypted: bool = False
    whole: bool = True


def inflated(data: bytes, wbits: int, room: int) -> bytes | None:
    """What zlib (`wbits` as its own) unpacks, as far as it goes; None where that is more than there is room for."""
    machine = zlib.decompressobj(wbits)
    out = bytearray()
    step = 64 * 1024
    for at in range(0, len(data), step):
        try:
            out += machine.decompress(data[at : at + step], room - len(out) + 1)
        except zlib.error:
            break
        if machine.unconsumed_tail or len(out) > room:
            return None
        if machine.eof:
            break
    return bytes(out)

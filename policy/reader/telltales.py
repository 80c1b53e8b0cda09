"""Signs of what may stand written in a text, all of them looked for in one pass.

`bytes.find` takes up to a millisecond a megabyte for each, and lets no other thread run meanwhile.
"""

import re
from enum import IntEnum
from typing import Final

from rules.engine import Engine, Expression


class Telltale(IntEnum):
    """What a text may hold where the sign stands in it; a closer look has to say."""

    BEGIN = 0  # a uuencoded file, or one of yEnc
    BINHEX = 1
    ARMOUR = 2  # something encrypted or signed


OF_FILES: Final = frozenset({Telltale.BEGIN, Telltale.BINHEX})
_SIGNS: Final = {
    Telltale.BEGIN: "begin",
    Telltale.BINHEX: "(This file must be converted with BinHex",
    Telltale.ARMOUR: "-----BEGIN",
}
_ENGINE: Final = Engine([Expression(re.escape(_SIGNS[sign]), once=True, bytewise=True) for sign in Telltale])


def telltales(data: bytes) -> frozenset[Telltale]:
    """Which signs stand in it."""
    return frozenset(Telltale(event >> 40) for block in _ENGINE.ends(data) for event in block)

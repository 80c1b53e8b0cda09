"""All checks of countries by the names that packs use."""

from typing import Final

from rules.world import americas, asia, east, isles, north, pacific, south, travel, west
from rules.world.arithmetic import Tests

TESTS: Final[Tests] = {
    **isles.TESTS,
    **west.TESTS,
    **south.TESTS,
    **north.TESTS,
    **east.TESTS,
    **americas.TESTS,
    **asia.TESTS,
    **pacific.TESTS,
    **travel.TESTS,
}

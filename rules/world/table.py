"""All checks of countries by the names that packs use."""

from collections.abc import Callable
from typing import Final

from rules.world import americas, asia, east, isles, north, pacific, south, travel, west
from rules.world.arithmetic import Digits, Test, Tests


def end_of(test: Test) -> Callable[[bytes, int], int] | None:
    """Where a value that begins at a place ends, for checks of bare digits: their pattern need only find the first."""
    return test.end if isinstance(test, Digits) else None


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

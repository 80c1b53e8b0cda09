"""The Protocol by which a matcher asks whether a text was searched before."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from rules.content import Part
from rules.finding import Hit

LOOKED_UP_FROM: Final = 16_384  # characters: a shorter text is searched as quickly as it is looked up


@dataclass(frozen=True, slots=True)
class Searched:
    """What was found in one text: its hits, reading by reading, by the detector's index.

    `steps` is what the search cost, as `Budget` counts. A result given again is charged the same: otherwise it would
    depend on earlier mail whether a message is read to its end. `whole`: nothing was left out.
    """

    found: tuple[dict[int, list[Hit]], ...] = field(repr=False)
    steps: int
    whole: bool


class Repeats(Protocol):
    """Remembers what was found in texts. Serves one matcher only; several threads may ask it at once."""

    def searched(self, part: Part, left: int, search: Callable[[], Searched]) -> Searched:
        """The result of `search`: of a call now, or of one for an earlier part with the same text and marks.

        Only a result that is `whole` and cost fewer steps than are `left` may be given again. `Hit.place` has to be
        that of this part: its place, followed by the same finer place, which depends on the marks and on
        `places.counts_lines`.
        """
        ...

"""The seam by which a matcher asks whether a text was searched before."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

from rules.content import Part
from rules.finding import Hit

WORTH: Final = 16_384  # characters: a shorter text is searched as quickly as it is looked up


@dataclass(frozen=True, slots=True)
class Searched:
    """What came of one text: its hits reading by reading, by detector.

    `steps` is what that cost, as `Budget` counts; it costs the same each time, or whether a message is read to its end
    would depend on the mail before it. `whole`: nothing was left out.
    """

    found: tuple[dict[int, list[Hit]], ...] = field(repr=False)
    steps: int
    whole: bool


class Repeats(Protocol):
    """Knows what was found in texts that were here before. One serves one matcher; threads may ask it at once."""

    def searched(self, part: Part, left: int, search: Callable[[], Searched]) -> Searched:
        """What `search` gives for this part, called now or for one with the same text and marks before.

        Only what is `whole` and cost fewer steps than are `left` may be given again. `Hit.place` has to be that in this
        part: the place of the part, and behind it the same finer place, which depends on the marks, and on
        `places.counts_lines`.
        """
        ...

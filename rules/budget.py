"""How much work one message may cost: counted in steps and not in time, so that one message always ends the same."""

from typing import Final

MOST_STEPS: Final = 3_000_000  # some 10 s of one processor; 50 MB of prose cost none of it


class Budget:
    """What is left of the work for one message. Once it is spent, what was not looked at has to be told."""

    __slots__ = ("cut", "left")

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self.left = steps
        self.cut = False  # whether something was left out of the text at hand that the steps would have paid for

    @property
    def spent(self) -> bool:
        """Whether something may have been left out."""
        return self.left <= 0

"""How much work scanning one message may cost: counted in steps, not in time, so that the result is always the same."""

from typing import Final

MOST_STEPS: Final = 3_000_000  # some 10 s of one processor; 50 MB of prose cost none


class Budget:
    """The steps that scanning a message may still cost. Once they are spent, texts not searched to the end have to be
    reported as unreadable.
    """

    __slots__ = ("cut", "left")

    def __init__(self, steps: int = MOST_STEPS) -> None:
        self.left = steps
        self.cut = False  # whether something was left out of this text although steps were left

    @property
    def spent(self) -> bool:
        """Whether no steps are left, so that something may have been left out."""
        return self.left <= 0

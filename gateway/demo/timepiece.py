"""The demo's time, which can be moved forward, to see in a minute what becomes of a SafeBox in two months."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from delivery.safebox.box import SafeBoxes
from delivery.safebox.summaries import BoxSummary

LONGEST: Final = timedelta(days=3650)  # no further ahead than that
_STEP: Final = timedelta(days=1)


class DemoClock:
    """The machine's clock, ahead by what it was moved. It never goes back: what was done stays done."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """The time in the demo, in UTC."""
        return datetime.now(UTC) + self.ahead


@dataclass(slots=True)
class Timepiece:
    """What the demo's page may do with time, and see of it. `boxes` come once the gateway runs, on the same clock."""

    clock: DemoClock
    boxes: SafeBoxes | None = None
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def move(self, by: timedelta) -> bool:
        """Let so much time pass, a day at a step, with what each day brings: reminders, closing, deletion.

        The gateway keeps house by itself each minute; nobody who looks wants to wait for that. False: that is too far.
        """
        async with self._one_at_a_time:
            until = self.clock.ahead + by
            if until > LONGEST:
                return False
            while self.clock.ahead < until:
                self.clock.ahead = min(until, self.clock.ahead + _STEP)
                if self.boxes is not None:
                    await self.boxes.do_due_chores(self.clock())
            return True

    async def look(self) -> Sequence[BoxSummary]:
        """The SafeBoxes as they stand at the demo's time, newest first."""
        return () if self.boxes is None else await self.boxes.list()

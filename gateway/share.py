"""What one worker may do of what all workers of a machine may do at once: other servers see them as one gateway."""

import os
from dataclasses import dataclass, replace

from delivery.couriers.connections import ConnectionLimits
from delivery.lanes import Limits
from gateway.children.keeper import NurseryKeeper
from gateway.children.pool import ChildPool
from gateway.recognition import tesseract_for
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Share:
    """A worker's part where there are so many `workers`; of each thing at least one."""

    workers: int

    @property
    def connections(self) -> ConnectionLimits:
        """How many connections to other servers it may keep open."""
        whole = ConnectionLimits()
        return replace(whole, workers=self.workers, total=self._of(whole.total))

    def deliveries(self, per_lane: int) -> Limits:
        """`per_lane`: how many deliveries to one destination all workers may make at once.

        A lane gets one less than that, so that urgent mail, which has a lane of its own, finds a connection free.
        """
        whole = Limits()
        return replace(whole, deliveries=self._of(whole.deliveries), per_lane=max(1, self._of(per_lane) - 1))

    def pool(self, settings: Settings, nursery: NurseryKeeper | None) -> ChildPool:
        """The children that read documents; one process alone has two, so that one slow file holds up no other."""
        children = None if self.workers == 1 else self._of(len(os.sched_getaffinity(0)))
        return ChildPool(children, tesseract=tesseract_for(settings.reading), nursery=nursery)

    def _of(self, whole: int) -> int:
        return max(1, whole // self.workers)

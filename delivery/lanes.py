"""The batches a worker has in hand, in lanes, so that a slow or dead destination holds up its own lane and no other.

A batch holds the items of one message for one lane. A lane runs up to `width` batches at once: half as many after a
failure, down to one, and one more after each success. Lanes take turns. All lanes that fail may together use only half
of the worker's places, so that the rest of the mail always finds one. No I/O, no clock: only what starts next.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from delivery.fairness import URGENT, Turns, Urgency
from delivery.items import Lane, LeasedItem
from policy.decision import Changes, Route

_FULL: Final = 200  # items a lane may have in hand before no more are leased for it
_URGENT_ITEMS: Final = 200  # urgent items that may be in hand beyond `Limits.in_hand`
_URGENT_DELIVERIES: Final = 10  # deliveries of urgent mail that may be under way beyond `Limits.deliveries`


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a worker does at once."""

    deliveries: int = 100
    per_lane: int = 20
    in_hand: int = 2000  # items leased, waiting or under way
    body_bytes: int = 64 * 1024 * 1024  # of opened messages under way
    fresh_bytes: int = 32 * 1024 * 1024  # of accepted messages kept in memory until they are delivered


@dataclass(frozen=True, slots=True)
class Batch:
    """Items of one message for one lane."""

    message_id: str
    lane: Lane
    items: tuple[LeasedItem, ...]

    @property
    def size(self) -> int:
        """The size of the message, in bytes."""
        return self.items[0].size

    @property
    def sender(self) -> str | None:
        """The envelope sender of the message."""
        return self.items[0].sender

    @property
    def urgency(self) -> int:
        """That of its most urgent item (`fairness.Urgency`)."""
        return min(leased.item.urgency for leased in self.items)


def lane_of(leased: LeasedItem, *, split_domains: bool) -> Lane:
    """The lane of an item: one for each domain if its servers are reached directly (route tls, or relay by MX)."""
    item = leased.item
    where = item.destination
    own = where.route is Route.TLS or (split_domains and where.route is Route.RELAY and not where.inside)
    return Lane(where, item.recipient.rpartition("@")[2].lower() if own else "", item.urgency in URGENT)


def batches(leased: Iterable[LeasedItem], *, split_domains: bool) -> list[Batch]:
    """Group items by message and lane, in the order they came."""
    leased = tuple(leased)
    if len(leased) == 1:
        return [Batch(leased[0].item.message_id, lane_of(leased[0], split_domains=split_domains), leased)]
    groups: dict[tuple[str, Lane], list[LeasedItem]] = {}
    for one in leased:
        groups.setdefault((one.item.message_id, lane_of(one, split_domains=split_domains)), []).append(one)
    return [Batch(message_id, lane, tuple(items)) for (message_id, lane), items in groups.items()]


def group_by_changes(items: Iterable[LeasedItem]) -> list[list[LeasedItem]]:
    """Items grouped by their changes: each group gets the same copy, and can be sent in one delivery."""
    groups: dict[Changes, list[LeasedItem]] = {}
    for leased in items:
        groups.setdefault(leased.item.changes, []).append(leased)
    return list(groups.values())


@dataclass(slots=True)
class _Queue:
    waiting: Turns[Batch] = field(default_factory=Turns)
    running: int = 0
    width: int = 1  # how many batches may run at once, for now
    items: int = 0  # of all its batches, waiting or under way
    failing: bool = False


class Lanes:
    """Every batch in hand, and which starts next."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lanes: OrderedDict[Lane, _Queue] = OrderedDict()  # in turn: the first is asked first
        self._waiting = 0  # batches
        self._running = 0
        self._running_bytes = 0
        self._failing = 0  # batches under way in failing lanes
        self._urgent = 0  # batches under way in urgent lanes
        self.items = 0

    def add(self, new: Iterable[Batch]) -> None:
        """Put batches at the ends of their lanes."""
        for batch in new:
            lane = self._lanes.get(batch.lane)
            if lane is None:
                lane = self._lanes[batch.lane] = _Queue(width=self._limits.per_lane)
            lane.waiting.add(batch)
            self._waiting += 1
            lane.items += len(batch.items)
            self.items += len(batch.items)

    def room(self, *, urgent: bool = False) -> int:
        """How many more items may be leased; `urgent`: how many more urgent ones."""
        return max(0, self._limits.in_hand + (_URGENT_ITEMS if urgent else 0) - self.items)

    def has_waiting(self, lane: Lane) -> bool:
        """Does a batch of this lane wait for its turn?"""
        return bool(self._lanes[lane].waiting)

    def busy(self) -> list[Lane]:
        """Lanes that have enough in hand: nothing more is to be leased for them."""
        return [name for name, lane in self._lanes.items() if lane.items >= _FULL]

    def is_busy(self, lane: Lane) -> bool:
        """Whether it has enough in hand."""
        return lane in self._lanes and self._lanes[lane].items >= _FULL

    def next(self) -> Batch | None:
        """The batch to start now, counted as under way until `done`; None: nothing may start."""
        if not self._waiting or self._running >= self._limits.deliveries + _URGENT_DELIVERIES:
            return None
        for urgent in (True, False) if self._running < self._limits.deliveries else (True,):
            for name, lane in self._lanes.items():
                if name.urgent is urgent and lane.waiting and self._may_start(name, lane):
                    self._lanes.move_to_end(name)
                    return self._start(lane)
        return None

    def _may_start(self, name: Lane, lane: _Queue) -> bool:
        half = self._limits.deliveries // 2
        if lane.running >= lane.width or (lane.failing and self._failing >= half):
            return False
        if name.urgent:  # a flood of notices gets half of the places; a sign-in code starts in any case
            return self._urgent < half or lane.waiting.first().urgency == Urgency.CODE
        fits = self._running_bytes + lane.waiting.first().size <= self._limits.body_bytes
        return fits or self._running == 0

    def _start(self, lane: _Queue) -> Batch:
        batch = lane.waiting.take()
        self._waiting -= 1
        lane.running += 1
        self._running += 1
        self._running_bytes += batch.size
        self._failing += lane.failing
        self._urgent += batch.lane.urgent
        return batch

    def done(self, batch: Batch, *, well: bool) -> None:
        """A batch has ended. `well`: the destination answered; else it could not be reached, or deferred the mail."""
        lane = self._lanes[batch.lane]
        self._failing -= lane.failing * lane.running
        lane.running -= 1
        lane.failing = not well
        self._failing += lane.failing * lane.running
        lane.width = min(self._limits.per_lane, lane.width + 1) if well else max(1, lane.width // 2)
        lane.items -= len(batch.items)
        self.items -= len(batch.items)
        self._running -= 1
        self._urgent -= batch.lane.urgent
        self._running_bytes -= batch.size
        if not lane.waiting and not lane.running and well:
            del self._lanes[batch.lane]  # an idle lane that failed is remembered until it does well …
        elif len(self._lanes) > self._limits.in_hand:
            self._forget_idle()  # … or until there are too many to remember

    def _forget_idle(self) -> None:
        for name in [name for name, lane in self._lanes.items() if not lane.waiting and not lane.running]:
            del self._lanes[name]

    def take_waiting(self) -> list[Batch]:
        """Take out and return every batch that has not started (when the worker stops, or domains are paused)."""
        taken = []
        for lane in self._lanes.values():
            mine = lane.waiting.take_all()
            lane.items -= sum(len(batch.items) for batch in mine)
            taken += mine
        self._waiting = 0
        self.items -= sum(len(batch.items) for batch in taken)
        return taken

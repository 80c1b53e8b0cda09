"""The order of delivery: our own urgent mail, then people's letters, then bulk mail, then what has failed before.

Mail counts as bulk by how much its sender sent lately: the more, the later its turn. So the first mails of one mailing
go ahead of the last ones of another, and nobody's letter waits behind either. Nothing waits for ever: every few starts
the turn is that of the last in order. Pure: no clock, no I/O.
"""

from collections import OrderedDict, deque
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, Generic, Protocol, TypeVar

from delivery.items import Kind

LETTERS: Final = 200  # recipients of one sender that count as letters; beyond them its mail is bulk
_HALF_LIFE: Final = timedelta(minutes=5)  # in which the count of a sender's recipients fades by half
_SENDERS: Final = 10_000  # how many senders are remembered
_LAST_TURN: Final = 8  # one of so many starts is that of the last in order


class Urgency(IntEnum):
    """The order in which items are taken, lowest first. From BULK to MOST_BULK: the more a sender sent, the higher."""

    CODE = 0  # somebody sits and waits for it
    OWN = 1  # notices, reports, answers
    MAIL = 2
    BULK = 3
    MOST_BULK = 9
    RETRY = 10  # was tried, and waits for its next time


URGENT: Final = (Urgency.CODE, Urgency.OWN)


def after_failure(kind: Kind, urgency: int) -> int:
    """The urgency of an item that was deferred: mail goes behind all new mail, what we wrote ourselves stays ahead."""
    return Urgency.RETRY if kind is Kind.MAIL else urgency


class Senders:
    """How many recipients each sender had lately."""

    def __init__(self) -> None:
        self._lately: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def urgency(self, sender: str, recipients: int, now: datetime) -> int:
        """The urgency of a new message of this sender, which is counted from now on."""
        count, at = self._lately.pop(sender, (0.0, now))
        count = count * 0.5 ** (max(now - at, timedelta(0)) / _HALF_LIFE) + recipients
        self._lately[sender] = (count, now)
        if len(self._lately) > _SENDERS:
            self._lately.popitem(last=False)
        if count <= LETTERS:
            return Urgency.MAIL
        doublings = int(count / LETTERS).bit_length() - 1
        return min(Urgency.BULK + doublings, Urgency.MOST_BULK)


class Waits(Protocol):
    """What waits for its turn."""

    @property
    def urgency(self) -> int: ...
    @property
    def sender(self) -> str | None: ...


T = TypeVar("T", bound=Waits)


class Turns(Generic[T]):
    """What waits: the most urgent first; of those alike the senders in turn; now and then one that stands last."""

    def __init__(self) -> None:
        self._bands: dict[int, OrderedDict[str | None, deque[T]]] = {}
        self._taken = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, one: T) -> None:
        """Behind all of its sender's that are as urgent."""
        band = self._bands.setdefault(one.urgency, OrderedDict())
        band.setdefault(one.sender, deque()).append(one)
        self._count += 1

    def first(self) -> T:
        """What `take` would give. There must be something."""
        band = self._bands[self._next()]
        return next(iter(band.values()))[0]

    def take(self) -> T:
        """Take it out."""
        urgency = self._next()
        band = self._bands[urgency]
        sender, theirs = next(iter(band.items()))
        one = theirs.popleft()
        if theirs:
            band.move_to_end(sender)
        else:
            del band[sender]
            if not band:
                del self._bands[urgency]
        self._taken += 1
        self._count -= 1
        return one

    def take_all(self) -> list[T]:
        """Take out everything, in no particular order."""
        everything = [one for band in self._bands.values() for theirs in band.values() for one in theirs]
        self._bands.clear()
        self._count = 0
        return everything

    def _next(self) -> int:
        if len(self._bands) == 1:
            return next(iter(self._bands))
        return max(self._bands) if self._taken % _LAST_TURN == _LAST_TURN - 1 else min(self._bands)


def shares(waiting: dict[int, list[str]], limit: int) -> list[str]:
    """Of ids by urgency, each list in its own order, up to `limit`: the most urgent first, but some of each."""
    order = sorted(waiting)
    if limit <= 0 or not order:
        return []
    least = max(1, limit // (_LAST_TURN * 2))
    kept = {urgency: min(len(waiting[urgency]), least) for urgency in order}
    left = limit - sum(kept.values())
    for urgency in order:
        more = min(max(left, 0), len(waiting[urgency]) - kept[urgency])
        kept[urgency] += more
        left -= more
    return [item for urgency in order for item in waiting[urgency][: kept[urgency]]][:limit]

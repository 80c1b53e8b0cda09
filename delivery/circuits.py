"""Circuit breakers: to a destination that cannot be reached, only a probe is sent from time to time.

After some failed connections in a row, a lane's circuit opens: its mail waits, without counting tries, until the next
probe, which is the first message whose turn it is then. If that finds nobody either, the next probe comes after twice
the time. Any answer of the destination, good or bad, closes the circuit. An item whose fallback, delay notice or expiry
is due is not kept waiting. Pure: the time is handed in.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from delivery.items import Item, Lane, Reply

FAILURES: Final = 5  # in a row, until it opens
FIRST_PROBE: Final = timedelta(seconds=30)
LONGEST: Final = timedelta(minutes=10)  # between probes
_REMEMBERED: Final = 10_000  # destinations whose failures are counted
_SETTLING: Final = timedelta(seconds=5)  # what this worker wrote may not be seen yet by a read that began before


@dataclass(frozen=True, slots=True)
class Circuit:
    """An open circuit, as all workers share it."""

    lane: Lane
    since: datetime
    until: datetime  # when the next probe may go
    probes: int  # that failed
    reply: Reply = field(repr=False)  # what kept us from connecting


class Circuits:
    """One worker's circuits."""

    def __init__(self, first_retry: timedelta = FIRST_PROBE, longest_retry: timedelta = LONGEST) -> None:
        """`first_retry` and `longest_retry`: those of mail itself. Probes come no later than its retries would."""
        self._first = min(FIRST_PROBE, first_retry)
        self._longest = min(LONGEST, longest_retry)
        self._failures: dict[Lane, int] = {}
        self._open: dict[Lane, Circuit] = {}
        self._changed_at: dict[Lane, datetime] = {}  # by this worker

    def blocking_circuit(self, lane: Lane, now: datetime) -> Circuit | None:
        """The open circuit that keeps mail of this lane waiting; None: it may go, perhaps as the probe."""
        circuit = self._open.get(lane)
        return circuit if circuit is not None and _is_before_probe(circuit, now) else None

    def failed(self, lane: Lane, reply: Reply, now: datetime) -> Circuit | None:
        """Note a failed connection. The circuit, if it opens now or stays open for longer; else None."""
        circuit = self._open.get(lane)
        if circuit is None:
            self._failures[lane] = self._failures.get(lane, 0) + 1
            if len(self._failures) > _REMEMBERED:  # most of them are of mail that is long gone
                self._failures = {lane: self._failures[lane]}
            if self._failures[lane] < FAILURES:
                return None
            del self._failures[lane]
            circuit = Circuit(lane, now, now + self._first, 0, reply)
        elif _is_before_probe(circuit, now):
            return None  # it had begun before the circuit opened
        else:
            pause = min(self._first * 2 ** min(circuit.probes + 1, 16), self._longest)
            circuit = replace(circuit, until=now + pause, probes=circuit.probes + 1, reply=reply)
        self._open[lane] = circuit
        self._changed_at[lane] = now
        return circuit

    def reached(self, lane: Lane, now: datetime) -> bool:
        """Note that the destination answered. True: its circuit was open, and is now closed."""
        self._failures.pop(lane, None)
        if self._open.pop(lane, None) is None:
            return False
        self._changed_at[lane] = now
        return True

    def learn(self, known: Iterable[Circuit], now: datetime) -> None:
        """Take over the circuits that all workers share, but for those that this worker changed a moment ago."""
        self._changed_at = {lane: at for lane, at in self._changed_at.items() if at <= now < at + _SETTLING}
        shared = {circuit.lane: circuit for circuit in known}
        for lane in [lane for lane in self._open if lane not in shared and lane not in self._changed_at]:
            del self._open[lane]
        self._open.update({lane: circuit for lane, circuit in shared.items() if lane not in self._changed_at})


def _is_before_probe(circuit: Circuit, now: datetime) -> bool:
    """Not where the probe is further away than probes ever are: the clock was ahead when that was written."""
    return now < circuit.until <= now + LONGEST


def wait_until(item: Item, circuit: Circuit, now: datetime) -> datetime | None:
    """Until when an item waits for the circuit; None: it does not, for its fallback, delay notice or expiry is due."""
    times = [item.expires_at, item.delay_notice_at, item.fallback_at if item.fallback is not None else None]
    earliest = min(at for at in (circuit.until, *times) if at is not None)
    return earliest if earliest > now else None

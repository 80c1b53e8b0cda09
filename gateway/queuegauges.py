"""The queue as gauges: how much waits, in which state, how old; asked of the database when somebody looks."""

import time
from collections.abc import Callable
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from delivery.store.ages import Waiting

_PART: Final = 50  # counting takes at most this part of the time: in between, what was counted last is shown

_ITEMS: Final = "sealgate_queue_items"
_AGES: Final = "sealgate_queue_items_by_age"
_OLDEST: Final = "sealgate_queue_oldest_seconds"
_CIRCUITS: Final = "sealgate_circuits_open"


class QueueGauges(Collector):
    """Nothing is shown while the database is gone."""

    def __init__(self, look: Callable[[], Waiting | None], seconds: Callable[[], float] = time.monotonic) -> None:
        """`look` is asked in the thread of whoever collects."""
        self._look = look
        self._seconds = seconds
        self._seen: Waiting | None = None
        self._next_at = 0.0

    def describe(self) -> list[Metric]:
        """The gauges' names, without counting anything."""
        return self._families(None)

    def collect(self) -> list[Metric]:
        """What the queue holds now, or a moment ago where counting takes long."""
        began = self._seconds()
        if self._seen is None or began >= self._next_at:
            self._seen = self._look()
            ended = self._seconds()
            self._next_at = ended + _PART * (ended - began)
        return self._families(self._seen) if self._seen is not None else []

    def _families(self, seen: Waiting | None) -> list[Metric]:
        states = GaugeMetricFamily(_ITEMS, "Items in the queue by state.", labels=["state"])
        ages = GaugeMetricFamily(_AGES, "Items in the queue, each under the age that it is below.", labels=["below"])
        oldest = GaugeMetricFamily(_OLDEST, "Age of the oldest item in the queue.")
        circuits = GaugeMetricFamily(_CIRCUITS, "Destinations that cannot be reached, so that their mail waits.")
        if seen is not None:
            for state, number in seen.states.items():
                states.add_metric([state], number)
            for below, number in seen.ages.items():
                ages.add_metric([below], number)
            oldest.add_metric([], seen.oldest_seconds)
            circuits.add_metric([], seen.circuits)
        return [states, ages, oldest, circuits]

"""Couriers whose outcomes are counted for the metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

from delivery.couriers.courier import Courier, Delivery, Outcome
from gateway.telemetry import Metrics
from policy.decision import Route


@dataclass(frozen=True, slots=True)
class CountedCourier:
    """Lets `courier` deliver, and counts what became of each item."""

    courier: Courier
    metrics: Metrics

    async def deliver(self, delivery: Delivery) -> Mapping[str, Outcome]:
        """As the courier does."""
        outcomes = await self.courier.deliver(delivery)
        for outcome in outcomes.values():
            self.metrics.delivered(delivery.destination.route.value, type(outcome).__name__.lower())
        return outcomes


def counted(couriers: Mapping[Route, Courier], metrics: Metrics) -> dict[Route, Courier]:
    """The same couriers, counted."""
    return {route: CountedCourier(courier, metrics) for route, courier in couriers.items()}

"""Couriers whose outcomes are counted for the metrics."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from delivery.couriers.courier import Courier, Deferred, Delivery, LeaseLost, Outcome, Sent, Stored
from gateway.telemetry import Metrics
from policy.decision import Route


@dataclass(frozen=True, slots=True)
class CountedCourier:
    """Lets `courier` deliver, and counts what became of each item."""

    courier: Courier
    metrics: Metrics
    clock: Callable[[], datetime]

    async def deliver(self, delivery: Delivery) -> Mapping[str, Outcome]:
        """As the courier does."""
        outcomes = await self.courier.deliver(delivery)
        route = delivery.destination.route.value
        waited = (self.clock() - delivery.message.received_at).total_seconds()
        for outcome in outcomes.values():
            self.metrics.delivered(route, type(outcome).__name__.lower())
            if isinstance(outcome, Sent | Stored):
                self.metrics.arrived(route, waited)
            if isinstance(outcome, Stored | LeaseLost):
                continue
            if isinstance(outcome, Deferred) and outcome.insecure:
                self.metrics.peer(route, "unproven", "none")
            elif isinstance(outcome, Deferred) and outcome.unreached:
                continue
            elif outcome.evidence is not None:
                self.metrics.peer(route, outcome.evidence.proof, outcome.evidence.protocol or "none")
        return outcomes


def counted(couriers: Mapping[Route, Courier], metrics: Metrics, clock: Callable[[], datetime]) -> dict[Route, Courier]:
    """The same couriers, wrapped so that their outcomes are counted."""
    return {route: CountedCourier(courier, metrics, clock) for route, courier in couriers.items()}

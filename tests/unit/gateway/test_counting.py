"""Counted couriers: the same outcomes, and numbers of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from delivery.couriers.courier import Deferred, Delivery, Evidence, LeaseLost, Outcome, Sent, Stored
from delivery.items import Destination, OpenMessage, Reply
from gateway.counting import counted
from gateway.telemetry import Metrics
from policy.decision import Route

OUTCOMES: dict[str, Outcome] = {
    "1": Sent(Reply(250, "2.0.0", "OK")),
    "2": Sent(Reply(250, "2.0.0", "OK"), Evidence("h", "192.0.2.1", "TLSv1.3", "x", "pki")),
    "3": Deferred(Reply(451, "4.3.0", "later"), insecure=True),
    "4": Stored(Reply(250, "2.0.0", "kept"), lambda _conn, _now: None),
    "5": LeaseLost(),
}


class FakeCourier:
    async def deliver(self, delivery: Delivery) -> Mapping[str, Outcome]:
        return OUTCOMES


async def test_what_became_of_each_item_is_counted() -> None:
    metrics = Metrics()
    now = datetime(2026, 3, 1, 0, 1, tzinfo=UTC)
    courier = counted({Route.PARTNER: FakeCourier()}, metrics, lambda: now)[Route.PARTNER]
    message = OpenMessage("m", "default", None, "o@example.com", b"", datetime(2026, 3, 1, tzinfo=UTC))
    lease: Any = SimpleNamespace()
    assert await courier.deliver(Delivery(message, (), Destination(Route.PARTNER, "lab"), lease)) is OUTCOMES
    text = metrics.text().decode()
    assert 'sealgate_deliveries_total{outcome="sent",route="partner"} 2.0' in text
    assert 'sealgate_deliveries_total{outcome="deferred",route="partner"} 1.0' in text
    assert 'sealgate_delivery_seconds_count{route="partner"} 3.0' in text
    assert 'sealgate_delivery_seconds_sum{route="partner"} 180.0' in text
    assert 'sealgate_tls_verdicts_total{proof="pki",protocol="TLSv1.3",route="partner"} 1.0' in text
    assert 'sealgate_tls_verdicts_total{proof="unproven",protocol="none",route="partner"} 1.0' in text

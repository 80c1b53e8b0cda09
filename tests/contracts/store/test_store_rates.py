"""Counts that every worker adds to, on every database."""

import asyncio
import threading
from datetime import timedelta

from delivery.store.rates import add_to
from gateway.ledger import Ledger
from gateway.smtp.rates import Rates, Scope
from gateway.smtp.settings import AccountRateSettings, RatesSettings
from gateway.telemetry import Metrics

ALICE = {Scope.SENDER: "alice@example.com"}


def add(store, *counts):
    return store.db.write_now(lambda conn: add_to(conn, "default", counts))


def test_counts_add_up_within_a_period_and_begin_anew_in_the_next(store):
    begin, later = store.clock(), store.clock() + timedelta(days=1)
    assert add(store, ("a", begin, 5), ("b", begin, 1)) == {"a": 5, "b": 1}
    assert add(store, ("a", begin, 7)) == {"a": 12}
    assert add(store, ("a", begin, -2)) == {"a": 10}
    assert add(store, ("a", later, 3)) == {"a": 3}


def test_many_add_at_once_and_nothing_is_lost(store):
    begin = store.clock()
    threads = [
        threading.Thread(target=lambda: [add(store, ("b", begin, 1), ("a", begin, 1)) for _ in range(10)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert add(store, ("a", begin, 0), ("b", begin, 0)) == {"a": 40, "b": 40}


async def test_a_restart_and_another_worker_know_what_was_sent(store):
    settings = RatesSettings(sender=AccountRateSettings(recipients=100))
    metrics = Metrics()
    ledger = Ledger(store.db, store.vault, metrics, "default", store.clock)

    def worker() -> Rates:
        return Rates(settings, lambda: store.clock().timestamp(), ledger.tell)

    first = worker()
    assert first.charge(ALICE, 90) is None
    running = asyncio.create_task(ledger.run(first))
    await asyncio.sleep(0)
    running.cancel()  # a stop writes down whatever there is
    await asyncio.gather(running, return_exceptions=True)
    second = worker()
    assert second.charge(ALICE, 1) is None
    await ledger._save(second)
    assert second.charge(ALICE, 10) is not None
    await ledger._save(second)
    [event] = [event for event in await store.events() if event["kind"] == "rate.exceeded"]
    assert event["persons"] == {"sender": "alice@example.com"}
    assert event["facts"]["limit"] == 100
    assert b'sealgate_rate_limits_reached_total{scope="sender",what="recipients"} 1.0' in metrics.text()


async def test_counts_wait_for_a_store_that_is_gone(store):
    settings = RatesSettings(sender=AccountRateSettings(recipients=100))
    ledger = Ledger(store.db, store.vault, Metrics(), "default", store.clock)
    counts = Rates(settings, lambda: store.clock().timestamp(), ledger.tell)
    counts.charge(ALICE, 50)
    assert counts.charge(ALICE, 60) is not None
    store.db.close()
    await ledger._save(counts)
    assert [more for *_, more in counts.unsaved()] == [50]
    assert len(ledger._excesses) == 1

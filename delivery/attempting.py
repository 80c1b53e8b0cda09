"""Tries to deliver one batch: opens its message, asks the courier, and has the results written down.

What a server has accepted is written down whatever happens meanwhile: while the store does not answer, and while the
worker is being stopped.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from delivery.breaking import Breaker
from delivery.circuits import Circuit, wait_until
from delivery.claims import Claims, OurLease
from delivery.couriers.courier import Courier, Deferred, Delivery, LeaseLost, Outcome
from delivery.errors import StoreUnavailable
from delivery.following import Tried, unforeseen_failure
from delivery.items import Lane, LeasedItem, OpenMessage
from delivery.lanes import Batch, group_by_changes
from delivery.queue import Queue
from delivery.results import Results
from policy.decision import Route

PATIENCE: Final = 1.0  # seconds before the store is tried again
GROUP: Final = 100  # recipients in one delivery
LAST_RESULTS: Final = 8.0  # seconds beyond `queue.shutdown` for results to be written, if the store does not answer

log = structlog.get_logger()


class Attempts:
    """Tries batches, many at the same time.

    `fresh` gives a message that is still in memory; `commit_delay` the seconds that a result of a lane may wait for
    others to share its commit.
    """

    def __init__(
        self,
        queue: Queue,
        couriers: Mapping[Route, Courier],
        claims: Claims,
        results: Results,
        breaker: Breaker,
        *,
        fresh: Callable[[str], OpenMessage | None],
        commit_delay: Callable[[Lane], float],
    ) -> None:
        self._queue = queue
        self._couriers = couriers
        self._claims = claims
        self._results = results
        self._breaker = breaker
        self._fresh = fresh
        self._commit_delay = commit_delay
        self._last_at: float | None = None  # loop time until which results may be written; set when we are to stop

    def stop(self, seconds: float) -> None:
        """Note that the worker stops within so many seconds. Results may be written for LAST_RESULTS longer."""
        self._last_at = asyncio.get_running_loop().time() + seconds + LAST_RESULTS

    async def deliver(self, batch: Batch) -> bool:
        """Deliver a batch: one delivery for each group of identical copies. True: the destination answered all."""
        message, items = await self._open(batch)
        well = True
        for group in group_by_changes(items):
            for at in range(0, len(group), GROUP):
                well &= await self._try(message, group[at : at + GROUP], batch.lane)
        return well

    async def put_off(self, circuit: Circuit, batch: Batch) -> None:
        """Put a batch off until the circuit's next probe, uncounted; but items whose own time has come are deferred."""
        now = self._queue.clock()
        until: dict[datetime, dict[str, int]] = {}
        due = []
        for leased in batch.items:
            at = wait_until(leased.item, circuit, now)
            if at is None:
                due.append(leased)
            else:
                until.setdefault(at, {})[leased.item.id] = leased.token
        for at, tokens in until.items():
            await self._claims.put_off(tokens, circuit, at)
        if due:
            message, items = await self._open(replace(batch, items=tuple(due)))
            outcome = Deferred(circuit.reply, insecure=batch.lane.destination.route is not Route.RELAY)
            await self._record(message, items, {leased.item.id: outcome for leased in items}, now)

    async def _open(self, batch: Batch) -> tuple[OpenMessage, Sequence[LeasedItem]]:
        fresh = self._fresh(batch.message_id)
        if fresh is not None and all(leased.changes_sealed is None for leased in batch.items):
            return fresh, batch.items
        return await self._queue.open_items(batch.message_id, batch.items)

    async def _try(self, message: OpenMessage, items: Sequence[LeasedItem], lane: Lane) -> bool:
        started_at = self._queue.clock()
        outcomes = await self._ask_courier(message, items) if message.readable else {}
        # from here on the other side may have the mail: the result is written even while we are being stopped
        patience = self._commit_delay(lane)
        recording = asyncio.ensure_future(self._record(message, items, outcomes, started_at, patience))
        try:
            await asyncio.shield(recording)
        except asyncio.CancelledError:
            await self._wait_for_record(recording)
            raise
        await self._breaker.note(lane, outcomes.values())
        return not any(isinstance(outcomes.get(leased.item.id), Deferred | None) for leased in items)

    async def _wait_for_record(self, recording: "asyncio.Future[None]") -> None:
        """Wait for a result to be written while we stop, as long as we may: what is not written is sent again."""
        loop = asyncio.get_running_loop()
        until = loop.time() + LAST_RESULTS if self._last_at is None else self._last_at
        while not recording.done() and (left := until - loop.time()) > 0:
            with suppress(asyncio.CancelledError):  # the second cancellation: it is meant for waiting for a reply
                await asyncio.wait([recording], timeout=left)
        recording.cancel()

    async def _ask_courier(self, message: OpenMessage, items: Sequence[LeasedItem]) -> Mapping[str, Outcome]:
        destination = items[0].item.destination
        courier = self._couriers.get(destination.route)
        if courier is None:
            log.error("worker.no_courier", route=destination.route.value)
            return {}
        lease = OurLease(self._claims, tokens_of(items))
        delivery = Delivery(message, tuple(leased.item for leased in items), destination, lease)
        try:
            return await courier.deliver(delivery)
        except Exception as error:  # noqa: BLE001 - top of a queue item; told by its type: its text may hold content
            log.error("courier.surprise", route=destination.route.value, error=type(error).__name__)
            return {}

    async def _record(
        self,
        message: OpenMessage,
        items: Sequence[LeasedItem],
        outcomes: Mapping[str, Outcome],
        started_at: datetime,
        patience: float = 0.0,
    ) -> None:
        """Write results, trying until it works: what a server accepted must not be sent again for want of a disk."""
        ended_at = self._queue.clock()
        lost = {one.item.id: one.token for one in items if isinstance(outcomes.get(one.item.id), LeaseLost)}
        tried = []
        for one in items:
            outcome = outcomes.get(one.item.id) or unforeseen_failure()
            if not isinstance(outcome, LeaseLost):
                tried.append(Tried(one, outcome, started_at, ended_at))
        while True:
            try:
                await self._claims.give_back(lost, after=timedelta(seconds=1))
                lost = {}
                if tried:
                    await self._results.record(message, tried, patience=patience)
                return
            except StoreUnavailable as error:
                log.warning("worker.result_waits", error=str(error), message=message.id)
                await asyncio.sleep(PATIENCE)


def tokens_of(items: Sequence[LeasedItem]) -> dict[str, int]:
    """The fencing token of each item, by its id."""
    return {leased.item.id: leased.token for leased in items}

"""The delivery worker: leases due items and has them tried (`attempting`), each destination at its own pace.

Tasks: `_feed` leases due items (mail accepted in this process comes by `take`, without a lease query); `_keep` renews
leases and takes over items of dead workers; `_guard` holds the worker's lock; Housekeeping tidies; each batch runs in
one of its own. An error in a batch ends that batch alone; while the store does not answer, all wait and try again.
"""

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from delivery.appetite import Appetite
from delivery.attempting import PATIENCE, Attempts, tokens_of
from delivery.breaking import Breaker
from delivery.claims import LEASE, Claims, QueueStatus
from delivery.couriers.courier import Courier
from delivery.entering import Claim
from delivery.errors import DeliveryError, StoreUnavailable
from delivery.fairness import URGENT
from delivery.housekeeping import Housekeeping
from delivery.items import Lane, LeasedItem, OpenMessage
from delivery.lanes import Batch, Lanes, Limits, batches
from delivery.queue import Queue
from delivery.results import ItemEnds, Results
from delivery.store.pauses import ALL
from policy.decision import Route

POLL: Final = 1.0  # seconds between looks for items that other processes put in
KEEP: Final = 2.0  # seconds between looks at locks and leases: a dead worker's items are taken within 5
RENEW: Final = LEASE / 3
LAST_REPLIES: Final = 10.0  # seconds of `queue.shutdown` kept for deliveries that only wait for the reply to their dot
COMMIT_DELAY: Final = (
    0.02  # seconds a result may wait to share a commit with others, if no mail of its lane waits for it
)

log = structlog.get_logger()


class DeliveryWorker:
    """The worker of this process: `await run(stop)`. Workers of several processes may share a database."""

    def __init__(
        self,
        queue: Queue,
        couriers: Mapping[Route, Courier],
        *,
        ends: ItemEnds | None = None,
        limits: Limits | None = None,
        split_domains: bool = False,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """`split_domains`: ordinary mail goes to each domain's own servers (MX), so each domain gets its own lane."""
        self._queue = queue
        self._limits = limits or Limits()
        self._split = split_domains
        self._claims = Claims(queue.db, queue.clock, queue.settings.longest_retry)
        self._house = Housekeeping(queue)
        self._lanes = Lanes(self._limits)
        self._breaker = Breaker(queue.db, queue.clock, queue.settings)
        self._attempts = Attempts(
            queue,
            couriers,
            self._claims,
            Results(queue, ends, jitter),
            self._breaker,
            fresh=self._in_memory,
            commit_delay=self._commit_delay,
        )
        self._tokens: dict[str, int] = {}  # item id -> fencing token, of every item in hand
        self._fresh: dict[str, tuple[OpenMessage, int]] = {}  # messages in memory, and how many batches need each
        self._fresh_bytes = 0
        self._tasks = asyncio.TaskGroup()  # of the run
        self._running: set[asyncio.Task[None]] = set()  # deliveries under way
        self._awake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._taking = False
        self._appetite = Appetite(self._lanes, self._limits.in_hand)
        self._paused: frozenset[str] = frozenset()  # domains to which nothing may be sent
        self._renewed_at = queue.clock()

    @property
    def id(self) -> str:
        """The worker's name in leases and in the log."""
        return self._claims.worker

    # -- as the queue's door sees it (delivery.queue.LocalWorker) ---------------------------------------------------

    def claim(self, size: int) -> Claim | None:
        """A lease on a message that is about to be inserted, if there is room for it here; else None."""
        if not self._taking or self._lanes.room() == 0 or self._fresh_bytes + size > self._limits.fresh_bytes:
            return None
        if self._paused or not self._claims.still_holds_lock:
            return None  # it is leased from the database, where paused domains are passed over
        return Claim(self.id, self._queue.clock() + LEASE)

    def take(self, message: OpenMessage, items: Sequence[LeasedItem]) -> None:
        """Accepted mail whose body is still in memory. A cache for leased items, not a second way of delivery."""
        if not self._taking:
            return  # we stopped meanwhile: `_retire` gave the items back, or their leases will lapse
        new = batches(items, split_domains=self._split)
        self._fresh[message.id] = (message, len(new))
        self._fresh_bytes += len(message.raw)
        self._add(new)
        self._start_ready()

    def wake(self) -> None:
        """Look for due items now. From any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody is left to wake
                self._loop.call_soon_threadsafe(self._awake.set)

    # -- the run --------------------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`; then end what is under way within `queue.shutdown`, and give back the rest."""
        self._loop = asyncio.get_running_loop()
        try:
            if await self._begin(stop):
                await self._work(stop)
        finally:
            self._taking = False
            self._queue.attach(None)
            await self._retire()

    async def _begin(self, stop: asyncio.Event) -> bool:
        """Take our lock and the items of dead workers; wait until the store answers. False: we are to stop."""
        while not stop.is_set():
            try:
                await self._claims.register()
                await self._claims.take_over(())
            except StoreUnavailable as error:
                log.warning("worker.store_unavailable", error=str(error))
                with suppress(TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        await stop.wait()
            else:
                return True
        return False

    async def _work(self, stop: asyncio.Event) -> None:
        """Run all tasks until `stop`. An unforeseen error in one ends the program: systemd starts it again."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            feed = tasks.create_task(self._feed(), name="worker-feed")
            keep = [tasks.create_task(one, name="worker-keep") for one in (self._guard(), self._keep())]
            house = tasks.create_task(self._house.run(), name="worker-house")
            log.info("worker.started", worker=self.id)
            self._taking = True
            self._queue.attach(self)
            await stop.wait()
            self._taking = False
            self._queue.attach(None)
            feed.cancel()
            house.cancel()
            await self._drain()
            for task in keep:
                task.cancel()

    async def _drain(self) -> None:
        """Wait up to `queue.shutdown` for deliveries under way; what has not started is given back by `_retire`.

        A first cancellation ends all but those that wait for the reply to their final dot; a second ends these too.
        """
        for batch in self._lanes.take_waiting():
            self._forget(batch)
        whole = self._queue.settings.shutdown.total_seconds()
        last = min(LAST_REPLIES, whole / 3)
        self._attempts.stop(whole)
        if self._running:
            log.info("worker.stopping", deliveries=len(self._running))
        for seconds in (whole - last, last):
            if self._running:
                await asyncio.wait(self._running, timeout=seconds)
            for task in self._running:
                task.cancel()

    async def _retire(self) -> None:
        with suppress(StoreUnavailable):  # then other workers, or our next run, take the items over
            await self._claims.retire()
        log.info("worker.stopped", worker=self.id)

    async def _feed(self) -> None:
        while True:
            self._awake.clear()
            wait = POLL
            try:
                status = await self._claims.queue_status()
                self._breaker.learn(status.circuits)
                if status.paused != self._paused:
                    await self._obey(status.paused)
                due_in = status.due_in(self._queue.clock())
                if due_in is not None and due_in > timedelta(0):
                    wait = min(POLL, due_in.total_seconds())
                elif due_in is not None and await self._lease(status):
                    wait = 0.0
            except StoreUnavailable as error:
                log.warning("worker.store_unavailable", error=str(error))
                wait = PATIENCE
            if wait:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._awake.wait()

    async def _obey(self, paused: frozenset[str]) -> None:
        """Other domains are paused now: give back all that has not started, to be leased anew if it may go."""
        log.info("worker.pauses", domains=len(paused))
        self._paused = paused
        for batch in self._lanes.take_waiting():
            self._forget(batch)
            await self._claims.give_back(tokens_of(batch.items))

    async def _lease(self, status: QueueStatus) -> bool:
        """Lease and start what is due. True: there may be more."""
        look = self._appetite.next_look(passing_over=bool(self._paused))
        levels = [level for level in status.levels(self._queue.clock()) if look.limit or level in URGENT]
        if look.urgent == 0 or ALL in self._paused or not levels:
            return False
        leased = await self._claims.lease(look.limit, look.busy, self._paused, urgent=look.urgent, levels=levels)
        self._appetite.note_found(look, len(leased))
        # an item that we still hold under an older token had lapsed: the older delivery finds its token void
        self._add(batches(leased, split_domains=self._split))
        self._start_ready()
        return len(leased) >= look.limit > 0

    async def _guard(self) -> None:
        """Keep our lock. Not done in `_keep`, whose writes may have to wait too long: others would take us for dead."""
        while True:
            await asyncio.sleep(self._claims.lock_check_seconds)
            try:
                await self._claims.keep_lock()
            except StoreUnavailable as error:
                log.warning("worker.store_unavailable", error=str(error))

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP)
            try:
                now = self._queue.clock()
                if now - self._renewed_at >= RENEW or now < self._renewed_at:
                    await self._claims.renew(dict(self._tokens))
                    self._renewed_at = now
                if await self._claims.take_over(set(self._tokens)):
                    self._awake.set()
            except StoreUnavailable as error:
                log.warning("worker.store_unavailable", error=str(error))

    # -- batches --------------------------------------------------------------------------------------------------

    def _add(self, new: Iterable[Batch]) -> None:
        new = list(new)
        for batch in new:
            self._tokens.update({leased.item.id: leased.token for leased in batch.items})
        self._lanes.add(new)

    def _start_ready(self) -> None:
        while self._taking and (batch := self._lanes.next()) is not None:
            task = self._tasks.create_task(self._run(batch), name=f"deliver-{batch.message_id}")
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, batch: Batch) -> None:
        well = False
        try:
            circuit = self._breaker.blocking_circuit(batch.lane)
            if circuit is None:
                well = await self._attempts.deliver(batch)
            else:
                await self._attempts.put_off(circuit, batch)
        except StoreUnavailable as error:
            log.warning("worker.store_unavailable", error=str(error), message=batch.message_id)
            await self._let_go(batch)
        except Exception:  # top of a queue item: nothing that one batch does may stop the worker
            log.exception("worker.batch_failed", message=batch.message_id)
            await self._let_go(batch)
        finally:
            self._lanes.done(batch, well=well)
            self._forget(batch)
            self._start_ready()
            if self._appetite.should_look_again(batch.lane):
                self._awake.set()

    def _in_memory(self, message_id: str) -> OpenMessage | None:
        fresh = self._fresh.get(message_id)
        return None if fresh is None else fresh[0]

    def _commit_delay(self, lane: Lane) -> float:
        """Seconds that a result of this lane may wait for others."""
        return COMMIT_DELAY if self._taking and not self._lanes.has_waiting(lane) else 0.0

    async def _let_go(self, batch: Batch) -> None:
        """Give a batch back, uncounted. If that fails too, its leases lapse."""
        with suppress(DeliveryError):
            await self._claims.give_back(tokens_of(batch.items), after=timedelta(seconds=5))

    def _forget(self, batch: Batch) -> None:
        for leased in batch.items:
            if self._tokens.get(leased.item.id) == leased.token:
                del self._tokens[leased.item.id]
        if batch.message_id in self._fresh:
            message, needed = self._fresh.pop(batch.message_id)
            if needed > 1:
                self._fresh[batch.message_id] = (message, needed - 1)
            else:
                self._fresh_bytes -= len(message.raw)

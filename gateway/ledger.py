"""Saves the door's rate counts (`smtp/rates.py`) in the database, for other workers and after a restart; and tells log,
metrics and audit trail when a limit is reached.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from structlog import get_logger

from delivery.errors import DeliveryError
from delivery.store.audit import Event, EventKind, record
from delivery.store.database import Database
from delivery.store.rates import add_to
from delivery.store.vault import Vault
from gateway.smtp.rates import Excess, Limit, Rates
from gateway.telemetry import Metrics

EVERY: Final = 1.0  # seconds

log = get_logger(__name__)


class Ledger:
    """The counts of one worker's doors."""

    def __init__(
        self, db: Database, vault: Vault, metrics: Metrics, namespace: str, clock: Callable[[], datetime]
    ) -> None:
        self._db = db
        self._vault = vault
        self._metrics = metrics
        self._namespace = namespace
        self._clock = clock
        self._excesses: list[Excess] = []

    def tell(self, excess: Excess) -> None:
        """Note that a payer reached a limit; called once for each payer and period."""
        limit = excess.limit
        self._metrics.rate_exceeded(limit.scope.value, limit.what.value)
        facts = {"scope": limit.scope.value, "what": limit.what.value, "limit": limit.most, "seconds": limit.period}
        log.warning("smtp.rate_exceeded", who=excess.who, **facts)
        self._excesses.append(excess)

    async def run(self, rates: Rates) -> None:
        """Save counts until cancelled, and then what is left."""
        try:
            while True:
                await asyncio.sleep(EVERY)
                await self._save(rates)
        finally:
            await asyncio.shield(self._save(rates, every=True))

    async def _save(self, rates: Rates, *, every: bool = False) -> None:
        counts = list(rates.unsaved(every=every))
        excesses, self._excesses = self._excesses, []
        if not counts and not excesses:
            return
        try:
            named = await asyncio.to_thread(
                lambda: {self._key(limit, who): (limit, who, period, more) for limit, who, period, more in counts}
            )
            lines = [(key, _begin(limit, period), more) for key, (limit, _, period, more) in named.items()]
            now = self._clock()
            if excesses:
                events = [_event(excess, self._namespace) for excess in excesses]
                await self._db.write(lambda conn: record(conn, self._vault, events, now))
                excesses = []
            sums = await self._db.write(partial(add_to, namespace=self._namespace, counts=lines)) if lines else {}
        except DeliveryError as error:
            self._excesses = excesses + self._excesses
            log.warning("ledger.waits", error=type(error).__name__)
            return
        for key, (limit, who, period, more) in named.items():
            rates.saved(limit, who, period, more, sums[key])

    def _key(self, limit: Limit, who: str) -> str:
        """The name of a count in the database, which holds of the payer only a keyed digest."""
        digest = self._vault.mac(self._namespace, "rates", who.encode("utf-8", "replace")).hex()[:32]
        return f"{self._namespace}:rate:{limit.scope}:{limit.what}:{limit.period}:{digest}"


def _begin(limit: Limit, period: int) -> datetime:
    return datetime.fromtimestamp(limit.period * period, UTC)


def _event(excess: Excess, namespace: str) -> Event:
    limit = excess.limit
    facts = {"scope": limit.scope.value, "what": limit.what.value, "limit": limit.most, "seconds": limit.period}
    return Event(EventKind.RATE_EXCEEDED, namespace, facts=facts, persons={limit.scope.value: excess.who})

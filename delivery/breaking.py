"""The worker's circuit breaker: opens and closes circuits as outcomes tell, for all workers, and reschedules the mail
that waits for the destination. `circuits.py` has the rules.
"""

from collections.abc import Iterable
from dataclasses import replace

import structlog

from delivery.circuits import Circuit, Circuits
from delivery.couriers.courier import Deferred, LeaseLost, Outcome
from delivery.errors import StoreUnavailable
from delivery.items import Lane
from delivery.queue import Clock
from delivery.settings import QueueSettings
from delivery.store import circuits as rows
from delivery.store.database import Database
from delivery.store.waits import change_all, made_due, postponed

log = structlog.get_logger()


class Breaker:
    """One worker's breaker. Learns from its own deliveries and, by the database, from those of others."""

    def __init__(self, db: Database, clock: Clock, settings: QueueSettings) -> None:
        self._db = db
        self._clock = clock
        self._circuits = Circuits(settings.first_retry, settings.longest_retry)

    def blocking_circuit(self, lane: Lane) -> Circuit | None:
        """The open circuit that keeps mail of this lane waiting; None: it may be tried."""
        return self._circuits.blocking_circuit(_plain(lane), self._clock())

    def learn(self, known: Iterable[Circuit]) -> None:
        """Take over the circuits in the database: other workers open and close them too, and admins close them."""
        self._circuits.learn(known, self._clock())

    async def note(self, lane: Lane, outcomes: Iterable[Outcome]) -> None:
        """Learn from the outcomes of one delivery whether its destination can be reached; tell the other workers by the
        database. If the store does not answer, only this worker knows.
        """
        said = [outcome for outcome in outcomes if not isinstance(outcome, LeaseLost)]
        unreached = [one for one in said if isinstance(one, Deferred) and one.unreached]
        lane, now = _plain(lane), self._clock()
        try:
            if unreached and len(unreached) == len(said):
                circuit = self._circuits.failed(lane, unreached[0].reply, now)
                if circuit is not None:
                    await self._opened(circuit)
            elif said and self._circuits.reached(lane, now):
                log.info("circuit.closed", **_named(lane))
                await self._db.write(lambda conn: rows.close_circuit(conn, lane))
                await change_all(self._db, made_due(lane, now))
        except StoreUnavailable as error:
            log.warning("worker.store_unavailable", error=str(error))

    async def _opened(self, circuit: Circuit) -> None:
        facts = _named(circuit.lane) | {"until": circuit.until.isoformat(), "reply": str(circuit.reply)}
        log.warning("circuit.opened", probes=circuit.probes, **facts)
        await self._db.write(lambda conn: rows.put_circuit(conn, circuit))
        await change_all(self._db, postponed(circuit, self._clock()))


def _plain(lane: Lane) -> Lane:
    """The lane without `urgent`: urgent mail goes to the same server, so both lanes share a circuit."""
    return replace(lane, urgent=False) if lane.urgent else lane


def _named(lane: Lane) -> dict[str, str]:
    where = lane.destination
    facts = {"route": where.route.value, "partner": where.name, "domain": lane.domain}
    return {name: value for name, value in facts.items() if value} | ({"inside": "yes"} if where.inside else {})

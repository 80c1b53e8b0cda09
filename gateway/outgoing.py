"""The wiring of the way out: DNS, what is known of other domains' TLS, TLS reports, and the relay courier."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from delivery.couriers.connections import ConnectionLimits
from delivery.couriers.published import Promises
from delivery.couriers.relay import RelayCourier
from delivery.dkim import Signer
from delivery.mx import OwnServer, Reach
from delivery.queue import Queue
from delivery.resolving import DnsResolver
from delivery.sections import parse_endpoint
from delivery.sts.fetching import Fetcher
from delivery.sts.known import KnownPolicies
from delivery.tlsrpt.counting import Tally
from delivery.tlsrpt.report import Reporter
from delivery.tlsrpt.reporting import Reports
from delivery.verdicts import Verdict, Watch
from gateway.settings import Settings
from gateway.telemetry import Metrics

Chore = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The relay courier, what tells which domains prove their TLS, and the tasks that have to run beside them."""

    relay: RelayCourier
    promises: Promises | None  # None: no domain counts as a partner by what it publishes
    chores: tuple[Chore, ...]


def outgoing(
    settings: Settings,
    queue: Queue,
    metrics: Metrics,
    *,
    namespace: str,
    clock: Callable[[], datetime],
    limits: ConnectionLimits,
    signer: Signer | None,
) -> Outgoing:
    """Build all parts of the way out. Opens nothing."""
    resolver = DnsResolver(settings.dns)
    watches: list[Watch] = [metrics.tls_verdict]
    chores: list[Chore] = []
    if settings.tls_reports.contact is not None:
        tally = Tally(queue.db, clock)
        watches.append(tally.note)
        reports = Reports(
            queue, resolver, tally, _reporter(settings, settings.tls_reports.contact), namespace=namespace
        )
        chores.append(reports.run)

    def watch(verdict: Verdict) -> None:
        for tell in watches:
            tell(verdict)

    policies = KnownPolicies(resolver, Fetcher(resolver, Reach(settings.dns.private)), queue.db, clock, watch)
    chores.append(policies.run)
    relay = RelayCourier(
        settings.hostname,
        settings.next_hop,
        inside=settings.inside,
        partners=settings.partners,
        signer=signer,
        resolver=resolver,
        private=settings.dns.private,
        policies=policies,
        watch=watch,
        listening=tuple(parse_endpoint(one.address) for one in settings.listeners),
        limits=limits,
    )
    promises = Promises(settings.proven, resolver, policies, OwnServer(settings.hostname)) if settings.proven else None
    return Outgoing(relay, promises, tuple(chores))


def most_connections(settings: Settings) -> int:
    """The largest number of connections that any destination may have: so many deliveries to one run at once."""
    limits = [settings.next_hop.limits, *(partner.limits for partner in settings.partners.values())]
    if settings.inside is not None:
        limits.append(settings.inside.limits)
    return max(one.connections for one in limits)


def _reporter(settings: Settings, contact: str) -> Reporter:
    organisation = settings.tls_reports.organisation or settings.hostname
    return Reporter(organisation, contact, contact, settings.hostname)

"""The policies of domains: what DNS announces, what was fetched, what is remembered (RFC 8461 3.3, 5.1).

A policy counts until its `max_age` is over, also when DNS does not announce it any more or its web server is gone:
else whoever can hold up our questions could take it away. It is fetched again once a day, and when its id changes.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol, TypeVar

import structlog

from delivery.errors import DeliveryError
from delivery.resolving import LookupFailed, NoSuchDomain, Resolver
from delivery.store.database import Database
from delivery.store.sts import KeptPolicy, claim_refreshes, expiry, find_policy, forget_old, keep_policy
from delivery.sts.fetching import FetchFailed
from delivery.stspolicy import StsInvalid, StsPolicy, read_policy, read_record
from delivery.tls import Flaw, Proof
from delivery.verdicts import PolicyFact, PolicyKind, Verdict, Watch, unwatched

V = TypeVar("V")

log = structlog.get_logger(__name__)

_REMEMBERED: Final = 10_000  # domains in memory; the database has the others
_LOOK_AGAIN: Final = timedelta(minutes=5)  # at the database, and at a web server that gave no policy
_ROUND: Final = 600.0  # seconds between looks for what is to be refreshed
_REFRESHES: Final = 50  # in one round
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?=.{{1,240}}\Z){_LABEL}(?:\.{_LABEL})+")


class PolicyFetcher(Protocol):
    """delivery.sts.fetching.Fetcher."""

    async def fetch(self, domain: str) -> bytes:
        """The text of a domain's policy. Raises FetchFailed."""


class KnownPolicies:
    """What `delivery.couriers.proving` asks. `watch` hears of policies that could not be had."""

    def __init__(
        self,
        resolver: Resolver,
        fetcher: PolicyFetcher,
        db: Database,
        clock: Callable[[], datetime],
        watch: Watch = unwatched,
    ) -> None:
        self._resolver = resolver
        self._fetcher = fetcher
        self._db = db
        self._clock = clock
        self._watch = watch
        self._memory: OrderedDict[str, tuple[KeptPolicy | None, datetime]] = OrderedDict()  # and when looked up
        self._failed: OrderedDict[str, tuple[str, datetime]] = OrderedDict()  # id that could not be had, and when
        self._fetching: dict[str, asyncio.Lock] = {}

    async def policy(self, domain: str) -> StsPolicy | None:
        """The policy that counts now for a domain in A-labels; None: there is none, or none could be had."""
        if not _DOMAIN.fullmatch(domain):
            return None
        announced = await self._announced(domain)
        kept = await self._kept(domain, announced)
        if announced is not None and (kept is None or kept.policy.id != announced):
            with self._turn(domain) as lock:
                async with lock:
                    kept = await self._kept(domain, announced)  # somebody may have fetched it meanwhile
                    if kept is None or kept.policy.id != announced:
                        kept = await self._fetch(domain, announced) or kept
        return kept.policy if kept is not None else None

    async def run(self) -> None:
        """Refresh what is due, for ever. Every worker does; each policy is refreshed by one."""
        while True:
            try:
                await self.refresh()
            except DeliveryError as error:
                log.warning("sts.refresh_failed", error=str(error))
            await asyncio.sleep(_ROUND)

    async def refresh(self) -> int:
        """Fetch again what is due; how many there were. Raises StoreUnavailable."""
        now = self._clock()
        due = await self._db.write(partial(claim_refreshes, now=now, limit=_REFRESHES))
        for kept in due:
            announced = await self._announced(kept.policy.domain)
            await self._fetch(kept.policy.domain, announced or kept.policy.id, again=True)
        await self._db.write(partial(forget_old, now=now))
        return len(due)

    # -- within -------------------------------------------------------------------------------------------------------

    async def _announced(self, domain: str) -> str | None:
        """The id that DNS tells; None: none, or no answer, which makes no difference to what is remembered."""
        try:
            return read_record((await self._resolver.txt(f"_mta-sts.{domain}")).records)
        except (LookupFailed, NoSuchDomain):
            return None

    async def _kept(self, domain: str, announced: str | None) -> KeptPolicy | None:
        """What is remembered and has not run out; the database is asked now and then, and where an id is new."""
        now = self._clock()
        known = self._memory.get(domain)
        current = known is not None and abs(now - known[1]) < _LOOK_AGAIN
        is_new = announced is not None and (known is None or known[0] is None or known[0].policy.id != announced)
        if not current or (is_new and not self._gave_up(domain, announced)):
            try:
                kept = await self._db.read(lambda conn: find_policy(conn, domain))
            except DeliveryError as error:
                log.warning("sts.store_unavailable", error=str(error))
                kept = known[0] if known is not None else None
            known = (kept, now)
            self._remember(domain, kept)
        kept = known[0] if known is not None else None
        return kept if kept is not None and kept.expires_at > now else None

    async def _fetch(self, domain: str, policy_id: str, *, again: bool = False) -> KeptPolicy | None:
        """Fetch and remember; None: it could not be had, and is not tried again for some minutes."""
        if not again and self._gave_up(domain, policy_id):
            return None
        try:
            policy = read_policy(domain, policy_id, await self._fetcher.fetch(domain))
        except (FetchFailed, StsInvalid) as error:
            log.info("sts.not_fetched", domain=domain, reason=str(error))
            self._put(self._failed, domain, (policy_id, self._clock()))
            flaw = error.flaw if isinstance(error, FetchFailed) else Flaw.STS_INVALID
            fact = PolicyFact(PolicyKind.STS, domain)
            self._watch(Verdict(domain, fact, "", "", Proof.NONE, flaw, str(error)))
            return None
        now = self._clock()
        kept = KeptPolicy(policy, expiry(policy, now))
        try:
            await self._db.write(partial(keep_policy, policy=policy, now=now))
        except DeliveryError as error:
            log.warning("sts.store_unavailable", error=str(error))
        log.info("sts.fetched", domain=domain, id=policy_id, mode=policy.mode.value)
        self._remember(domain, kept)
        self._failed.pop(domain, None)
        return kept

    def _gave_up(self, domain: str, policy_id: str | None) -> bool:
        failed = self._failed.get(domain)
        return failed is not None and failed[0] == policy_id and abs(self._clock() - failed[1]) < _LOOK_AGAIN

    def _remember(self, domain: str, kept: KeptPolicy | None) -> None:
        self._put(self._memory, domain, (kept, self._clock()))

    @staticmethod
    def _put(memory: "OrderedDict[str, V]", domain: str, value: V) -> None:
        memory[domain] = value
        memory.move_to_end(domain)
        while len(memory) > _REMEMBERED:
            memory.popitem(last=False)

    @contextmanager
    def _turn(self, domain: str) -> Iterator[asyncio.Lock]:
        """One fetch of a domain at a time: the others wait for what it brings."""
        lock = self._fetching.setdefault(domain, asyncio.Lock())
        try:
            yield lock
        finally:
            if not lock.locked():
                self._fetching.pop(domain, None)

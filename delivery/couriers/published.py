"""Which domains prove the TLS of their mail servers by what they publish: asked before a message is decided (`proven`).

Only what is published is looked up here. Whether the servers keep that promise is found out when the mail is delivered
(`proving.py`); if they do not, the item's fallback happens, as for a partner.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final

import structlog

from delivery.couriers.proving import Candidate, Policies, tlsa_of
from delivery.couriers.targets import SMTP_PORT
from delivery.dane import usable
from delivery.errors import DeliveryError
from delivery.hops import Published
from delivery.mx import OwnServer, host_addresses, mail_hosts
from delivery.resolving import Resolver
from delivery.stspolicy import Mode

SECONDS: Final = 10.0  # a client waits for the answer to its message meanwhile
_HOSTS: Final = 3  # of one domain that are asked about

log = structlog.get_logger(__name__)


class Promises:
    """Finds out whether domains publish DANE records or an enforced MTA-STS policy, as far as `kinds` counts them."""

    def __init__(
        self, kinds: Collection[Published], resolver: Resolver, policies: Policies, own_server: OwnServer
    ) -> None:
        self._kinds = frozenset(kinds)
        self._resolver = resolver
        self._policies = policies
        self._own_server = own_server

    async def of(self, domains: Collection[str]) -> Mapping[str, bool]:
        """For each domain (A-labels): does it publish what proves its servers? No answer in time counts as no."""
        told = await asyncio.gather(*(self._in_time(domain) for domain in domains))
        return dict(zip(domains, told, strict=True))

    async def _in_time(self, domain: str) -> bool:
        try:
            async with asyncio.timeout(SECONDS):
                return await self._promises(domain)
        except (DeliveryError, TimeoutError) as error:
            log.info("proven.unknown", domain=domain, reason=str(error) or type(error).__name__)
            return False

    async def _promises(self, domain: str) -> bool:
        if Published.MTA_STS in self._kinds:
            policy = await self._policies.policy(domain)
            if policy is not None and policy.mode is Mode.ENFORCE:
                return True
        return Published.DANE in self._kinds and await self._has_records(domain)

    async def _has_records(self, domain: str) -> bool:
        hosts = await mail_hosts(self._resolver, domain, own_server=self._own_server)
        if not hosts.secure:
            return False
        for host in hosts.hosts[:_HOSTS]:
            addresses = await host_addresses(self._resolver, host)
            records = await tlsa_of(self._resolver, Candidate(host, SMTP_PORT, addresses, vouched=True))
            if records is not None and usable(records.records):
                return True
        return False

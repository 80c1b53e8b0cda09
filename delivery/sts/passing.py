"""A domain's policy as it is at this moment, not remembered: for commands that only look."""

from delivery.errors import DeliveryError
from delivery.resolving import Resolver
from delivery.sts.fetching import Fetcher
from delivery.stspolicy import StsPolicy, read_policy, read_record


class PassingPolicies:
    """Asks DNS and the web server each time."""

    def __init__(self, resolver: Resolver, fetcher: Fetcher) -> None:
        self._resolver = resolver
        self._fetcher = fetcher

    async def policy(self, domain: str) -> StsPolicy | None:
        """The policy that the domain publishes now; None: none, or none that could be had."""
        try:
            announced = read_record((await self._resolver.txt(f"_mta-sts.{domain}")).records)
            if announced is None:
                return None
            return read_policy(domain, announced, await self._fetcher.fetch(domain))
        except DeliveryError:
            return None

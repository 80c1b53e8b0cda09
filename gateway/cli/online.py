"""What `policy explain --online` asks DNS: whether the recipients' mail servers can be proven."""

import asyncio
from collections.abc import Sequence

import click

from delivery.couriers.published import Promises
from delivery.errors import DeliveryError
from delivery.hops import DnsSettings, Published
from delivery.mx import OwnServer, mail_hosts
from delivery.resolving import DnsResolver, LookupFailed
from delivery.sts.fetching import Fetcher
from delivery.sts.passing import PassingPolicies
from gateway.cli.context import Invocation
from gateway.settings import SettingsInvalid, load_settings


def proven_online(domains: Sequence[str], invocation: Invocation) -> dict[str, bool]:
    """What can be told of each domain's servers before they are asked.

    True: the domain publishes what proves them, of the kinds that `proven` takes. False: no host takes its mail, so
    nothing can be proven. Else it is left open. Without a configuration the system's DNS servers are asked.
    """
    try:
        settings = load_settings(invocation.config, keyring=False, policy=False)
        servers, kinds, hostname = settings.dns, settings.proven, settings.hostname
    except SettingsInvalid:  # a policy file alone is explained; a broken configuration was told before
        servers, kinds, hostname = DnsSettings(), (), ""
    return asyncio.run(_ask(domains, servers, kinds, OwnServer(hostname)))


async def _ask(
    domains: Sequence[str], servers: DnsSettings, kinds: Sequence[Published], own_server: OwnServer
) -> dict[str, bool]:
    resolver, told = DnsResolver(servers), {}
    for domain in domains:
        try:
            await mail_hosts(resolver, domain, own_server=own_server)
        except LookupFailed as error:
            click.echo(f"{domain}: {error}", err=True)
        except DeliveryError:
            told[domain] = False
    promises = Promises(kinds, resolver, PassingPolicies(resolver, Fetcher(resolver)), own_server)
    promised = await promises.of(domains) if kinds else {}
    return told | {domain: True for domain, does in promised.items() if does}

"""The network address that a request comes from, also behind trusted proxies."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from aiohttp import web

from portal.services import services_of

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]


def client_address(request: web.Request) -> str:
    """The client's own address; empty when it cannot be told (a socket of this machine)."""
    found = _client(request.remote or "", request.headers.getall("X-Forwarded-For", []), _trusted(request))
    return "" if found is None else str(found)


def client_network(request: web.Request) -> str:
    """What limits are counted by: the IPv4 address, or the /64 of an IPv6 one, since a /64 is one home."""
    found = _client(request.remote or "", request.headers.getall("X-Forwarded-For", []), _trusted(request))
    return "local" if found is None else _network(found)


def client_region(request: web.Request) -> str:
    """The network that one customer may have all addresses of: the /24 of an IPv4 address, the /48 of an IPv6 one."""
    found = _client(request.remote or "", request.headers.getall("X-Forwarded-For", []), _trusted(request))
    return "local" if found is None else str(ip_network((found, 48 if found.version == 6 else 24), strict=False))


def network_of(peer: str, trusted: Networks) -> str | None:
    """The network of who is connected; None for a proxy of ours, behind which anybody may stand, and where it cannot be
    told.
    """
    address = _parsed(peer)
    return None if address is None or _within(address, trusted) else _network(address)


def _network(address: Address) -> str:
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)


def _trusted(request: web.Request) -> Networks:
    return services_of(request).settings.trusted_proxies


def _client(peer: str, forwarded: Sequence[str], trusted: Networks) -> Address | None:
    """The first address, seen from us, that is none of our proxies: what stands left of it, anybody may have sent."""
    address = _parsed(peer)
    if address is None or not _within(address, trusted):
        return address
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    for hop in reversed(hops):
        before = _parsed(hop)
        if before is None:
            return address
        address = before
        if not _within(address, trusted):
            return address
    return address


def _parsed(text: str) -> Address | None:
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _within(address: Address, networks: Networks) -> bool:
    return any(address.version == network.version and address in network for network in networks)

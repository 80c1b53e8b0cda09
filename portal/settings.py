"""Where the portal listens and what it is called."""

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from delivery.settings import Section


class PortalTls(Section):
    """The portal's certificate."""

    certificate: Path
    key: Path


class PortalSettings(Section):
    """`portal`: plain http on loopback only, or behind a trusted proxy."""

    address: str = "127.0.0.1:8443"
    url: str
    tls: PortalTls | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()

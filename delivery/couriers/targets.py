"""From a destination to a target: which hosts, and what their TLS must show. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from delivery.errors import DeliveryError
from delivery.items import Destination
from delivery.sections import Endpoint, parse_endpoint
from delivery.settings import HopSettings, HopTls, PartnerSettings, Verify
from delivery.tls import Proof, TlsDemand
from policy.decision import Route

SMTP_PORT: Final = 25


class NoTarget(DeliveryError):
    """The configuration no longer says where this goes."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where connections go that may be shared: the same hosts under the same demand.

    Either `host` is set, or `domain` (A-labels), whose MX is looked up.
    """

    demand: TlsDemand
    host: Endpoint | None = None
    domain: str = ""

    @property
    def demands_tls(self) -> bool:
        """Must there be TLS, and the proof asked for, before the peer hears of the message?"""
        return not self.demand.clear_allowed


@dataclass(frozen=True, slots=True)
class Hops:
    """What the configuration says of the ways out."""

    next_hop: HopSettings
    inside: HopSettings | None
    partners: Mapping[str, PartnerSettings]

    def target(self, destination: Destination, recipient: str) -> Target:
        """Where a recipient's copy goes. Raises NoTarget."""
        if destination.inside:
            demanding = destination.route is not Route.RELAY
            return _hop(self.inside or self.next_hop, recipient, at_least_verified=demanding)
        match destination.route:
            case Route.RELAY:
                return _hop(self.next_hop, recipient)
            case Route.PARTNER:
                try:
                    return _partner(self.partners[destination.name], recipient)
                except KeyError:
                    raise NoTarget(f"the partner {destination.name} is not in the configuration any more") from None
            case Route.TLS:
                domain = recipient_domain(recipient)
                return Target(TlsDemand(Proof.PKI, names=(domain,)), domain=domain)
            case route:
                raise NoTarget(f"the route {route} is not one of mail")


def recipient_domain(recipient: str) -> str:
    """The domain of an address in A-labels, lower case. Raises NoTarget if it is none."""
    domain = recipient.rpartition("@")[2].rstrip(".").lower()
    try:
        ascii_domain = domain if domain.isascii() else domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        ascii_domain = ""
    if not ascii_domain or not ascii_domain.isprintable() or " " in ascii_domain:
        raise NoTarget("the recipient's domain is not a domain")
    return ascii_domain


def _hop(hop: HopSettings, recipient: str, *, at_least_verified: bool = False) -> Target:
    domain = "" if hop.host else recipient_domain(recipient)
    host = parse_endpoint(hop.host, SMTP_PORT) if hop.host else None
    if hop.tls is HopTls.VERIFY or at_least_verified:
        # Without the recipient's domain in the names, a hop by MX would be proven by whatever name DNS gives.
        names = hop.names or ((host.host,) if host else (domain,))
        demand = TlsDemand(Proof.PKI, names=names, ca=hop.ca)
    else:
        demand = TlsDemand(Proof.UNVERIFIED, clear_allowed=hop.tls is HopTls.OPPORTUNISTIC)
    return Target(demand, host, domain)


def _partner(partner: PartnerSettings, recipient: str) -> Target:
    host = parse_endpoint(partner.host, SMTP_PORT) if partner.host else None
    domain = "" if host else recipient_domain(recipient)
    tls = partner.tls
    pinned = tls.verify is Verify.PINNED
    demand = TlsDemand(
        proof=Proof.PINNED if pinned else Proof.PKI,
        names=() if pinned else tls.names or ((host.host,) if host else (domain,)),
        fingerprints=tls.fingerprints if pinned else (),
        minimum=tls.minimum,
        ca=tls.ca,
        client_certificate=tls.client_certificate,
        client_key=tls.client_key,
    )
    return Target(demand, host, domain)

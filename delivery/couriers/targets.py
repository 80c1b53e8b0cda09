"""From a destination to a target: which hosts, and what their TLS must show. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from delivery.errors import DeliveryError
from delivery.hops import DestinationLimits, HopSettings, HopTls, PartnerSettings, Published, Verify
from delivery.items import Destination
from delivery.sections import Endpoint, parse_endpoint
from delivery.tls import Proof, TlsDemand
from policy.decision import Route
from policy.domains import a_labels

SMTP_PORT: Final = 25


class NoTarget(DeliveryError):
    """The configuration no longer says where this goes."""


class Wish(StrEnum):
    """What a message itself asks of the way (RFC 8689)."""

    NOTHING = "nothing"
    REQUIRE_TLS = "require"  # REQUIRETLS: proven at every hop, and never to one that does not promise the same
    WITHOUT_POLICY = "without"  # TLS-Required: No: what recipients' domains publish is not demanded


class Dane(StrEnum):
    """How much TLSA records count for a target."""

    NEVER = "never"  # not asked for: the configuration says what proves this host
    WHERE_PUBLISHED = "published"  # where there are some, nothing else counts
    ALWAYS = "always"  # and where there are none, no host is proven


@dataclass(frozen=True, slots=True)
class Target:
    """Where connections go that may be shared: the same hosts under the same demand.

    Either `host` is set, or `domain` (A-labels), whose MX is looked up. `demand` is what counts where the domain
    publishes nothing that we honour.
    """

    demand: TlsDemand
    host: Endpoint | None = None
    domain: str = ""
    dane: Dane = Dane.NEVER
    sts: bool = False  # is the domain's MTA-STS policy honoured?
    requires_tls: bool = False  # only a proven host that offers REQUIRETLS will do
    bounces_unproven: bool = False  # with requires_tls: it has no fallback for want of proof
    is_ours: bool = False  # the domain is one of ours: its servers may be in a private network
    limits: DestinationLimits = field(default=DestinationLimits())

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
    _known: dict[tuple[Destination, Wish], Target] = field(default_factory=dict, compare=False, repr=False)

    def target(self, destination: Destination, recipient: str, wish: Wish = Wish.NOTHING) -> Target:
        """Where a recipient's copy goes. Raises NoTarget.

        What a message wishes can only add to what its route demands: `TLS-Required: No` counts for ordinary mail alone.
        """
        known = self._known.get((destination, wish))
        if known is not None:
            return known
        target = self._wished(destination, recipient, wish)
        if target.host is not None:  # the same for every recipient
            self._known[destination, wish] = target
        return target

    def _wished(self, destination: Destination, recipient: str, wish: Wish) -> Target:
        target = self._target(destination, recipient, proven=wish is Wish.REQUIRE_TLS)
        if wish is Wish.REQUIRE_TLS:
            return replace(target, requires_tls=True, bounces_unproven=destination.route is Route.RELAY)
        if wish is Wish.WITHOUT_POLICY and destination.route is Route.RELAY and target.dane is not Dane.ALWAYS:
            return replace(target, dane=Dane.NEVER, sts=False)
        return target

    def _target(self, destination: Destination, recipient: str, *, proven: bool) -> Target:
        if destination.inside:
            demanding = proven or destination.route is not Route.RELAY
            hop = _hop(self.inside or self.next_hop, recipient, at_least_verified=demanding)
            return replace(hop, is_ours=True)
        match destination.route:
            case Route.RELAY:
                return _hop(self.next_hop, recipient, at_least_verified=proven)
            case Route.PARTNER:
                try:
                    return _partner(self.partners[destination.name], recipient)
                except KeyError:
                    raise NoTarget(f"the partner {destination.name} is not in the configuration any more") from None
            case Route.TLS:
                return self._proven(recipient)
            case route:
                raise NoTarget(f"the route {route} is not one of mail")

    def _proven(self, recipient: str) -> Target:
        """The recipient's own server, proven by what its domain publishes, else by a certificate for the domain."""
        domain = recipient_domain(recipient)
        demand = TlsDemand(Proof.PKI, names=(domain,))
        limits = self.next_hop.limits
        return Target(demand, domain=domain, dane=Dane.WHERE_PUBLISHED, sts=True, limits=limits)


def recipient_domain(recipient: str) -> str:
    """The domain of an address in A-labels, lower case. Raises NoTarget if it is none."""
    try:
        ascii_domain = a_labels(recipient.rpartition("@")[2]).rstrip(".")
    except UnicodeError:
        ascii_domain = ""
    if not ascii_domain or not ascii_domain.isprintable() or " " in ascii_domain:
        raise NoTarget("the recipient's domain is not a domain")
    return ascii_domain


def _hop(hop: HopSettings, recipient: str, *, at_least_verified: bool = False) -> Target:
    domain = "" if hop.host else recipient_domain(recipient)
    host = parse_endpoint(hop.host, SMTP_PORT) if hop.host else None
    ours = TlsDemand(client_certificate=hop.client_certificate, client_key=hop.client_key)
    if hop.tls is HopTls.DANE:
        return Target(replace(ours, proof=Proof.DANE), host, domain, dane=Dane.ALWAYS, limits=hop.limits)
    if hop.tls is HopTls.VERIFY or at_least_verified:
        # Without the recipient's domain in the names, a hop by MX would be proven by whatever name DNS gives.
        names = hop.names or ((host.host,) if host else (domain,))
        demand = replace(ours, proof=Proof.PKI, names=names, ca=hop.ca)
    else:
        demand = replace(ours, clear_allowed=hop.tls is HopTls.OPPORTUNISTIC)
    by_mx = host is None
    # A message that must be proven is proven by whatever its recipient's domain publishes, also where ordinary mail
    # does not ask.
    dane = by_mx and (at_least_verified or Published.DANE in hop.honours)
    sts = by_mx and (at_least_verified or Published.MTA_STS in hop.honours)
    return Target(demand, host, domain, Dane.WHERE_PUBLISHED if dane else Dane.NEVER, sts, limits=hop.limits)


def _partner(partner: PartnerSettings, recipient: str) -> Target:
    host = parse_endpoint(partner.host, SMTP_PORT) if partner.host else None
    domain = "" if host else recipient_domain(recipient)
    tls = partner.tls
    proof = {Verify.PKI: Proof.PKI, Verify.PINNED: Proof.PINNED, Verify.DANE: Proof.DANE}[tls.verify]
    named = tls.names or ((host.host,) if host else (domain,))
    demand = TlsDemand(
        proof=proof,
        names=named if proof is Proof.PKI else (),
        fingerprints=tls.fingerprints,
        public_keys=tls.public_keys,
        minimum=tls.minimum,
        ca=tls.ca,
        client_certificate=tls.client_certificate,
        client_key=tls.client_key,
    )
    return Target(demand, host, domain, Dane.ALWAYS if proof is Proof.DANE else Dane.NEVER, limits=partner.limits)

"""Routes: where an action leads for one recipient, given what is ours and whom we know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from policy.decision import Action, Route
from policy.message import Address


def domain_matches(pattern: str, domain: str) -> bool:
    """True where `example.com` is the domain itself, or `*.example.com` stands for one below it; both as A-labels."""
    if pattern.startswith("*."):
        return domain.endswith(pattern[1:]) and len(domain) > len(pattern) - 1
    return domain == pattern


@lru_cache(maxsize=4096)
def _is_among(patterns: tuple[str, ...], domain: str) -> bool:
    """Whether any pattern matches the domain. Cached: few domains are asked about, several times for each recipient."""
    return any(domain_matches(pattern, domain) for pattern in patterns)


@dataclass(frozen=True, slots=True)
class ProfileGroup:
    """Which security profiles some senders may choose. `senders`: addresses by key, domains, or *. for all below."""

    senders: tuple[str, ...]
    profiles: tuple[str, ...]
    default: str

    def holds(self, sender: Address) -> bool:
        """True where the sender is one of them."""
        return any(
            sender.key == pattern if "@" in pattern else domain_matches(pattern, sender.domain)
            for pattern in self.senders
        )


_ANYBODY: Final = ProfileGroup((), ("standard",), "standard")


@dataclass(frozen=True, slots=True)
class Directory:
    """Which domains are ours, and which partners and senders' groups are known.

    Domains are lower-case A-labels; `*.example.com` stands for every domain below.
    """

    domains: tuple[str, ...] = ()
    partners: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> domains
    inside_verified: bool = False  # the way to our own mail servers is proven
    proven: bool = False  # a domain that publishes how its servers are proven counts as a partner
    profiles: frozenset[str] = frozenset({"standard"})
    namespaces: frozenset[str] = frozenset({"default"})
    groups: tuple[ProfileGroup, ...] = ()  # the first that has the sender in it counts

    def group_of(self, sender: Address | None) -> ProfileGroup:
        """The first group that the sender is in; for others one with the profile `standard` alone."""
        mine = (group for group in self.groups if sender is not None and group.holds(sender))
        return next(mine, _ANYBODY)

    def is_ours(self, address: Address) -> bool:
        """True where the address is in one of our domains."""
        return _is_among(self.domains, address.domain)

    def partner_of(self, address: Address) -> str | None:
        """The name of the partner the address belongs to: an exact domain wins, then the longest pattern."""
        found = [
            (not pattern.startswith("*."), len(pattern), name)
            for name, patterns in self.partners.items()
            for pattern in patterns
            if domain_matches(pattern, address.domain)
        ]
        return max(found)[2] if found else None


@dataclass(frozen=True, slots=True)
class Way:
    """The route of one recipient, with the sentence that says why."""

    route: Route
    because: str
    partner: str | None = None
    inside: bool = False


def choose_route(
    action: Action,
    recipient: Address,
    directory: Directory,
    *,
    tls_else: Route = Route.SAFEBOX,
    proves_tls: bool | None = None,
) -> Way:
    """Where the action leads for this recipient.

    `tls_else`: for the action `tls`, the route where the TLS of the recipient's server cannot be proven. `proves_tls`:
    whether DNS and the server itself prove its TLS; None: not known yet.
    """
    match action:
        case Action.HOLD:
            return Way(Route.HOLD, "an admin releases or refuses it")
        case Action.REJECT:
            return Way(Route.REJECT, "it is refused")
        case Action.SAFEBOX:
            return Way(Route.SAFEBOX, "the rule asks for a SafeBox")
        case Action.RELAY:
            return _relay(recipient, directory)
        case Action.SECURE | Action.TLS:
            return _secure(action, recipient, directory, tls_else, proves_tls)


def _relay(recipient: Address, directory: Directory) -> Way:
    if directory.is_ours(recipient):
        return Way(Route.RELAY, f"{recipient.domain} is ours: it goes inside", inside=True)
    return Way(Route.RELAY, "it goes on as ordinary mail")


def _secure(action: Action, recipient: Address, directory: Directory, tls_else: Route, proves: bool | None) -> Way:
    if directory.is_ours(recipient):
        if directory.inside_verified:
            return Way(Route.RELAY, f"{recipient.domain} is ours, and the way inside is verified", inside=True)
        return Way(Route.SAFEBOX, f"{recipient.domain} is ours, but inside.tls is not verify")
    partner = directory.partner_of(recipient)
    if partner is not None:
        return Way(Route.PARTNER, f"{recipient.domain} belongs to partner {partner}", partner=partner)
    if action is Action.SECURE and directory.proven and proves:
        return Way(Route.TLS, f"the server of {recipient.domain} proves its TLS, and counts as a partner's")
    if action is Action.SECURE:
        return Way(Route.SAFEBOX, f"{recipient.domain} belongs to no partner")
    if proves is False:
        return Way(tls_else, f"the server of {recipient.domain} cannot be proven")
    known = "is proven" if proves else "has to be proven when it is delivered"
    return Way(Route.TLS, f"the server of {recipient.domain} {known}")

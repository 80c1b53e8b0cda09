"""Who may send as whom, and to whom: told by the listener's settings and by what the client has proven. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from delivery.items import Reply
from gateway.smtp import replies
from gateway.smtp.settings import Accepts, ListenerSettings, Require
from policy.message import Address, Client, Senders

IpAddress = IPv4Address | IPv6Address
IpNetwork = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Proven:
    """What a client has shown of itself so far."""

    address: IpAddress
    tls: bool = False
    login: str | None = None
    certificates: tuple[str, ...] = ()  # names of its verified certificate, the common name first

    def client(self, helo: str, tls: str | None, origin: IpAddress | None) -> Client:
        """The client as an envelope names it. `origin`: where it has the message from, as told by XFORWARD."""
        name = self.certificates[0] if self.certificates else None
        return Client(self.address, helo, self.login, name, tls, origin)


@dataclass(frozen=True, slots=True)
class DomainPatterns:
    """Domains, and patterns such as `*.example.com` for all domains below one (not for that one itself)."""

    exact: frozenset[str]
    below: tuple[str, ...]  # with the leading dot

    @classmethod
    def of(cls, patterns: Iterable[str]) -> "DomainPatterns":
        """From the configuration's spelling."""
        all_of_them = [pattern.lower() for pattern in patterns]
        return cls(
            frozenset(p for p in all_of_them if not p.startswith("*.")),
            tuple(p[1:] for p in all_of_them if p.startswith("*.")),
        )

    def match(self, domain: str) -> bool:
        """Is this domain (lower case, A-labels) one of them?"""
        return domain in self.exact or (bool(self.below) and domain.endswith(self.below))


@dataclass(frozen=True, slots=True)
class SenderList:
    """What one identity may use as MAIL FROM: whole addresses and domains."""

    addresses: frozenset[str]
    domains: DomainPatterns

    @classmethod
    def of(cls, entries: Iterable[str]) -> "SenderList":
        """From the configuration's spelling: what has an `@` is an address."""
        known = tuple(entries)
        return cls(
            frozenset(entry.lower() for entry in known if "@" in entry),
            DomainPatterns.of(entry for entry in known if "@" not in entry),
        )

    def allows(self, sender: Address) -> bool:
        """May this address be used?"""
        return sender.key in self.addresses or self.domains.match(sender.domain)


@dataclass(frozen=True, slots=True)
class Admission:
    """One listener's rules. Each question gives None for yes, or the reply that says no."""

    listener: ListenerSettings
    ours: DomainPatterns
    bounces: str | None
    named: dict[str, SenderList] = field(default_factory=dict)  # by login or certificate name, lower case
    networks: tuple[tuple[IpNetwork, SenderList], ...] = ()

    @classmethod
    def of(cls, listener: ListenerSettings, domains: Iterable[str], bounces: str | None) -> "Admission":
        """From one listener's settings and our `domains`; `bounces` is the domain of our signed return addresses."""
        named: dict[str, SenderList] = {}
        networks: list[tuple[IpNetwork, SenderList]] = []
        for key, entries in listener.senders.items():
            network = _network(key)
            if network is None:
                named[key.lower()] = SenderList.of(entries)
            else:
                networks.append((network, SenderList.of(entries)))
        return cls(listener, DomainPatterns.of(domains), bounces.lower() if bounces else None, named, tuple(networks))

    def client(self, address: IpAddress) -> Reply | None:
        """May this address speak with us at all? Asked before the greeting."""
        return None if _is_in(address, self.listener.clients) else replies.CLIENT_UNKNOWN

    def identity(self, who: Proven) -> Reply | None:
        """Has the client shown what `require` and `tls.require` ask for? Asked at MAIL."""
        if not who.tls and self.needs_tls:
            return replies.TLS_FIRST
        if self.listener.require is Require.LOGIN and who.login is None:
            return replies.LOGIN_FIRST
        if self.listener.require is Require.CERTIFICATE and not who.certificates:
            return replies.CERTIFICATE_FIRST
        return None

    def sender(self, who: Proven, sender: Address | None) -> Reply | None:
        """May this client send as `sender`? From outside anyone may; our own clients may also use `<>` (bounces)."""
        if self.is_inbound or sender is None:
            return None
        return None if self._may_use(who, sender) else replies.SENDER_NOT_OURS

    def senders(self, who: Proven) -> Senders | None:
        """What this client may send as, asked when mail from `<>` names an owner in its header; None: any address of
        ours."""
        if self.is_inbound or self._lists(who) is None:
            return None
        return _Allowed(self, who)

    def may_forward(self, address: IpAddress) -> bool:
        """Is this a server whose XFORWARD is believed?"""
        return _is_in(address, self.listener.xforward)

    def recipient(self, recipient: Address) -> Reply | None:
        """May a client here send to `recipient`? From outside only to us: never a relay."""
        if not self.is_inbound:
            return None
        if self.ours.match(recipient.domain) or recipient.domain == self.bounces:
            return None
        return replies.RELAY_DENIED

    @property
    def verifies(self) -> bool:
        """Is the server inside asked for each recipient?"""
        return self.is_inbound and self.listener.verify_recipients is not False

    def is_stranger(self, address: IpAddress) -> bool:
        """Does this client bring mail whose sender may be forged (inbound, not in `reports`)? It gets no report."""
        return self.is_inbound and not _is_in(address, self.listener.reports)

    @property
    def is_inbound(self) -> bool:
        """Does this listener take mail from outside, for us?"""
        return self.listener.accepts is Accepts.INBOUND

    @property
    def needs_tls(self) -> bool:
        """No mail before STARTTLS: it was asked for, or nothing could be proven without."""
        tls = self.listener.tls
        return self.listener.require is not Require.NETWORK or (tls is not None and tls.require)

    def _may_use(self, who: Proven, sender: Address) -> bool:
        """By the strongest identity: a login, else a certificate that `senders` lists, else the network."""
        lists = self._lists(who)
        if lists is None:
            return self.ours.match(sender.domain)
        is_own = who.login is not None and _is_own(who.login, sender, self.ours)
        return is_own or any(listed.allows(sender) for listed in lists)

    def _lists(self, who: Proven) -> list[SenderList] | None:
        """The lists that `senders` has for this client, beside a login's own address; None: it is not restricted."""
        if who.login is not None:
            listed = self.named.get(who.login.lower())
            return [] if listed is None else [listed]
        lists = [self.named[name.lower()] for name in who.certificates if name.lower() in self.named]
        return lists or [listed for network, listed in self.networks if who.address in network] or None


@dataclass(frozen=True, slots=True)
class _Allowed:
    """One client's senders, as an envelope carries them on."""

    admission: Admission
    who: Proven

    def allows(self, sender: Address) -> bool:
        """May this address be used?"""
        return self.admission._may_use(self.who, sender)


def _is_own(login: str, sender: Address, ours: DomainPatterns) -> bool:
    """A login's own address: the login itself if it is an address, else its name at any of our domains."""
    if "@" in login:
        return sender.key == login.lower() and ours.match(sender.domain)
    return sender.local.lower() == login.lower() and ours.match(sender.domain)


def _network(key: str) -> IpNetwork | None:
    try:
        return ip_network(key)
    except ValueError:
        return None


def _is_in(address: IpAddress, networks: Iterable[IpNetwork]) -> bool:
    return any(address in network for network in networks)

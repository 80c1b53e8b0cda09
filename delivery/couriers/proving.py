"""What one host must show: the target's own demand, or what DNS and policies say of this host.

DANE comes first (RFC 8461 2): where a host has usable TLSA records they decide, and nothing weaker is tried. Then an
MTA-STS policy that is enforced. A question that DNS did not answer, or answered wrongly, is never taken for "nothing".
"""

from dataclasses import dataclass, replace
from typing import Final, Protocol

from delivery.couriers.targets import Dane, Target
from delivery.dane import usable
from delivery.resolving import Found, LookupFailed, NoSuchDomain, Resolver, Tlsa
from delivery.stspolicy import Mode, StsPolicy
from delivery.tls import Flaw, Proof, TlsDemand, Unproven
from delivery.verdicts import PolicyFact, PolicyKind

_TOLD: Final = 20  # records or hosts that a report names
_BYTES: Final = 512  # of a record


class Policies(Protocol):
    """Who knows the MTA-STS policies of domains."""

    async def policy(self, domain: str) -> StsPolicy | None:
        """The policy that counts now; None: there is none, or none could be had. Raises nothing."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a host must show. `testing_demand`: what a policy in testing asks for; failing it is only reported.

    `unlisted`: that policy does not list the host.
    """

    demand: TlsDemand
    policy: PolicyFact
    testing_demand: TlsDemand | None = None
    unlisted: bool = False  # by a policy in testing


@dataclass(frozen=True, slots=True)
class Candidate:
    """A host that may take the mail. `vouched`: the configuration or DNSSEC says that it is one of the domain's."""

    host: str
    port: int
    addresses: Found[str]
    vouched: bool


async def plan_for(resolver: Resolver, target: Target, one: Candidate, sts: StsPolicy | None) -> Plan:
    """What this host must show. Raises Unproven where it cannot: the next host may."""
    must = target.demand
    records = await tlsa_of(resolver, one) if target.dane is not Dane.NEVER and one.vouched else None
    if records is not None:
        good = usable(records.records)
        if good:
            names = tuple(dict.fromkeys((records.base, target.domain or one.host)))
            demand = replace(_without_proof(must), proof=Proof.DANE, names=names, tlsa=good, tlsa_at=records.at)
            return Plan(demand, _tlsa_fact(target, records))
        # Somebody wants TLS there, and nobody can tell what it should show (RFC 7672 2.2).
        must = replace(must, clear_allowed=False)
    if target.dane is Dane.ALWAYS:
        raise Unproven("DNSSEC vouches for no certificate of the host (no usable TLSA records)", Flaw.DANE_REQUIRED)
    if sts is None or sts.mode is Mode.NONE:
        fact = PolicyFact(domain=target.domain) if records is None else _tlsa_fact(target, records)
        return Plan(must, fact)
    return _under_policy(must, one.host, sts)


def _under_policy(must: TlsDemand, host: str, sts: StsPolicy) -> Plan:
    fact = PolicyFact(PolicyKind.STS, sts.domain, _lines(sts), sts.mx[:_TOLD])
    listed = sts.lists(host)
    if sts.mode is Mode.ENFORCE and not listed:
        raise Unproven(f"{sts} does not list this host", Flaw.WRONG_HOST)
    proven = must.proof is Proof.PKI
    if sts.mode is Mode.TESTING and proven:
        return Plan(must, fact)  # more is demanded anyhow, and a policy in testing proves nothing
    demand = replace(
        must,
        proof=Proof.PKI if proven else Proof.STS,
        clear_allowed=False,
        listed=host if listed else "",
        policy=str(sts),
        ask_for=host,
    )
    if sts.mode is Mode.ENFORCE:
        return Plan(demand, fact)
    return Plan(must, fact, demand, unlisted=not listed)


def _without_proof(demand: TlsDemand) -> TlsDemand:
    """The demand reduced to our own certificate and the lowest TLS version: what every later demand keeps."""
    return TlsDemand(minimum=demand.minimum, client_certificate=demand.client_certificate, client_key=demand.client_key)


# -- TLSA ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TlsaRecords:
    """The TLSA records of a host, the DNS name `at` which they stand, and the `base` name that certificates are for."""

    base: str
    at: str
    records: tuple[Tlsa, ...]


async def tlsa_of(resolver: Resolver, one: Candidate) -> TlsaRecords | None:
    """The TLSA records of a host; None: it has none that DNSSEC vouches for. Raises Unproven where DNS fails.

    A host that is an alias has them at the name it stands for, else at its own (RFC 7672 2.2.2).
    """
    try:
        for base in await _bases(resolver, one.host, one.addresses):
            at = f"_{one.port}._tcp.{base}"
            try:
                found = await resolver.tlsa(at)
            except NoSuchDomain:
                continue
            if found and found.secure:
                return TlsaRecords(base, at, found.records)
    except LookupFailed as error:
        raise Unproven(f"DNS does not say whether the host has TLSA records: {error}", Flaw.DNSSEC_INVALID) from error
    return None


async def _bases(resolver: Resolver, host: str, addresses: Found[str]) -> tuple[str, ...]:
    if not addresses.name:
        return ()  # it is an address itself
    if addresses.secure:
        return tuple(dict.fromkeys((addresses.name, host)))
    if addresses.name == host:
        return ()  # nobody signs its zone: to ask would only meet servers that cannot answer (RFC 7672 2.1.2)
    try:
        return (host,) if (await resolver.alias(host)).secure else ()
    except NoSuchDomain:
        return ()


def _tlsa_fact(target: Target, records: TlsaRecords) -> PolicyFact:
    told = records.records[:_TOLD]
    text = tuple(f"{r.usage} {r.selector} {r.matching} {r.data[:_BYTES].hex()}" for r in told)
    return PolicyFact(PolicyKind.TLSA, target.domain, text, (records.base,))


def _lines(sts: StsPolicy) -> tuple[str, ...]:
    return (
        "version: STSv1", f"mode: {sts.mode}", *(f"mx: {host}" for host in sts.mx[:_TOLD]), f"max_age: {sts.max_age}",
    )  # fmt: skip

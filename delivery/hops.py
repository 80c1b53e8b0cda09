"""The ways out, as the configuration says them: DNS, hops, partners, and what each must show."""

import base64
import binascii
from enum import StrEnum
from ipaddress import ip_address
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictBool, StrictInt, ValidationInfo, field_validator, model_validator

from delivery.sections import (
    DomainName,
    DomainPattern,
    Endpoint,
    File,
    Hop,
    NameServer,
    Network,
    Section,
    parse_endpoint,
    wrong,
)


class Dnssec(StrEnum):
    """Whose word on DNSSEC is believed."""

    LOOPBACK = "loopback"
    TRUSTED = "trusted"
    NEVER = "never"


class Families(StrEnum):
    """Which addresses of a mail server are tried."""

    BOTH = "both"
    IPV4 = "ipv4"
    IPV6 = "ipv6"


class DnsSettings(Section):
    """Who is asked for MX, addresses, TLSA and the rest."""

    servers: tuple[NameServer, ...] = Field(
        examples=[["127.0.0.1:53"]],
        default=(),
        description="DNS servers, tried in this order; port 53 when omitted. Empty: those of /etc/resolv.conf.",
    )
    dnssec: Dnssec = Field(
        default=Dnssec.LOOPBACK,
        description="Whose validation (AD bit) DANE relies on. loopback: that of `servers` if all are on this machine; "
        "trusted: that of all `servers`, so the network to them must be safe; never: nobody's, DANE proves nothing.",
    )
    addresses: Families = Field(
        default=Families.BOTH, description="both, ipv4 or ipv6: by which addresses mail servers are reached."
    )

    private: tuple[Network, ...] = Field(
        examples=[["10.20.0.0/16"]],
        default=(),
        description="Networks off the internet where mail servers may stand that DNS names for recipients' domains; "
        "mail for all others there is returned. The MX of `domains` may be anywhere.",
    )

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.dnssec is Dnssec.TRUSTED and not self.servers:
            raise wrong("dnssec: trusted needs servers", "name the servers whose word is to be believed")
        return self

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """The addresses in `servers`, parsed."""
        return tuple(parse_endpoint(server, 53) for server in self.servers)

    @property
    def is_validating(self) -> bool:
        """Is an AD bit believed? Never that of servers which /etc/resolv.conf names: whoever writes it may not know."""
        if self.dnssec is Dnssec.NEVER or not self.servers:
            return False
        local = all(ip_address(server.host).is_loopback for server in self.endpoints)
        return self.dnssec is Dnssec.TRUSTED or local


class DestinationLimits(Section):
    """What one destination gets at once, from this machine."""

    connections: Annotated[StrictInt, Field(ge=1, le=100)] = Field(
        default=20, description="Connections at the same time, by all workers together."
    )
    recipients: Annotated[StrictInt, Field(ge=1, le=100)] = Field(
        default=100, description="Recipients in one transaction, at most 100, which every server takes."
    )
    messages: Annotated[StrictInt, Field(ge=1, le=100_000)] = Field(
        default=500, description="Messages over one connection."
    )


class Published(StrEnum):
    """What a domain can publish about its mail servers' TLS."""

    DANE = "dane"
    MTA_STS = "mta-sts"


class HopTls(StrEnum):
    """What a hop's TLS must show. `opportunistic` any or none; `require` any certificate; `verify` a proven one; `dane`
    one that DNSSEC vouches for."""

    OPPORTUNISTIC = "opportunistic"
    REQUIRE = "require"
    VERIFY = "verify"
    DANE = "dane"

    @property
    def is_proof(self) -> bool:
        """Does it prove who is at the other end?"""
        return self in (HopTls.VERIFY, HopTls.DANE)


class HopSettings(Section):
    """`next_hop` and `inside`: where ordinary mail, or mail for ourselves, is handed on."""

    host: Hop | None = Field(
        default=None,
        examples=["smtp.example.com:25"],
        json_schema_extra={"needed": True},
        description="Host and port of the next mail server; port 25 when omitted.",
    )
    mx: StrictBool = Field(default=False, description="true instead of `host`: look up the recipient's MX.")
    tls: HopTls = Field(
        default=HopTls.OPPORTUNISTIC,
        description="opportunistic: TLS if offered, any certificate; require: TLS, any certificate; "
        "verify: TLS, with a certificate for `host` (with mx: for the recipient's domain) or one of `names`; "
        "dane: TLS, with a certificate that TLSA records vouch for (needs `dns`).",
    )
    honours: tuple[Published, ...] = Field(
        examples=[["dane", "mta-sts"]],
        default=(Published.DANE, Published.MTA_STS),
        description="With mx: what recipients' domains publish and we then demand of their servers, beside `tls`. "
        "dane counts only with validating DNS servers (`dns`).",
    )
    ca: File | None = Field(
        examples=["ca.pem"], default=None, description="PEM file of the authorities to trust; omitted: the system's."
    )
    names: tuple[DomainName, ...] = Field(
        examples=[["smtp.example.com"]],
        default=(),
        description="Names to accept in the certificate instead of the host's.",
    )
    client_certificate: File | None = Field(
        examples=["client.pem"], default=None, description="Our certificate, when the host asks for one."
    )
    client_key: File | None = Field(
        examples=["client-key.pem"], default=None, description="The key of client_certificate."
    )
    limits: DestinationLimits = Field(default=DestinationLimits(), description="What one destination gets at once.")

    @field_validator("mx")
    @classmethod
    def _instead(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("host") is not None:
            raise wrong("host and mx exclude each other", "keep host to hand all mail to one server")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if not self.mx and self.host is None:
            raise wrong("either host or mx is missing", 'write host: "smtp.example.com:25", or mx: true')
        if (self.client_certificate is None) != (self.client_key is None):
            raise wrong("client_certificate and client_key go together", "give both or none")
        if not self.mx and set(self.honours) != set(Published):
            raise wrong("honours counts only with mx: true", "leave it out")
        return self


class InsideSettings(HopSettings):
    """`inside`: as `next_hop`, but proven unless said otherwise."""

    tls: HopTls = Field(
        default=HopTls.VERIFY,
        description="As in next_hop; omitted: verify. Secure mail for ourselves goes this way only with verify or "
        "dane.",
    )


class Verify(StrEnum):
    """How a partner's TLS is proven."""

    PKI = "pki"
    PINNED = "pinned"
    DANE = "dane"


def _fingerprint(value: str) -> str:
    plain = value.replace(":", "").lower()
    if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
        raise wrong(
            f'"{value}" is no SHA-256 fingerprint',
            "64 hex digits: openssl x509 -in cert.pem -noout -fingerprint -sha256",
        )
    return plain


def _public_key(value: str) -> str:
    """SHA-256 of a SubjectPublicKeyInfo: in hex, or in base64 as `sha256//…` of curl and others."""
    text = value.removeprefix("sha256").lstrip("/:")
    if len(text) == 44:
        try:
            return base64.b64decode(text, validate=True).hex()
        except binascii.Error:
            pass
    plain = text.replace(":", "").lower()
    if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
        raise wrong(
            f'"{value}" is no SHA-256 of a public key',
            "openssl x509 -in cert.pem -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum",
        )
    return plain


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]
PublicKey = Annotated[str, AfterValidator(_public_key)]


class PartnerTls(Section):
    """What a partner's certificate must match, and what we show of ourselves."""

    verify: Verify = Field(
        default=Verify.PKI,
        description="pki: signed by a trusted authority; pinned: one of `fingerprints` or `public_keys`; "
        "dane: vouched for by TLSA records (needs `dns`).",
    )
    ca: File | None = Field(
        examples=["ca.pem"], default=None, description="PEM file of the authorities to trust; null: the system's."
    )
    names: tuple[DomainName, ...] = Field(
        examples=[["gateway.stmary.example"]],
        default=(),
        description="Names to accept in the certificate instead of `host` or the recipient's domain.",
    )
    fingerprints: tuple[Fingerprint, ...] = Field(
        examples=[["0" * 64]], default=(), description="For pinned: SHA-256 of the partner's certificates, in hex."
    )
    public_keys: tuple[PublicKey, ...] = Field(
        examples=[["0" * 64]],
        default=(),
        description="For pinned: SHA-256 of the partner's public keys (SPKI), in hex or base64; a renewed certificate "
        "with the same key goes on counting.",
    )
    minimum: Literal["1.2", "1.3"] = Field(default="1.2", description="The lowest TLS version.")
    client_certificate: File | None = Field(
        examples=["client.pem"], default=None, description="Our certificate, when the partner asks for one."
    )
    client_key: File | None = Field(
        examples=["client-key.pem"], default=None, description="The key of client_certificate."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        pins = bool(self.fingerprints or self.public_keys)
        if self.verify is Verify.PINNED and not pins:
            raise wrong(
                "verify: pinned needs fingerprints", "list the SHA-256 of the partner's certificate, or its key's"
            )
        if self.verify is not Verify.PINNED and pins:
            key = "fingerprints count" if self.fingerprints else "public_keys count"
            raise wrong(f"{key} only with verify: pinned", "say verify: pinned, or leave them out")
        if self.verify is not Verify.PKI and (self.ca or self.names):
            raise wrong(f"ca and names do not count with verify: {self.verify}", "leave them out, or say verify: pki")
        if (self.client_certificate is None) != (self.client_key is None):
            raise wrong("client_certificate and client_key go together", "give both or none")
        return self


class Fallback(StrEnum):
    """What happens when a partner cannot be reached with proof for `queue.secure_fallback`."""

    SAFEBOX = "safebox"
    WAIT = "wait"
    HOLD = "hold"


class PartnerSettings(Section):
    """One partner: a gateway we know."""

    domains: Annotated[tuple[DomainPattern, ...], Field(min_length=1)] = Field(
        examples=[["stmary.example", "*.stmary.example"]],
        description='The partner\'s domains; "*.example.com" stands for all below example.com.',
    )
    host: Hop | None = Field(
        examples=["gateway.stmary.example:25"],
        default=None,
        description="Host and port of its gateway; omitted: the domain's MX.",
    )
    tls: PartnerTls = Field(default=PartnerTls(), description="How its TLS is proven.")
    fallback: Fallback = Field(
        default=Fallback.SAFEBOX,
        description="What happens when it cannot be reached with proof for queue.secure_fallback: safebox, wait (until "
        "expiry) or hold.",
    )
    limits: DestinationLimits = Field(default=DestinationLimits(), description="What it gets at once.")

"""How mail goes out: hops, partners, queue, notices."""

import re
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StrictBool, ValidationInfo, field_validator, model_validator

from delivery.sections import DomainName, DomainPattern, File, Hop, Place, Section, Sender, wrong
from policy.units import Duration


class HopTls(StrEnum):
    """What a hop's TLS must show. `opportunistic` any or none; `require` any certificate; `verify` a proven one."""

    OPPORTUNISTIC = "opportunistic"
    REQUIRE = "require"
    VERIFY = "verify"


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
        "verify: TLS, with a certificate for `host` (with mx: for the recipient's domain) or one of `names`.",
    )
    ca: File | None = Field(
        examples=["ca.pem"], default=None, description="PEM file of the authorities to trust; omitted: the system's."
    )
    names: tuple[DomainName, ...] = Field(
        examples=[["smtp.example.com"]],
        default=(),
        description="Names to accept in the certificate instead of the host's.",
    )

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
        return self


class InsideSettings(HopSettings):
    """`inside`: as `next_hop`, but proven unless said otherwise."""

    tls: HopTls = Field(
        default=HopTls.VERIFY, description="As in next_hop. Secure mail for ourselves goes this way only with verify."
    )


class Verify(StrEnum):
    """How a partner's TLS is proven."""

    PKI = "pki"
    PINNED = "pinned"


def _fingerprint(value: str) -> str:
    plain = value.replace(":", "").lower()
    if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
        raise wrong(
            f'"{value}" is no SHA-256 fingerprint',
            "64 hex digits: openssl x509 -in cert.pem -noout -fingerprint -sha256",
        )
    return plain


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


class PartnerTls(Section):
    """What a partner's certificate must match, and what we show of ourselves."""

    verify: Verify = Field(
        default=Verify.PKI, description="pki: signed by a trusted authority; pinned: one of `fingerprints`."
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
    minimum: Literal["1.2", "1.3"] = Field(default="1.2", description="The lowest TLS version.")
    client_certificate: File | None = Field(
        examples=["client.pem"], default=None, description="Our certificate, when the partner asks for one."
    )
    client_key: File | None = Field(
        examples=["client-key.pem"], default=None, description="The key of client_certificate."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.verify is Verify.PINNED and not self.fingerprints:
            raise wrong("verify: pinned needs fingerprints", "list the SHA-256 of the partner's certificate")
        if self.verify is Verify.PKI and self.fingerprints:
            raise wrong("fingerprints count only with verify: pinned", "say verify: pinned, or leave them out")
        if self.verify is Verify.PINNED and (self.ca or self.names):
            raise wrong("ca and names do not count with verify: pinned", "leave them out, or say verify: pki")
        if (self.client_certificate is None) != (self.client_key is None):
            raise wrong("client_certificate and client_key go together", "give both or none")
        return self


class Fallback(StrEnum):
    """What happens when a partner cannot be reached with proof for `queue.secure_fallback`."""

    SAFEBOX = "safebox"
    WAIT = "wait"
    HOLD = "hold"


class PartnerSettings(Section):
    """One gateway we know."""

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
        description="Not reached with proof for queue.secure_fallback: safebox, wait (until expiry) or hold.",
    )


class QueueSettings(Section):
    """When to try again, and when to give up."""

    first_retry: Duration = Field(default=timedelta(minutes=5), description="The first wait after a failure.")
    longest_retry: Duration = Field(default=timedelta(minutes=70), description="Waits grow up to this.")
    secure_fallback: Duration = Field(
        default=timedelta(hours=1),
        description="After this time without a proven connection, a partner's fallback happens.",
    )
    delay_notice: Duration = Field(
        default=timedelta(hours=4), description="After this time the sender is told that delivery is late."
    )
    expire: Duration = Field(default=timedelta(days=5), description="After this time the mail returns to its sender.")
    history: Duration = Field(
        default=timedelta(days=30), description="How long the fate of finished mail can be looked up."
    )
    shutdown: Duration = Field(
        default=timedelta(seconds=30), description="How long work under way may take when stopping."
    )

    @model_validator(mode="after")
    def _order(self) -> Self:
        if not self.first_retry:
            raise wrong("first_retry must be longer than 0")
        if self.longest_retry < self.first_retry:
            raise wrong("longest_retry is shorter than first_retry")
        if self.expire <= self.first_retry:
            raise wrong("expire must be longer than first_retry", "nothing would be tried a second time")
        return self


def _selector(value: str) -> str:
    labels = value.lower().split(".")
    if len(value) > 200 or not all(re.fullmatch(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", label) for label in labels):
        raise wrong(f'"{value}" is no selector', "letters, digits and hyphens, such as s2026")
    return value.lower()


Selector = Annotated[str, AfterValidator(_selector)]


class DkimKeySettings(Section):
    """A key to sign with."""

    selector: Selector = Field(
        examples=["s1"], description="The name under which the DNS has its public half: SELECTOR._domainkey.DOMAIN."
    )
    key: Place = Field(
        examples=["dkim.pem"],
        description="PEM file of the private key (RSA or Ed25519), readable by its owner alone; `sealgate dkim make` "
        "makes one. A systemd credential of that name is taken instead where there is one.",
    )
    domain: DomainName | None = Field(
        default=None, examples=["example.com"], description="Whose signature it is; omitted: the domain of `from`."
    )


class DkimSettings(DkimKeySettings):
    """Signing with DKIM."""

    more: tuple[DkimKeySettings, ...] = Field(
        default=(),
        examples=[[{"selector": "s2", "key": "dkim-s2.pem"}]],
        description="More keys: those of one domain all sign (an Ed25519 key beside an RSA key; a new one beside the "
        "one it will replace), those of other domains sign what is from there.",
    )
    relayed: StrictBool = Field(
        default=False,
        description="true: also relayed mail whose From and envelope sender are of a key's domain, after its changes.",
    )


class NoticeSettings(Section):
    """Who our own mails come from, and where their bounces return to."""

    sender: Sender | None = Field(
        examples=["Example secure mail <secure@example.com>"],
        default=None,
        alias="from",
        description='The sender of notices; omitted: "Secure mail <secure@FIRST>" with the first of `domains`.',
    )
    bounces: DomainName | None = Field(
        examples=["bounces.secure.example.com"],
        default=None,
        description="A domain whose mail comes to an inbound listener: notices get signed return addresses there; "
        "null: bounces go to the sender of the mail it tells of.",
    )
    dkim: DkimSettings | None = Field(
        default=None, description="Signs our notices, reports and answers with DKIM; null: they are not signed."
    )

"""Queue, notices and reports, as the configuration says them. `hops.py` has the ways out."""

import re
from datetime import timedelta
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StrictBool, model_validator

from delivery.sections import (
    DomainName,
    Mailbox,
    Place,
    Section,
    Sender,
    wrong,
)
from policy.units import Duration


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
        default=None, examples=["example.com"], description="The domain that signs; omitted: that of `from`."
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


class TlsReportSettings(Section):
    """Daily reports to domains that ask for them (RFC 8460), of how TLS with their mail servers went."""

    contact: Mailbox | None = Field(
        examples=["postmaster@example.com"],
        default=None,
        description="Who can be asked about our reports: an address. null: no reports are counted or sent.",
    )
    organisation: str | None = Field(
        examples=["Example Corporation"], default=None, description="Our name in reports; null: `hostname`."
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.organisation is not None and self.contact is None:
            raise wrong("organisation counts only with contact", "say who can be asked about the reports")
        return self


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
        "null: bounces go to the sender of the mail that the notice tells of.",
    )
    dkim: DkimSettings | None = Field(
        default=None, description="Signs our notices, reports and answers with DKIM; null: they are not signed."
    )

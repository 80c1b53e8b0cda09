"""How mail goes out: hops, partners, queue, notices."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from policy.units import Duration


class Section(BaseModel):
    """A frozen section; unknown keys are problems."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class HopTls(StrEnum):
    """What a hop's TLS must show. `opportunistic` any or none; `require` any certificate; `verify` a proven one."""

    OPPORTUNISTIC = "opportunistic"
    REQUIRE = "require"
    VERIFY = "verify"


class HopSettings(Section):
    """`next_hop` and `inside`: where ordinary mail, or mail for ourselves, is handed on."""

    host: str | None = None  # host:port
    mx: bool = False  # look up the recipient's MX instead
    tls: HopTls = HopTls.OPPORTUNISTIC
    ca: Path | None = None  # PEM of an own CA; else the system's
    names: tuple[str, ...] = ()  # names to accept in the certificate instead of host's


class Verify(StrEnum):
    """How a partner's TLS is proven."""

    PKI = "pki"
    PINNED = "pinned"


class PartnerTls(Section):
    """What a partner's certificate must match, and what we show of ourselves."""

    verify: Verify = Verify.PKI
    ca: Path | None = None
    names: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()  # SHA-256 of the certificate, hex, colons allowed
    minimum: str = "1.2"
    client_certificate: Path | None = None
    client_key: Path | None = None


class Fallback(StrEnum):
    """What happens when a partner cannot be reached with proof for `queue.secure_fallback`."""

    SAFEBOX = "safebox"
    WAIT = "wait"
    HOLD = "hold"


class PartnerSettings(Section):
    """One gateway we know."""

    domains: tuple[str, ...]
    host: str | None = None
    tls: PartnerTls = PartnerTls()
    fallback: Fallback = Fallback.SAFEBOX


class QueueSettings(Section):
    """When to try again, and when to give up."""

    first_retry: Duration = timedelta(minutes=5)
    longest_retry: Duration = timedelta(minutes=70)
    secure_fallback: Duration = timedelta(hours=1)
    delay_notice: Duration = timedelta(hours=4)
    expire: Duration = timedelta(days=5)
    history: Duration = timedelta(days=30)
    shutdown: Duration = timedelta(seconds=30)


class NoticeSettings(Section):
    """Who our own mails come from, and where their bounces return to."""

    sender: str | None = Field(default=None, alias="from")  # None: "Secure mail <secure@FIRST-OF-domains>"
    bounces: str | None = None  # domain with signed return addresses; None: the sender's own address

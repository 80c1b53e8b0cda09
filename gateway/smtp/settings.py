"""How the SMTP door is set up: listeners, limits, and what it tolerates."""

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from pydantic import Field

from delivery.settings import Section
from policy.units import Size

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


class Accepts(StrEnum):
    """Whose mail a listener takes."""

    OUTBOUND = "outbound"  # mail of our senders, to anyone
    INBOUND = "inbound"  # only for recipients in `domains` and our bounce addresses


class Require(StrEnum):
    """What proves that a client is ours."""

    NETWORK = "network"
    LOGIN = "login"
    CERTIFICATE = "certificate"


class ListenerTls(Section):
    """The door's own certificate. `require`: no MAIL before STARTTLS. `client_ca`: who signs clients' certificates."""

    certificate: Path
    key: Path
    require: bool = False
    client_ca: Path | None = None


class ListenerSettings(Section):
    """One listening address."""

    address: str
    accepts: Accepts = Accepts.OUTBOUND
    require: Require = Require.NETWORK
    clients: tuple[IPv4Network | IPv6Network, ...] = _LOOPBACK
    senders: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    tls: ListenerTls | None = None
    logins: Path | None = None


class LimitSettings(Section):
    """What one machine bears."""

    message: Size = 50 * 2**20
    recipients: int = 1000
    sessions: int = 500
    sessions_per_client: int = 50
    memory: Size = 512 * 2**20


class BareNewline(StrEnum):
    """What happens to a lone CR or LF in a message."""

    REFUSE = "refuse"
    NORMALISE = "normalise"


class SmtpSettings(Section):
    """What the door tolerates."""

    bare_newline: BareNewline = BareNewline.REFUSE

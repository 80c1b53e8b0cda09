"""How the SMTP door is set up: listeners, limits, and what it tolerates."""

from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_network
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, StrictBool, StrictInt, model_validator

from delivery.sections import File, Listening, Network, Section, wrong
from policy.units import Duration, Size

OURS: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"), ip_network("10.0.0.0/8"))
ANYONE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))


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

    certificate: File = Field(
        examples=["fullchain.pem"], description="PEM file: our certificate and those between it and the authority."
    )
    key: File = Field(examples=["privkey.pem"], description="PEM file: the certificate's key, without a passphrase.")
    require: StrictBool = Field(default=False, description="true: no mail before STARTTLS.")
    client_ca: File | None = Field(
        examples=["client-ca.pem"],
        default=None,
        description="PEM file of the authorities that sign clients' certificates.",
    )


def _period(value: timedelta) -> timedelta:
    if not timedelta(minutes=1) <= value <= timedelta(days=1):
        raise wrong("a period is from 1 minute to 1 day")
    return value


def _clients(known: dict[str, Any]) -> tuple[Any, ...]:
    return ANYONE if known.get("accepts") is Accepts.INBOUND else OURS


def _reports(known: dict[str, Any]) -> tuple[Any, ...]:
    """Who was named is known; who may be anyone is not."""
    clients = known.get("clients", ())
    is_inbound = known.get("accepts") is Accepts.INBOUND
    return clients if is_inbound and all(network.prefixlen for network in clients) else ()


class ListenerSettings(Section):
    """One listening address."""

    address: Listening = Field(
        examples=["0.0.0.0:25"],
        description="Address and port to listen on.",
    )
    accepts: Accepts = Field(
        default=Accepts.OUTBOUND,
        description="outbound: mail of our senders to anyone; inbound: mail of anyone, only to `domains` and to our "
        "return addresses, never a relay.",
    )
    require: Require = Field(
        default=Require.NETWORK, description="What proves that a client is ours: network, login or certificate."
    )
    clients: tuple[Network, ...] = Field(
        examples=[["127.0.0.0/8", "::1/128", "10.0.0.0/8"]],
        default_factory=_clients,
        description="Networks that may connect, anyone else is refused. Omitted: the ones shown; for inbound: anyone.",
    )
    verify_recipients: StrictBool | None = Field(
        examples=[True],
        default=None,
        description="inbound: ask the server of `inside` for each recipient, and refuse whom it does not have (550 "
        "5.1.1). Where it cannot be asked, mail is taken. Omitted: true.",
    )
    reports: tuple[Network, ...] = Field(
        examples=[["192.0.2.0/24"]],
        default_factory=_reports,
        description="inbound: networks, a partner's gateway say, whose senders hear of it when their mail could not be "
        "delivered. Anyone else's do not: a sender from outside is easily forged, and the report would reach somebody "
        "who sent nothing. Omitted: `clients` where they are named, else nobody.",
    )
    xforward: tuple[Network, ...] = Field(
        examples=[["127.0.0.1/32"]],
        default=(),
        description="Mail servers of ours that tell with XFORWARD whom they have a message from: rules (`client`) and "
        "the trail then know that address. Who may send is decided by the server's own.",
    )
    senders: dict[str, tuple[str, ...]] = Field(
        examples=[{"10.0.8.0/24": ["scanner@example.com"]}],
        default_factory=dict,
        description="For a login, a certificate's name or a network: the domains or addresses it may send as.",
    )
    tls: ListenerTls | None = Field(default=None, description="STARTTLS with this certificate; null: none is offered.")
    logins: File | None = Field(
        examples=["logins.txt"],
        default=None,
        description="File of lines name:argon2-hash; offered over TLS only (AUTH PLAIN, LOGIN).",
    )

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.accepts is Accepts.INBOUND and self.require is not Require.NETWORK:
            raise wrong(
                f"an inbound listener takes mail of anyone, it cannot require a {self.require}",
                "leave out require, or say accepts: outbound",
            )
        if self.accepts is Accepts.OUTBOUND and (self.verify_recipients or self.reports):
            raise wrong("verify_recipients and reports are for inbound listeners", "leave them out")
        if self.accepts is Accepts.INBOUND and self.xforward:
            raise wrong("xforward is for outbound listeners", "leave it out, or say accepts: outbound")
        if self.accepts is Accepts.INBOUND and (self.senders or self.logins):
            raise wrong("senders and logins are for outbound listeners", "leave them out, or say accepts: outbound")
        if self.require is Require.LOGIN and (self.tls is None or self.logins is None):
            raise wrong(
                "require: login needs tls and logins", "passwords are taken over TLS only, from a file of hashes"
            )
        if self.require is Require.CERTIFICATE and (self.tls is None or self.tls.client_ca is None):
            raise wrong(
                "require: certificate needs tls.client_ca", "name the authorities that sign clients' certificates"
            )
        if self.logins is not None and self.tls is None:
            raise wrong("logins needs tls", "passwords are taken over TLS only")
        return self


class RateSettings(Section):
    """How much of one in a period; null: no limit."""

    messages: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None, examples=[1000], description="Messages in the period; null: any number."
    )
    recipients: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=None, examples=[5000], description="Recipients in the period, over all messages; null: any number."
    )
    per: Annotated[Duration, AfterValidator(_period)] = Field(
        default=timedelta(days=1), description="The period, from a minute to a day."
    )


class AccountRateSettings(RateSettings):
    """How much of one login or sender."""

    recipients: Annotated[StrictInt, Field(ge=1)] | None = Field(
        default=500_000, description="Recipients in the period, over all messages; null: any number."
    )


class RatesSettings(Section):
    """How much one may send, at outbound listeners; past it 450 4.7.1 until the period is over."""

    client: RateSettings = Field(
        default=RateSettings(),
        description="One client's address (for IPv6 its /64): often a mail server with all its users.",
    )
    login: AccountRateSettings = Field(default=AccountRateSettings(), description="One login.")
    sender: AccountRateSettings = Field(
        default=AccountRateSettings(),
        description="One envelope sender: what a stolen account can send. Set it to what your people send at most.",
    )


class LimitSettings(Section):
    """What one machine takes on."""

    message: Annotated[Size, Field(ge=1024)] = Field(default=50 * 2**20, description="The largest message (SIZE).")
    recipients: StrictInt = Field(default=1000, ge=1, description="Recipients of one message; RFC 5321 asks for 100.")
    sessions: StrictInt = Field(default=500, ge=1, description="SMTP sessions at once.")
    sessions_per_client: StrictInt = Field(default=50, ge=1, description="SMTP sessions at once from one address.")
    memory: Size = Field(
        default=320 * 2**20,
        description="Bytes of messages in memory at once; one client gets three quarters at most. Who asks for more "
        "waits, then gets 452.",
    )
    free_disk: Size = Field(
        default=64 * 2**20,
        description="Space that has to stay free where `data` lies (on a small disk at most a tenth of it); with less, "
        "clients get 452. 0: it is not checked.",
    )
    queue: StrictInt | None = Field(
        default=2_000_000, ge=1, description="Items that may wait: with more, clients get 452; null: any number."
    )
    rates: RatesSettings = Field(default=RatesSettings(), description="How much one client, login or sender may send.")

    @model_validator(mode="after")
    def _room(self) -> Self:
        if self.memory < self.message:
            raise wrong("memory is smaller than message", "not one message of the full size would find room")
        return self


class BareNewline(StrEnum):
    """What happens to a lone CR or LF in a message."""

    REFUSE = "refuse"
    NORMALISE = "normalise"


class SmtpSettings(Section):
    """What the door tolerates."""

    bare_newline: BareNewline = Field(
        default=BareNewline.REFUSE, description="A lone CR or LF in a message: refuse the message, or normalise it."
    )

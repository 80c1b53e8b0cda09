"""Where the portal listens and what it is called."""

from ipaddress import ip_address
from typing import Any, Final, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from delivery.sections import Endpoint, File, Listening, Network, Section, parse_endpoint, wrong

OWNERS: Final = "/boxes"  # where senders see their own SafeBoxes: a path of the portal
WITH_TLS: Final = "0.0.0.0:443"
WITHOUT_TLS: Final = "127.0.0.1:8443"


class PortalTls(Section):
    """The portal's certificate."""

    certificate: File = Field(
        examples=["fullchain.pem"], description="PEM file: the certificate and those between it and the authority."
    )
    key: File = Field(examples=["privkey.pem"], description="PEM file: the certificate's key, without a passphrase.")


def is_loopback(host: str) -> bool:
    """True for localhost, names below it, 127.0.0.0/8 and ::1."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def portal_name(url: str) -> str:
    """The host name that passkeys can be bound to; empty where the portal goes by an address alone."""
    name = (urlsplit(url).hostname or "").lower()
    try:
        ip_address(name)
    except ValueError:
        return name
    return ""


def _address(known: dict[str, Any]) -> str:
    if known.get("tls") is not None:
        return WITH_TLS
    url = urlsplit(str(known.get("url", "")))
    return f"127.0.0.1:{url.port}" if is_loopback(url.hostname or "") and url.port else WITHOUT_TLS


class PortalSettings(Section):
    """`portal`: plain http on loopback only, or behind a trusted proxy."""

    url: str = Field(
        examples=["https://secure.example.com"], description="How guests reach the portal, as it stands in their links."
    )
    tls: PortalTls | None = Field(default=None, description="The portal's certificate; null: plain http.")
    trusted_proxies: tuple[Network, ...] = Field(
        examples=[["127.0.0.1"]],
        default=(),
        description="Networks of reverse proxies whose X-Forwarded-For and -Proto count.",
    )
    address: Listening = Field(
        examples=["127.0.0.1:8443"],
        default_factory=_address,
        description=f"Where it listens. Omitted: {WITH_TLS} with tls; without it {WITHOUT_TLS}, or the port of a "
        "localhost url. Plain http is served on loopback or behind a trusted proxy only.",
    )

    @field_validator("url")
    @classmethod
    def _is_url(cls, value: str) -> str:
        try:
            url = urlsplit(value)
            good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
        except ValueError:
            good = False
        if not good or "@" in value or any(c.isspace() for c in value):
            raise wrong(f'"{value}" is no address of a web site', "write it as https://secure.example.com")
        if url.path.strip("/") or url.query or url.fragment:
            raise wrong(
                "the portal has a host name of its own, without a path", f"write it as {url.scheme}://{url.netloc}"
            )
        if url.scheme == "http" and not is_loopback(url.hostname or ""):
            raise wrong("http is for localhost only", f"write it as https://{url.netloc}")
        return f"{url.scheme}://{url.netloc.lower()}"

    @model_validator(mode="after")
    def _shielded(self) -> Self:
        if self.tls is None and not self.trusted_proxies and not is_loopback(self.endpoint.host):
            raise wrong(
                f"plain http on {self.address} would be open to the network",
                "give tls a certificate and key, listen on 127.0.0.1, or name the proxies in trusted_proxies",
            )
        if self.tls is not None and self.url.startswith("http:"):
            raise wrong("url says http, but tls has a certificate", f"write it as https{self.url[4:]}")
        return self

    @property
    def endpoint(self) -> Endpoint:
        """`address`, taken apart."""
        return parse_endpoint(self.address)

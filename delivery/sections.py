"""What settings are made of: sections, and the kinds of value that several of them share."""

import errno
import re
import stat
from email.utils import parseaddr
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from policy.domains import a_labels
from policy.message import Address, AddressInvalid
from policy.problem import did_you_mean

LATER: Final = "not carried out by this version"
_LONGEST_MAILBOX: Final = 500  # characters of a name and an address: of thousands of comments the parser loses count


class Section(BaseModel):
    """A frozen section; unknown keys are problems. In YAML a key goes by its alias where it has one."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, validate_default=False)


def wrong(cause: str, hint: str = "") -> PydanticCustomError:
    """What a validator raises: the cause, and what to do about it."""
    return PydanticCustomError("sealgate", "{cause}", {"cause": cause, "hint": hint})


class Endpoint(NamedTuple):
    """A host name or address, and a port."""

    host: str
    port: int


def parse_endpoint(text: str, port: int | None = None) -> Endpoint:
    """Read `host:port`, `1.2.3.4:port`, `[::1]:port`; `port` is taken when none is written. ValueError otherwise."""
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:\s/@]+)(?::(\d{1,5}))?", text)
    number = int(match[2]) if match and match[2] else port
    if match is None or number is None or number > 65535:
        raise ValueError("not an address with a port")
    host = match[1]
    if host.startswith("["):
        return Endpoint(str(IPv6Address(host[1:-1])), number)
    if re.fullmatch(r"[\d.]+", host):
        return Endpoint(str(ip_address(host)), number)
    if not all(re.fullmatch(r"(?!-)[\w-]{1,63}(?<!-)", label) for label in host.rstrip(".").split(".")):
        raise ValueError("not a host name")
    return Endpoint(host.rstrip(".").lower(), number)


def show_endpoint(endpoint: Endpoint) -> str:
    """The way it is written in the configuration."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"


def _hop(value: str) -> str:
    try:
        return show_endpoint(parse_endpoint(value, 25))
    except ValueError as cause:
        raise wrong(f'"{value}" is no host with a port', "write it as smtp.example.com:25") from cause


def _listening(value: str) -> str:
    try:
        return show_endpoint(parse_endpoint(value))
    except ValueError as cause:
        raise wrong(f'"{value}" is no address with a port', "write it as 127.0.0.1:25 or [::1]:25") from cause


def _name_server(value: str) -> str:
    try:
        endpoint = parse_endpoint(value, 53)
        ip_address(endpoint.host)
    except ValueError as cause:
        raise wrong(f'"{value}" is no address of a DNS server', "write it as 127.0.0.1:53 or [::1]:53") from cause
    return show_endpoint(endpoint)


def _domain(value: str) -> str:
    name = value.removeprefix("*.")
    try:
        name = a_labels(name)
    except UnicodeError as cause:
        raise wrong(f'"{value}" is no domain name') from cause
    labels = name.rstrip(".").split(".")
    if len(name) > 253 or not all(re.fullmatch(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", label) for label in labels):
        raise wrong(f'"{value}" is no domain name', 'write it as example.com, or "*.example.com" for all below it')
    return ("*." if value.startswith("*.") else "") + ".".join(labels)


def _exact_domain(value: str) -> str:
    if value.startswith("*."):
        raise wrong(f'"{value}" stands for many domains, one is expected')
    return _domain(value)


def _network(value: object) -> object:
    if isinstance(value, IPv4Network | IPv6Network):
        return value
    try:
        return ip_network(value) if isinstance(value, str) else _no_network(value)
    except ValueError as cause:
        try:
            hint = f"did you mean {ip_network(str(value), strict=False)}?"
        except ValueError:
            hint = "write it as 10.0.0.0/8, fd00::/8 or 192.0.2.7"
        raise wrong(f'"{value}" is no network', hint) from cause


def _no_network(value: object) -> object:
    raise ValueError(type(value).__name__)


def _mailbox(value: str) -> str:
    try:
        if not value.isprintable() or value.count("@") != 1 or len(value) > _LONGEST_MAILBOX:
            raise AddressInvalid("not one address")
        _domain(Address.parse(parseaddr(value)[1]).domain)
    except (AddressInvalid, PydanticCustomError) as cause:
        raise wrong(f'"{value}" is no sender', 'write it as "Secure mail <secure@example.com>"') from cause
    return value


def _address(value: str) -> str:
    try:
        _domain(Address.parse(value).domain)
    except (AddressInvalid, PydanticCustomError) as cause:
        raise wrong(f'"{value}" is no address', "write it as postmaster@example.com") from cause
    if not (value.isascii() and value.isprintable()):
        raise wrong(f'"{value}" is no address in ASCII', "write it as postmaster@example.com")
    return value


def _zone(value: str) -> str:
    if value != "UTC" and value not in _zones():
        hint = did_you_mean(value, _zones()) or "write it as Europe/Zurich or UTC"
        raise wrong(f'"{value}" is no time zone', hint)
    return value


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # kept: it looks at hundreds of files


def located(value: Path, base: str | Path) -> Path:
    """Absolute, from the folder `base`; a text that no system takes for a path is a problem."""
    try:
        path = Path(base) / value.expanduser()
        path.lstat()
    except RuntimeError as cause:
        raise wrong(f"{value} names a user whom this machine does not know", "write the path in full") from cause
    except ValueError as cause:
        raise wrong(f"{value} cannot be a path") from cause
    except OSError as cause:
        if cause.errno == errno.ENAMETOOLONG:
            raise wrong(f"{value} is too long for a path") from cause
    return path


def check_file(value: Path, info: ValidationInfo) -> Path:
    """Absolute, from the configuration file's folder; when loading, it must be there and readable."""
    context: dict[str, Any] = info.context or {}
    if "base" not in context:
        return value
    path = located(value, context["base"])
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise wrong(f"{path} is no file", "see that the path is right")
        with path.open("rb"):
            return path
    except (FileNotFoundError, NotADirectoryError):
        raise wrong(f"{path} does not exist", "see that the path is right") from None
    except OSError as cause:
        raise wrong(
            f"{path} cannot be read: {cause.strerror}", "run this as the service's user, or change the file's owner"
        ) from cause


def place(value: Path, info: ValidationInfo) -> Path:
    """Absolute, from the configuration file's folder; it need not be there yet."""
    context: dict[str, Any] = info.context or {}
    return located(value, context["base"]) if "base" in context else value


Hop = Annotated[str, AfterValidator(_hop)]  # host:port, 25 when no port is written
NameServer = Annotated[str, AfterValidator(_name_server)]  # address:port, 53 when no port is written
Listening = Annotated[str, AfterValidator(_listening)]  # address:port
DomainPattern = Annotated[str, AfterValidator(_domain)]  # example.com, or *.example.com for all below; A-labels
DomainName = Annotated[str, AfterValidator(_exact_domain)]
Network = Annotated[
    IPv4Network | IPv6Network, BeforeValidator(_network), WithJsonSchema({"type": "string", "format": "network"})
]
Mailbox = Annotated[str, AfterValidator(_address)]  # local@domain
Sender = Annotated[str, AfterValidator(_mailbox)]  # a From header: name and address
Zone = Annotated[str, AfterValidator(_zone)]  # a name of the IANA time zone database
File = Annotated[Path, AfterValidator(check_file)]
Place = Annotated[Path, AfterValidator(place)]  # a path that need not be there yet


def _later(value: object) -> None:
    if value not in (None, (), [], {}):
        raise wrong(LATER, "leave it out")


Later = Annotated[
    None, BeforeValidator(_later), WithJsonSchema({"enum": [None, [], {}]})
]  # its place is kept, only null is taken

"""Reading what a client says: commands, addresses, parameters. Pure.

Strict where tolerance has been exploited (source routes, quoting that hides an `@`, control characters), tolerant where
scanners and printers are merely sloppy (a space behind the colon, no angle brackets).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final
from unicodedata import normalize

from delivery.items import Reply
from gateway.smtp import replies
from policy.message import Address, AddressInvalid

COMMAND_OCTETS: Final = 512  # RFC 5321 4.5.3.1.4, with CRLF
LONG_COMMAND_OCTETS: Final = 2048  # MAIL and RCPT with SIZE, SMTPUTF8, BODY, AUTH and DSN (RFC 1870, 6531, 4954, 3461)
AUTH_OCTETS: Final = 12288  # RFC 4954 4

NOT_SMTP_VERBS: Final = frozenset(
    {"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE", "PRI", "HOST:", "USER-AGENT:"}
)

# RFC 5321 atext, with dots anywhere; of RFC 6531 no control characters or line ends, and none that are invisible or
# change the text direction: such an address would look like another one on every page and in every report
_ATOM: Final = re.compile(
    r"[^\x00-\x20\x7f-\xa0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200b\u200e\u200f"
    r"\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff"
    r"()<>\[\]:;@\\,\"]+\Z"
)
_LABEL: Final = r"[A-Za-z0-9_\u0080-\U0010ffff][A-Za-z0-9_\-\u0080-\U0010ffff]*"
_DOMAIN: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?\Z")
_LITERAL: Final = re.compile(r"\[[A-Za-z0-9:.\-]+\]\Z")
_PATH: Final = re.compile(r'<([^"<>\\\s]*)>(?:[ \t](.*))?', re.DOTALL)  # the quick way: nearly all have no quotes
_HELLO: Final = re.compile(r"[A-Za-z0-9._\-:\[\]]{1,255}\Z")
_XTEXT: Final = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")  # RFC 3461 4
# ENVID and ORCPT come back in reports: printable only (RFC 3461 4.2, 4.4), or a line end would begin a header there
_PRINTED: Final = r"\+(?:09|[2-689A-F][0-9A-F]|7[0-9A-E])"
_PRINTED_XTEXT: Final = re.compile(rf"(?:[!-*,-<>-~]|{_PRINTED})*\Z")
_UTF8_XTEXT: Final = re.compile(  # RFC 6533 3
    rf"(?:[!-*,-<>-\[\]-~\u00a0-\u2027\u202a-\U0010ffff]|\\x\{{[0-9A-F]{{2,6}}\}}|{_PRINTED})*\Z"
)
_UTF8_POINT: Final = re.compile(r"\\x\{([0-9A-F]{2,6})\}")
_HEX: Final = re.compile(r"\+([0-9A-F]{2})")
_UNKNOWN: Final = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})
_NOTIFY: Final = frozenset({"SUCCESS", "FAILURE", "DELAY"})


class CommandRefused(Exception):
    """The command is refused; `reply` tells the client why. The session goes on."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Command:
    """A verb, in upper case, and its argument."""

    verb: str
    argument: str


@dataclass(frozen=True, slots=True)
class MailFrom:
    """MAIL FROM. `sender` is None for the null path; sizes in bytes, 0 where none was declared."""

    sender: Address | None
    size: int = 0
    eight_bit: bool = False
    smtputf8: bool = False
    ret: str | None = None
    envid: str | None = None
    require_tls: bool = False


@dataclass(frozen=True, slots=True)
class RcptTo:
    """RCPT TO. `postmaster` without a domain has an empty one (RFC 5321 4.5.1)."""

    recipient: Address
    notify: frozenset[str] | None = None
    orcpt: str | None = None


def parse_command(line: bytes) -> Command:
    """Read one line, its CRLF taken off; raise CommandRefused. Octets above 127 must be UTF-8."""
    if b"\r" in line or b"\n" in line or b"\0" in line:
        raise CommandRefused(replies.BARE_LINE)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as cause:
        raise CommandRefused(replies.BAD_SYNTAX) from cause
    verb, _, argument = text.strip(" \t").partition(" ")
    if not verb:
        raise CommandRefused(replies.BAD_SYNTAX)
    return Command(upper(verb), argument.strip(" \t"))


def upper(text: str) -> str:
    """Upper case, for ASCII only: Unicode would also make S of a long s, and I of a dotless i."""
    return text.upper() if text.isascii() else text


def parse_hello(argument: str) -> str:
    """The client's name for itself: a host name or an address literal; underscores and missing dots are tolerated."""
    if not _HELLO.match(argument):
        raise CommandRefused(replies.NEED_NAME)
    return argument


def parse_xforward(argument: str) -> IPv4Address | IPv6Address | None:
    """The address in `ADDR=192.0.2.1` or `ADDR=IPV6:…` (Postfix's XFORWARD_README); None where it is not known.

    Only ADDR is offered, so anything else is refused; raise CommandRefused.
    """
    found = _parameters(argument, extended=True)
    value = _take(found, "ADDR", lambda v: _XTEXT.match(v) is not None)
    if value is None or found:
        raise CommandRefused(replies.PARAMETER_INVALID)
    plain = _HEX.sub(lambda pair: chr(int(pair[1], 16)), value)
    if upper(plain) in _UNKNOWN:
        return None
    try:
        address = ip_address(plain[5:] if upper(plain[:5]) == "IPV6:" else plain)
    except ValueError as cause:
        raise CommandRefused(replies.PARAMETER_INVALID) from cause
    return getattr(address, "ipv4_mapped", None) or address


def parse_mail(
    argument: str, *, extended: bool, max_bytes: int, auth: bool = False, under_tls: bool = False
) -> MailFrom:
    """Read what stands behind MAIL; raise CommandRefused.

    `extended` after EHLO; `auth`: AUTH= may be said; `under_tls`: so may REQUIRETLS (RFC 8689 2).
    """
    path, rest = _split_path(argument, "FROM:", replies.SENDER_SYNTAX)
    found = _parameters(rest, extended)
    smtputf8 = _flag(found, "SMTPUTF8")
    sender = None
    if path:
        sender = _address(path, replies.SENDER_MALFORMED, replies.SENDER_ROUTED, replies.SENDER_SYNTAX)
        _need_utf8(sender, smtputf8)
    size = _take(found, "SIZE", lambda v: v.isascii() and v.isdigit() and len(v) <= 20)
    body = _take(found, "BODY", lambda v: upper(v) in {"7BIT", "8BITMIME"})
    ret = _take(found, "RET", lambda v: upper(v) in {"FULL", "HDRS"})
    envid = _take(found, "ENVID", lambda v: 0 < len(v) <= 100 and _PRINTED_XTEXT.match(v) is not None)
    if auth:
        _take(found, "AUTH", lambda v: v != "" and _XTEXT.match(v) is not None)  # checked, but never believed
    require_tls = under_tls and _flag(found, "REQUIRETLS")
    if found:
        raise CommandRefused(replies.PARAMETER_UNKNOWN)
    if size and int(size) > max_bytes:
        raise CommandRefused(replies.TOO_BIG)
    return MailFrom(
        sender,
        size=int(size or 0),
        eight_bit=(body or "").upper() == "8BITMIME",
        smtputf8=smtputf8,
        ret=ret.upper() if ret else None,
        envid=envid,
        require_tls=require_tls,
    )


def parse_rcpt(argument: str, *, extended: bool, smtputf8: bool) -> RcptTo:
    """Read what stands behind RCPT; raise CommandRefused."""
    path, rest = _split_path(argument, "TO:", replies.RECIPIENT_SYNTAX)
    if not path:
        raise CommandRefused(replies.RECIPIENT_SYNTAX)
    found = _parameters(rest, extended)
    if path.lower() == "postmaster":
        recipient = Address("postmaster", "")
    else:
        recipient = _address(path, replies.RECIPIENT_MALFORMED, replies.RECIPIENT_ROUTED, replies.RECIPIENT_SYNTAX)
        if not {"%", "!"}.isdisjoint(_plain(recipient.local)):
            raise CommandRefused(replies.RECIPIENT_ROUTED)
        if recipient.domain.startswith("["):
            raise CommandRefused(replies.RECIPIENT_LITERAL)
        _need_utf8(recipient, smtputf8)
    notify = _take(found, "NOTIFY", lambda v: _notify(v) is not None)
    orcpt = _take(found, "ORCPT", lambda v: _is_orcpt(v, smtputf8))
    if found:
        raise CommandRefused(replies.PARAMETER_UNKNOWN)
    return RcptTo(recipient, _notify(notify) if notify else None, orcpt)


def _split_path(argument: str, keyword: str, syntax: Reply) -> tuple[str, str]:
    """`FROM:<path> parameters` to path and parameters; the brackets may be missing, an empty path must have them."""
    if upper(argument[: len(keyword)]) != keyword:
        raise CommandRefused(syntax)
    rest = argument[len(keyword) :].lstrip(" \t")
    if usual := _PATH.fullmatch(rest):
        return usual[1], usual[2] or ""
    if not rest:
        raise CommandRefused(syntax)
    if not rest.startswith("<"):
        path, _, parameters = rest.partition(" ")
        return path, parameters
    quoted = False
    position = 1
    while position < len(rest):
        char = rest[position]
        if quoted and char == "\\":
            position += 1
        elif char == '"':
            quoted = not quoted
        elif char == ">" and not quoted:
            break
        position += 1
    parameters = rest[position + 1 :]
    if position >= len(rest) or (parameters and parameters[0] not in " \t"):
        raise CommandRefused(syntax)
    return rest[1:position], parameters


def _address(path: str, malformed: Reply, routed: Reply, syntax: Reply) -> Address:
    """Read a mailbox. A quoted local part is accepted only if it needs no quotes, and loses them: so every address has
    one spelling, and a rule about it cannot be dodged by another.
    """
    before = path.partition(":")[0] if ":" in path else ""
    if path.startswith("@") or ("@" in before and not before.rpartition("@")[2].startswith("[")):
        raise CommandRefused(routed)
    local, at, domain = path.rpartition("@")
    if not at:
        raise CommandRefused(syntax)
    if len(local) > 1 and local.startswith('"') and local.endswith('"'):
        local = re.sub(r"\\(.)", r"\1", local[1:-1])
    if "@" in _plain(local):
        raise CommandRefused(routed)
    if len(path.encode()) > 320 or len(domain) > 255 or not _ATOM.match(local):
        raise CommandRefused(malformed)
    if not (_DOMAIN.match(domain) or _LITERAL.match(domain)):
        raise CommandRefused(malformed)
    try:
        return Address.parse(f"{local}@{domain}")
    except AddressInvalid as cause:
        raise CommandRefused(malformed) from cause


def _plain(local: str) -> str:
    """A local part as a server behind us may read it: NFKC makes wide, small and bold signs the plain ones."""
    return local if local.isascii() else normalize("NFKC", local)


def _need_utf8(address: Address, smtputf8: bool) -> None:
    if not smtputf8 and not address.local.isascii():
        raise CommandRefused(replies.NEEDS_SMTPUTF8)


def _parameters(text: str, extended: bool) -> dict[str, str | None]:
    """`A=1 B` to a mapping, names in upper case. None may come twice; after HELO none may come at all."""
    found: dict[str, str | None] = {}
    for word in re.split(r"[ \t]+", text.strip(" \t")) if text else ():
        name, equals, value = word.partition("=")
        name = upper(name)
        if not re.fullmatch(r"[A-Z0-9][A-Z0-9-]*", name) or name in found or (equals and not value):
            raise CommandRefused(replies.PARAMETER_INVALID)
        found[name] = value if equals else None
    if found and not extended:
        raise CommandRefused(replies.PARAMETER_UNKNOWN)
    return found


def _take(found: dict[str, str | None], name: str, is_valid: Callable[[str], bool]) -> str | None:
    """Take one parameter's value out; raise CommandRefused where it has none or a wrong one."""
    if name not in found:
        return None
    value = found.pop(name)
    if value is None or not is_valid(value):
        raise CommandRefused(replies.PARAMETER_INVALID)
    return value


def _flag(found: dict[str, str | None], name: str) -> bool:
    """Take a parameter without a value out."""
    if name not in found:
        return False
    if found.pop(name) is not None:
        raise CommandRefused(replies.PARAMETER_INVALID)
    return True


def _notify(value: str) -> frozenset[str] | None:
    words = upper(value).split(",")
    if words == ["NEVER"]:
        return frozenset(words)
    return frozenset(words) if _NOTIFY.issuperset(words) and len(set(words)) == len(words) else None


def _is_orcpt(value: str, smtputf8: bool) -> bool:
    kind, semicolon, address = value.partition(";")
    if not semicolon or not address or len(value) > 500 or not re.fullmatch(r"[A-Za-z0-9-]+", kind):
        return False
    if kind.lower() != "utf-8":
        return _PRINTED_XTEXT.match(address) is not None
    points = (int(point, 16) for point in _UTF8_POINT.findall(address))
    is_printed = all(0x20 <= p < 0x7F or 0xA0 <= p < 0xD800 or 0xE000 <= p < 0x110000 for p in points)
    return _UTF8_XTEXT.match(address) is not None and is_printed and (smtputf8 or address.isascii())

"""The Received line that goes on top of each message (RFC 5321 4.4). It names no recipient: Bcc must stay hidden."""

from email.utils import format_datetime
from ipaddress import IPv6Address, ip_address

from policy.message import Client, Envelope


def received_line(envelope: Envelope, hostname: str, *, extended: bool) -> bytes:
    """The folded header field with its CRLF. `extended` after EHLO."""
    tls = f"\r\n\t({envelope.client.tls})" if envelope.client.tls else ""
    text = (
        f"Received: from {_hello(envelope.client)} ({_literal(envelope.client)}){tls}\r\n"
        f"\tby {hostname} with {protocol(envelope, extended=extended)} id {envelope.id};\r\n"
        f"\t{format_datetime(envelope.received_at)}\r\n"
    )
    return text.encode("ascii", "replace")


def protocol(envelope: Envelope, *, extended: bool) -> str:
    """SMTP, ESMTP, ESMTPSA, UTF8SMTPS … (RFC 3848, RFC 6531 4.3)."""
    if not extended:
        return "SMTP"
    name = "UTF8SMTP" if envelope.smtputf8 else "ESMTP"
    return name + ("S" if envelope.client.tls else "") + ("A" if envelope.client.login else "")


def _literal(client: Client) -> str:
    return f"[IPv6:{client.address}]" if isinstance(client.address, IPv6Address) else f"[{client.address}]"


def _hello(client: Client) -> str:
    """What the client called itself; an address written without brackets gets them."""
    if not client.helo[:1].isdigit() and ":" not in client.helo:
        return client.helo  # a name: finding that out by an exception would cost more than all the rest
    try:
        address = ip_address(client.helo)
    except ValueError:
        return client.helo
    return f"[IPv6:{address}]" if isinstance(address, IPv6Address) else f"[{address}]"

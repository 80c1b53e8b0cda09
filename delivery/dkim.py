"""Signing mail with DKIM (RFC 6376), by RSA (RFC 8301) and Ed25519 (RFC 8463). `dkimkeys.py` reads and makes the keys.

The header is signed relaxed, since servers on the way refold it; the body simple, since nobody may change it and its
digest is then taken at memory speed. Fields that a forger would like to add a second time are signed once more than
they are there, so that one put on top breaks the signature. `l=` is never used: what is appended would pass for ours.
"""

import asyncio
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from delivery.items import Item, Kind, OpenMessage
from delivery.lines import header_end
from policy.message import Address, AddressInvalid
from policy.reader.mailboxes import mailboxes

HEAVY: Final = 128 * 1024  # bytes: the digest of more than this is taken in a thread
_HEAVY_BITS: Final = 2048  # so is a signature by a longer RSA key
_LINE: Final = 72
_LONGEST_FROM: Final = 10_000  # octets: a megabyte takes a second to read, and all others wait

# Signed as often as they are there, and once more: always, or where they are there at all.
_ALWAYS_MORE: Final = (b"from", b"reply-to", b"subject", b"to", b"cc")
_MORE: Final = (
    b"sender", b"date", b"message-id", b"mime-version", b"content-type", b"content-transfer-encoding",
    b"in-reply-to", b"references", b"auto-submitted",
)  # fmt: skip
_AS_OFTEN: Final = (
    b"resent-from", b"resent-to", b"resent-cc", b"resent-date", b"resent-sender", b"resent-message-id",
    b"list-id", b"list-help", b"list-unsubscribe", b"list-unsubscribe-post", b"list-subscribe", b"list-post",
    b"list-owner", b"list-archive",
)  # fmt: skip
_BLANKS: Final = re.compile(rb"[ \t\r\n]+")
_FIELD: Final = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\r\n]*(?:\r\n[ \t][^\r\n]*)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key. `domain` in A-labels; the DNS has its public half at `SELECTOR._domainkey.DOMAIN`."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @property
    def algorithm(self) -> str:
        """The value of the tag `a=` in its signatures."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    @property
    def is_heavy(self) -> bool:
        """Does a signature take long enough to hold up the event loop?"""
        return isinstance(self.private, RSAPrivateKey) and self.private.key_size > _HEAVY_BITS

    def sign(self, text: bytes) -> bytes:
        """The signature of what the header comes to."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(text, PKCS1v15(), hashes.SHA256())
        return self.private.sign(sha256(text).digest())  # RFC 8463 3: of the digest


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs what goes out: what we wrote ourselves and, with `relayed`, mail of our senders whose From is theirs.

    Of several keys those of the From's domain sign, else those of the nearest domain above it; each adds a signature:
    so keys are changed (the new one beside the old), and an Ed25519 key stands beside an RSA key.
    """

    keys: tuple[SigningKey, ...]
    relayed: bool = False
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def signed(self, message: OpenMessage, item: Item, raw: bytes) -> bytes:
        """`raw`, which is `message` with the changes for `item`, with its signatures on top; or as it is."""
        if not self._may_sign(message, item):
            return raw
        keys = self.keys_for(raw, None if item.kind is not Kind.MAIL else message.sender)
        if not keys:
            return raw
        now = self.clock()
        if len(raw) > HEAVY or any(key.is_heavy for key in keys):
            return await asyncio.to_thread(sign, raw, keys, now)
        return sign(raw, keys, now)

    def keys_for(self, raw: bytes, sender: str | None = None) -> tuple[SigningKey, ...]:
        """The keys of the From's domain. `sender`: they must answer for the envelope's sender, too."""
        domain = from_domain(raw)
        if domain is None:
            return ()
        while domain:
            mine = tuple(key for key in self.keys if key.domain == domain)
            if mine:
                return mine if sender is None or _within(sender.rpartition("@")[2].lower(), domain) else ()
            domain = domain.partition(".")[2]
        return ()

    def _may_sign(self, message: OpenMessage, item: Item) -> bool:
        """Mail that is not ours is signed only if its envelope's sender was admitted as one of ours.

        Not what goes inside, where mail from outside goes, too; and not from `<>`, which anyone among the clients may
        use: a signature is our word that the sender is who the From says.
        """
        if item.kind is not Kind.MAIL:
            return True
        return self.relayed and message.sender is not None and not item.destination.inside


def from_domain(raw: bytes) -> str | None:
    """The domain (A-labels, lower case) of the one author of a message; None where there is none, or several."""
    fields = [value for name, value in _fields(raw) if name == b"from"]
    if len(fields) != 1 or len(fields[0]) > _LONGEST_FROM:
        return None
    text = _BLANKS.sub(b" ", fields[0]).decode("utf-8", "replace")
    addresses = mailboxes([text])
    if len(addresses) != 1:
        return None
    try:
        return Address.parse(addresses[0][1]).domain
    except AddressInvalid:
        return None


def sign(raw: bytes, keys: Sequence[SigningKey], now: datetime) -> bytes:
    """`raw`, whose line ends are CRLF, with one DKIM-Signature on top for each key."""
    fields = _fields(raw)
    names, text = _chosen(fields)
    digest = _body_digest(raw)
    return b"".join([*(_signature(key, names, text, digest, now) for key in keys), raw])


def _signature(key: SigningKey, names: Sequence[bytes], text: bytes, digest: bytes, now: datetime) -> bytes:
    """One field. It is signed itself, with `b=` empty and without its line's end (RFC 6376 3.7)."""
    head = (
        f"v=1; a={key.algorithm}; c=relaxed/simple; d={key.domain};\r\n\ts={key.selector}; t={int(now.timestamp())};"
    ).encode("ascii")
    tags = head + b"\r\n\th=" + _listed(names) + b";\r\n\tbh=" + b64encode(digest) + b";\r\n\tb="
    made = b64encode(key.sign(text + b"dkim-signature:" + _relaxed(tags)))
    lines = [made[at : at + _LINE] for at in range(0, len(made), _LINE)]
    return b"DKIM-Signature: " + tags + b"\r\n\t ".join(lines) + b"\r\n"


def _chosen(fields: Sequence[tuple[bytes, bytes]]) -> tuple[list[bytes], bytes]:
    """Names for `h=`, and the fields they stand for: of several with one name the lowest first (RFC 6376 5.4.2)."""
    there: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        there.setdefault(name, []).append(value)
    names: list[bytes] = []
    for some, always, more in ((_ALWAYS_MORE, True, True), (_MORE, False, True), (_AS_OFTEN, False, False)):
        for name in some:
            number = len(there.get(name, ()))
            names += [name] * (number + (1 if always or (more and number) else 0))
    lines = []
    for name in dict.fromkeys(names):
        lines += [name + b":" + _relaxed(value) + b"\r\n" for value in reversed(there.get(name, ()))]
    return names, b"".join(lines)


def _listed(names: Sequence[bytes]) -> bytes:
    """Names with colons between, folded."""
    lines, line = [], b""
    for name in names:
        if line and len(line) + len(name) > _LINE:
            lines.append(line)
            line = b""
        line += name + b":"
    return b"\r\n\t ".join([*lines, line])[:-1]


def _relaxed(value: bytes) -> bytes:
    """RFC 6376 3.4.2, but for the name."""
    return _BLANKS.sub(b" ", value).strip(b" ")


def _fields(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Each field of the header: its name in lower case, and its value as it stands."""
    return [(found[1].lower(), found[2]) for found in _FIELD.finditer(raw, 0, header_end(raw))]


def _body_digest(raw: bytes) -> bytes:
    """SHA-256 of the body in its simple form (RFC 6376 3.4.3): empty lines at the end do not count."""
    begin = min(header_end(raw) + 2, len(raw))
    end = max(begin, len(raw.rstrip(b"\r\n")))
    digest = sha256(memoryview(raw)[begin:end])
    digest.update(b"\r\n")
    return digest.digest()


def _within(domain: str, above: str) -> bool:
    return domain == above or domain.endswith(f".{above}")

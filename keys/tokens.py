"""Tokens: ids, locators, codes, references and signed addresses; and how they are compared and stored."""

import base64
import hashlib
import hmac
import re
import secrets
import struct
import time
import unicodedata
from functools import lru_cache
from os import urandom
from typing import Final

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U
_CROCKFORD_LOWER: Final = _CROCKFORD.lower()
_OF_A_BYTE: Final = (_CROCKFORD_LOWER * 8).encode()  # 256 is 8 times 32: each character as likely as any other
_ID_CHARS: Final = 26
_REFERENCE_CHARS: Final = 12
_LOOKALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1"})
_SEPARATORS: Final = re.compile(r"[\s\-_.\u00ad\u2010-\u2015\u2212\u200b-\u200d\u2060\ufeff]+")
_MAC_BYTES: Final = 10  # of a signed address: 80 bits, 16 characters
_SIGNED: Final = re.compile(r"(?P<prefix>[a-z]{1,12})-(?P<ident>[0-9a-z]{1,32})-(?P<mac>[a-z2-7]{16})")


def new_id() -> str:
    """26 lower-case characters (a ULID): 48 bits of milliseconds and 80 random bits, so that ids sort by time."""
    return _time_part(time.time_ns() // 1_000_000) + urandom(16).translate(_OF_A_BYTE).decode("ascii")


def is_id(text: str) -> bool:
    """Could `new_id` have made it?"""
    return len(text) == _ID_CHARS and set(text) <= set(_CROCKFORD_LOWER)


def time_prefix(made: str) -> str:
    """The first characters of an id, which hold its time; ids that `derive_id` makes of it begin with them, too."""
    return made[: _ID_CHARS - 16]


def derive_id(made: str, *what: bytes) -> str:
    """An id derived from an earlier id, `made`, and from `what`: always the same for the same two, and with the time
    of `made`. Whoever does not know `made` cannot tell `what` from it.
    """
    of = hashlib.sha256(made.encode())
    for one in what:
        of.update(struct.pack(">Q", len(one)) + one)
    return time_prefix(made) + of.digest()[:16].translate(_OF_A_BYTE).decode("ascii")


@lru_cache(maxsize=1)  # several ids are made in a millisecond
def _time_part(milliseconds: int) -> str:
    return "".join([_CROCKFORD_LOWER[milliseconds >> shift & 31] for shift in range(45, -1, -5)])


def new_token(bits: int = 128) -> str:
    """A secret of `bits` random bits in lower-case base32: fits URLs, host names and addresses."""
    return base64.b32encode(secrets.token_bytes((bits + 7) // 8)).decode().rstrip("=").lower()


def digest(token: str) -> bytes:
    """SHA-256 of a token: what is stored in its place. Only for tokens too long to be guessed; else `keyed_digest`."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def keyed_digest(key: bytes, purpose: str, data: bytes) -> bytes:
    """HMAC-SHA256 of `data` for one purpose (32 bytes): digests for two purposes never equal each other."""
    label = purpose.encode()
    return hmac.digest(key, struct.pack(">I", len(label)) + label + data, "sha256")


def constant_time_equal(a: bytes | str, b: bytes | str) -> bool:
    """Whether both are equal, compared in a time that does not depend on where they differ. Text is taken as UTF-8."""
    return hmac.compare_digest(_octets(a), _octets(b))


def _octets(value: bytes | str) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def new_code(digits: int = 6) -> str:
    """A code to be typed: decimal digits, each as likely as any other."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def new_reference() -> str:
    """A reference to be typed instead of following a link: 60 random bits as `7KQ4-XN2M-9TPD`."""
    return _grouped("".join([secrets.choice(_CROCKFORD) for _ in range(_REFERENCE_CHARS)]))


def normalise_reference(text: str) -> str | None:
    """What a person typed, as `new_reference` printed it: any case, spaces, dashes, O for 0, I or L for 1; or None."""
    if len(text) > 200:
        return None
    plain = _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper().translate(_LOOKALIKES)
    if len(plain) != _REFERENCE_CHARS or not set(plain) <= set(_CROCKFORD):
        return None
    return _grouped(plain)


def _grouped(plain: str) -> str:
    return "-".join([plain[at : at + 4] for at in range(0, len(plain), 4)])


def sign_address(key: bytes, ident: str, domain: str, *, prefix: str = "bounce") -> str:
    """A return address `PREFIX-IDENT-MAC@DOMAIN` that names `ident` and that only we can make.

    All lower case, since servers on the way may change the case; the local part stays below 64 octets (RFC 5321
    4.5.3.1.1). `prefix` and `ident` are lower-case letters and digits, at most 12 and 32.
    """
    address = f"{prefix}-{ident}-{_address_mac(key, prefix, ident, domain)}"
    if not _SIGNED.fullmatch(address):
        raise ValueError("prefix and ident of a signed address are lower-case letters and digits")
    return f"{address}@{domain.lower()}"


def verify_address(key: bytes, address: str, *, prefix: str = "bounce") -> str | None:
    """The `ident` of an address that `sign_address` made with this key and prefix, in any case; else None."""
    ident = claimed_ident(address, prefix=prefix)
    if ident is None:
        return None
    local, _, domain = address.strip().lower().rpartition("@")
    return ident if constant_time_equal(local.rpartition("-")[2], _address_mac(key, prefix, ident, domain)) else None


def claimed_ident(address: str, *, prefix: str = "bounce") -> str | None:
    """What an address says it names, unproven: to look up whose key proves it. None: not of our form."""
    found = _SIGNED.fullmatch(address.strip().lower().rpartition("@")[0])
    return found["ident"] if found and found["prefix"] == prefix else None


def _address_mac(key: bytes, prefix: str, ident: str, domain: str) -> str:
    mac = keyed_digest(key, "address", f"{prefix}\0{ident}\0{domain.lower()}".encode("utf-8", "surrogatepass"))
    return base64.b32encode(mac[:_MAC_BYTES]).decode().lower()

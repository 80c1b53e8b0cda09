"""Headers as people read them, whatever their senders wrote."""

import codecs
import re
from collections.abc import Iterator, Sequence
from email.header import decode_header
from email.message import Message
from typing import Final

from policy.message import Address, AddressInvalid
from policy.reader.mailboxes import mailboxes as mailboxes_named
from policy.reader.turns import decoded as octets_decoded

MAX_HEADER: Final = 2**14  # characters of a subject, a name or a list of ids that are looked at
_MAX_ADDRESSES: Final = 2**20
_MESSAGE_ID: Final = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,240}>")
# Codecs that Python calls text but no mail is written in; some of them take quadratic time.
_NO_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)


def all_headers(message: Message) -> dict[str, list[str]]:
    """Every raw value by lower-case name, in order."""
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        found.setdefault(str(name).strip().lower(), []).append(str(value))
    return found


def address_key(text: str) -> str:
    """What spellings of one mailbox share."""
    try:
        return Address.parse(text).key
    except AddressInvalid:
        return text.strip().lower()


def message_ids(values: Sequence[str]) -> list[str]:
    """The well-formed message ids in some headers, with their brackets."""
    return _MESSAGE_ID.findall(" ".join(values)[:MAX_HEADER])


def mailboxes(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(display name, address) of every mailbox in To-like headers; groups give their members."""
    unfolded = [" ".join(_text(value[:_MAX_ADDRESSES]).split()) for value in values]
    for name, address in mailboxes_named(unfolded):
        if "@" in address:
            yield decoded(name), address


def decoded(value: str) -> str:
    """A header's text as people read it: encoded words decoded, on one line."""
    text = " ".join(_text(value[:MAX_HEADER]).split())
    if "=?" in text:
        try:
            pieces = decode_header(text)
        except ValueError:  # binascii.Error and HeaderParseError are ValueErrors: shown as it stands
            return text
        text = "".join(p if isinstance(p, str) else text_of_octets(p, charset or "latin-1") for p, charset in pieces)
    return " ".join(text.split())


def text_of_octets(octets: bytes, charset: str) -> str:
    """Text in the charset that is claimed; where that is unknown or wrong, in UTF-8, else in Latin-1."""
    name = charset.strip().strip("'\"").lower()
    if name.replace("-", "_") not in _NO_CHARSETS and name.isascii():
        try:
            return octets_decoded(octets, codecs.lookup(name).name)
        except (LookupError, ValueError):  # UnicodeError is a ValueError
            pass
    try:
        return octets_decoded(octets, "utf-8")
    except UnicodeDecodeError:
        return octets_decoded(octets, "latin-1")


def _text(value: str) -> str:
    """Text whose raw 8-bit octets the parser kept as surrogates."""
    return text_of_octets(value.encode("utf-8", "surrogateescape"), "utf-8")

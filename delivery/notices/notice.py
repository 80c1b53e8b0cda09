"""A notice as a mail: headers that nobody can inject into, and bodies that each say all."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email import quoprimime
from email.header import Header
from email.message import MIMEPart
from email.policy import SMTP
from email.utils import format_datetime, quote
from typing import Final

from delivery.notices.wording import MAX_NAME, one_line
from keys.tokens import new_id

_MESSAGE_ID: Final = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,240}>")
_MAX_REFERENCES: Final = 20
_FOLD: Final = 64  # the name of the header fits before it
_LONGEST_LINE: Final = 900  # RFC 5322 2.1.1 allows 998
_QUOTED_LINE: Final = 76  # RFC 2045 6.7


@dataclass(frozen=True, slots=True)
class Notice:
    """One mail of ours. `sender` is the envelope's; None for <>."""

    sender: str | None
    recipient: str
    subject: str = field(repr=False)
    raw: bytes = field(repr=False)
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that goes along. `name` and `type` are clean already."""

    name: str = field(repr=False)
    type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Headers:
    """What stands above the bodies. Message-IDs with angle brackets."""

    from_name: str
    from_address: str
    to_name: str
    to_address: str
    subject: str
    host: str  # right side of our Message-ID
    date: datetime
    reply_to: tuple[str, str] | None = None  # name, address
    replies_to: str = ""  # Message-ID of the mail this is threaded under
    references: str = ""
    is_automatic: bool = True  # not for what a person wrote


def write(
    headers: Headers, text: str, html: str | None, *, envelope_sender: str | None, attached: Sequence[Attached] = ()
) -> Notice:
    """Assemble the mail. Raises ValueError for an address that no header can hold."""
    subject = one_line(headers.subject)
    lines = [("From", mailbox(headers.from_name, headers.from_address))]
    if headers.reply_to:
        lines.append(("Reply-To", mailbox(*headers.reply_to)))
    lines += [
        ("To", mailbox(headers.to_name, headers.to_address)),
        ("Subject", _words(subject)),
        ("Date", format_datetime(headers.date)),
        ("Message-ID", f"<{new_id()}@{headers.host}>"),
    ]
    if _MESSAGE_ID.fullmatch(headers.replies_to):
        ids = [one for one in headers.references.split() if _MESSAGE_ID.fullmatch(one)][-_MAX_REFERENCES:]
        lines += [("In-Reply-To", headers.replies_to), ("References", "\r\n ".join([*ids, headers.replies_to]))]
    if headers.is_automatic:
        lines += [("Auto-Submitted", "auto-generated")]  # RFC 3834 5
        lines += [("X-Auto-Response-Suppress", "All")]  # the same for Exchange
    lines.append(("MIME-Version", "1.0"))
    top = "".join(f"{name}: {value}\r\n" for name, value in lines).encode()
    raw = top + _body(text, html, attached)
    return Notice(envelope_sender, headers.to_address, subject, raw, smtputf8=not top.isascii())


def mailbox(name: str, address: str) -> str:
    """An address header's value; the name made one clean line. Raises ValueError for what is no address."""
    bare = _outside_quotes(address)
    local, _, domain = address.rpartition("@")
    if not local or not domain or bare.count("@") != 1 or any(c in "<>,;" or ord(c) < 33 or c == "\x7f" for c in bare):
        raise ValueError("an address that no header can hold")
    shown = one_line(name, MAX_NAME)
    if not shown or "@" in shown:  # a name that is itself an address would pass for the real one
        return address
    phrase = _words(shown) if not shown.isascii() else f'"{quote(shown)}"'
    return f"{phrase} <{address}>" if len(phrase) + len(address) < _FOLD else f"{phrase}\r\n <{address}>"


def _outside_quotes(address: str) -> str:
    """The address without what a quoted local part may hold (RFC 5321 4.1.2: any printable character)."""
    quoted = re.match(r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])+"(?=@[^@]+\Z)', address)
    return address[quoted.end() :] if quoted else address


def _words(text: str) -> str:
    """Unstructured text for a header, folded; as encoded words (RFC 2047) where it is not plain ASCII."""
    plain = text.isascii() and "=?" not in text
    return Header(text, "us-ascii" if plain else "utf-8", maxlinelen=76, header_name="Subject").encode(linesep="\r\n")


def _body(text: str, html: str | None, attached: Sequence[Attached]) -> bytes:
    plain = _part(text, "plain")
    body = plain if html is None else _multipart("alternative", [plain, _part(html, "html")])
    return _multipart("mixed", [body, *map(_file, attached)]) if attached else body


def _multipart(kind: str, parts: Sequence[bytes]) -> bytes:
    """RFC 2046 5.1; the line end before a boundary is the boundary's."""
    boundary = f"=_{new_id()}"  # no encoding of ours ever holds `=_`
    between = f"\r\n--{boundary}\r\n".encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n'.encode()
    return head + between + between.join(parts) + between[:-2] + b"--\r\n"


def _part(text: str, subtype: str) -> bytes:
    """Written by hand, since what the standard library does for any text takes a third of composing a notice."""
    if subtype == "html" and not text.isascii():
        text = text.encode("ascii", "xmlcharrefreplace").decode()
    lines = text.encode().splitlines()
    body = b"\n".join(lines) + b"\n"
    encoding = "7bit" if text.isascii() and max(map(len, lines), default=0) <= _LONGEST_LINE else "quoted-printable"
    if encoding != "7bit":
        body = quoprimime.body_encode(body.decode("latin-1"), _QUOTED_LINE).encode()
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n'
    return head.encode() + body.replace(b"\n", b"\r\n")


def _file(file: Attached) -> bytes:
    part = MIMEPart(policy=SMTP)
    main, _, sub = file.type.partition("/")
    if main in ("text", "message", "multipart") or not sub:  # kept byte for byte, whatever it claims to be
        main, sub = "application", "octet-stream"
    part.set_content(file.content, maintype=main, subtype=sub, disposition="attachment", filename=file.name)
    return part.as_bytes(policy=SMTP)

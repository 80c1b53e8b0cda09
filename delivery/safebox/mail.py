"""A raw mail taken apart for reading: the best text and html, the documents, who is named in its headers.

The mail may be hostile. Whatever the standard library's parser makes of it, the outcome is a `Mail`: one that cannot be
taken apart becomes a message that says so, with the whole mail as its only document. Pure, and blocking (about a second
for 50 MB, five for the worst that was made on purpose), so it is called in a thread.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from delivery.safebox.entities import TooComplex, parse_entities
from delivery.safebox.headers import MAX_HEADER, address_key, all_headers, decoded, mailboxes, message_ids
from delivery.safebox.htmltext import text_of_html
from delivery.safebox.parts import MailDocument, Unit, bodies_and_documents

MAX_SHOWN: Final = 2**20  # characters of text, and of html, that are shown; more of it becomes a document
_MAX_WORK: Final = 2 * 10**7  # lines times boundaries: what the parser's time grows with
_SOME: Final = 2**20  # bytes
_LONG_PARAMETERS: Final = re.compile(rb"(?im)^content-(?:type|disposition)[ \t]*:((?:[^\n]|\n[ \t]){%d})" % MAX_HEADER)
_BCC: Final = re.compile(rb"(?i)(?:resent-)?bcc[ \t]*:")
# What the standard library is known to raise on mails that were made to break it.
_BROKEN: Final = (ValueError, TypeError, LookupError, AttributeError, AssertionError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Mail:
    """What a reader sees of a mail. `is_cut`: too long to show, the whole is among the documents."""

    subject: str = field(repr=False)
    from_name: str = field(repr=False)
    from_address: str = field(repr=False)
    to: tuple[str, ...] = field(repr=False)
    cc: tuple[str, ...] = field(repr=False)
    named: Mapping[str, str] = field(repr=False)  # address key -> display name, of all in To and Cc
    message_id: str = field(repr=False)
    references: str = field(repr=False)
    text: str = field(repr=False)
    html: str | None = field(repr=False)
    documents: tuple[MailDocument, ...]
    wants_receipt: bool = False
    is_cut: bool = False
    is_unreadable: bool = False


def without_bcc(raw: bytes) -> bytes:
    """The mail without Bcc and Resent-Bcc headers (RFC 5322 3.6.3); everything else byte for byte."""
    kept: list[bytes] = []
    dropping = False
    position = lines = 0
    while position < len(raw):
        end = raw.find(b"\n", position) + 1 or len(raw)
        line = raw[position:end]
        if not line.strip(b"\r\n"):
            break
        if line[:1] not in (b" ", b"\t"):
            dropping = _BCC.match(line) is not None
        lines += 1
        if not dropping:
            kept.append(line)
        position = end
    return raw if len(kept) == lines else b"".join(kept) + raw[position:]


def parse_mail(raw: bytes) -> Mail:
    """Read the mail (Bcc dropped already). Never raises: see the module's text."""
    headers: dict[str, list[str]] = {}
    try:
        if _takes_long(raw):
            raise TooComplex("made to take long")
        mail = parse_entities(raw)
        headers = all_headers(mail.head)
        units, documents = bodies_and_documents(mail)
        return _readable(headers, units, documents)
    except _BROKEN:
        return _mail(
            headers, documents=[MailDocument("message.eml", "message/rfc822", "mail", raw)], is_unreadable=True
        )


def _takes_long(raw: bytes) -> bool:
    """Some megabytes at a time: one look at all would keep every other thread waiting."""
    lines = boundaries = 0
    for start in range(0, len(raw), _SOME):
        stop = start + _SOME
        beyond = stop + 2 * MAX_HEADER + 1024
        some = raw[start:beyond].lower()
        # To leap to the word is many times quicker than the expression, which asks at the beginning of each line.
        if b"content-" in some and _LONG_PARAMETERS.search(raw, start, beyond):
            return True
        lines += raw.count(b"\n", start, stop)
        boundaries += some.count(b"boundary", 0, _SOME + len(b"boundary") - 1)
    return lines * boundaries > _MAX_WORK


def _readable(headers: Mapping[str, Sequence[str]], units: list[Unit], documents: list[MailDocument]) -> Mail:
    text = "\n\n".join(part for unit in units if (part := _text_of(unit).strip("\n")))
    html = None
    if any(unit.html is not None for unit in units):
        html = "\n<hr>\n".join(part for unit in units if (part := _html_of(unit)))
    is_cut = len(text) > MAX_SHOWN or len(html or "") > MAX_SHOWN
    if len(text) > MAX_SHOWN:
        documents.append(_whole("whole message.txt", "text/plain", text))
    if html is not None and len(html) > MAX_SHOWN:  # html cut in two may open what it never closes: text is shown
        documents.append(_whole("whole message.html", "text/html", html))
        html = None
    return _mail(headers, text=text[:MAX_SHOWN], html=html, documents=documents, is_cut=is_cut)


def _text_of(unit: Unit) -> str:
    if unit.text is not None and (unit.text.strip() or unit.html is None):
        return unit.text
    return text_of_html(unit.html or "")


def _html_of(unit: Unit) -> str:
    if unit.html is not None:
        return unit.html
    escaped = (unit.text or "").replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<pre>{escaped}</pre>" if escaped.strip() else ""


def _whole(name: str, content_type: str, text: str) -> MailDocument:
    return MailDocument(name, content_type, "text", text.encode("utf-8", "replace"))


def _mail(
    headers: Mapping[str, Sequence[str]],
    *,
    documents: Sequence[MailDocument],
    text: str = "",
    html: str | None = None,
    is_cut: bool = False,
    is_unreadable: bool = False,
) -> Mail:
    to, cc = list(mailboxes(headers.get("to", ()))), list(mailboxes(headers.get("cc", ())))
    from_name, from_address = next(iter(mailboxes(headers.get("from", ()))), ("", ""))
    return Mail(
        subject=decoded(next(iter(headers.get("subject", ())), "")),
        from_name=from_name,
        from_address=from_address,
        to=tuple(_shown(*one) for one in to),
        cc=tuple(_shown(*one) for one in cc),
        named={address_key(address): name for name, address in [*cc, *to]},
        message_id=next(iter(message_ids(headers.get("message-id", ()))), ""),
        references=" ".join(message_ids(headers.get("references", ()))[-20:]),
        text=text,
        html=html,
        documents=tuple(documents),
        wants_receipt=bool(headers.get("disposition-notification-to") or headers.get("return-receipt-to")),
        is_cut=is_cut,
        is_unreadable=is_unreadable,
    )


def _shown(name: str, address: str) -> str:
    return f"{name} <{address}>" if name and name != address else address

"""The demo's world: an SMTP server that takes everyone's mail, a provider of texts, and a page that shows both."""

import asyncio
import email
import email.policy
import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from importlib import resources
from typing import Any, Final

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

KEPT: Final = 500  # mails; the oldest go first
_FORCED: Final = {
    "tempfail": "451 4.7.1 Try again later (the demo was asked to say so)",
    "refuse": "550 5.1.1 No such person",
}
_LINK: Final = re.compile(r"(https?://[^\s<>\"]+)")
_PAGE: Final = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
{refresh}<title>{title}</title><link rel="stylesheet" href="/style.css"></head><body>
<header><a href="/">Everyone's mailboxes</a> <span>Sealgate demo: what arrived, outside and inside</span></header>
<main>{body}</main></body></html>"""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it arrived."""

    number: int
    recipient: str
    raw: bytes = field(repr=False)
    at: datetime

    @property
    def parsed(self) -> EmailMessage:
        """Its headers and parts."""
        parsed = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass(slots=True)
class Mailboxes:
    """Everyone's mail, in memory."""

    mails: list[Mail] = field(default_factory=list)
    count: int = 0
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def first(self, recipient: str) -> Mail:
        """Wait for a person's first mail."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: bool(self.of(recipient)))
        return self.of(recipient)[0]

    def keep(self, recipient: str, raw: bytes) -> None:
        """Put one mail into one mailbox."""
        self.count += 1
        self.mails.append(Mail(self.count, recipient, raw, datetime.now(UTC)))
        del self.mails[:-KEPT]

    def of(self, recipient: str) -> list[Mail]:
        """One person's mail, oldest first."""
        return [mail for mail in self.mails if mail.recipient == recipient]

    # aiosmtpd calls these names.
    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, _options: Any) -> str:
        """Addresses that begin with tempfail or refuse force that outcome."""
        forced = _FORCED.get(address.partition("@")[0].partition("+")[0])
        if forced:
            return forced
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Into each recipient's mailbox."""
        raw = envelope.original_content or b""
        for recipient in envelope.rcpt_tos:
            self.keep(recipient.lower(), raw)
        async with self.arrived:
            self.arrived.notify_all()
        return "250 2.0.0 Delivered"


@asynccontextmanager
async def world(mailboxes: Mailboxes, smtp_port: int, page_port: int) -> AsyncIterator[None]:
    """Run both until the block ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailboxes, hostname="world.example", data_size_limit=200 * 2**20, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1",
        smtp_port,
    )
    site = web.Application()
    site.router.add_get("/", lambda request: _front(mailboxes))
    site.router.add_get("/mail/{number:[0-9]{1,9}}", lambda request: _one(mailboxes, int(request.match_info["number"])))
    site.router.add_post("/telephone/{way:text|call}", lambda request: _call(mailboxes, request))
    site.router.add_get("/style.css", _style)
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", page_port).start()
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()


async def _call(mailboxes: Mailboxes, request: web.Request) -> web.Response:
    """A text or a call, as the configuration's `phones` sends it: into the mailbox of the number."""
    form = await request.post()
    number, said = str(form.get("to", "")), str(form.get("text", ""))
    if not re.fullmatch(r"\+[0-9]{7,15}", number):
        return web.Response(status=400)
    shown = EmailMessage()
    shown["From"], shown["To"] = "the telephone", number
    shown["Subject"] = "A text" if request.match_info["way"] == "text" else "A call"
    shown.set_content(said)
    mailboxes.keep(number, shown.as_bytes())
    return web.Response(status=201)


async def _style(_request: web.Request) -> web.Response:
    return web.Response(
        text=resources.files("gateway.demo").joinpath("mailboxes.css").read_text("utf-8"), content_type="text/css"
    )


def _page(title: str, body: str, *, refresh: bool = False) -> web.Response:
    again = '<meta http-equiv="refresh" content="4">' if refresh else ""
    return web.Response(
        text=_PAGE.format(title=html.escape(title), body=body, refresh=again),
        content_type="text/html",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'self'", "Referrer-Policy": "no-referrer"},
    )


async def _front(mailboxes: Mailboxes) -> web.Response:
    sections = []
    for recipient in sorted({mail.recipient for mail in mailboxes.mails}):
        rows = "".join(
            f'<li><a href="/mail/{mail.number}">{html.escape(str(mail.parsed["subject"] or "(no subject)"))}</a><br>'
            f"<small>from {html.escape(str(mail.parsed['from']))}, {mail.at:%H:%M:%S} UTC</small></li>"
            for mail in reversed(mailboxes.of(recipient))
        )
        sections.append(f"<section><h2>{html.escape(recipient)}</h2><ul>{rows}</ul></section>")
    return _page("Mailboxes", "".join(sections) or "<p>No mail yet.</p>", refresh=True)


async def _one(mailboxes: Mailboxes, number: int) -> web.Response:
    mail = next((mail for mail in mailboxes.mails if mail.number == number), None)
    if mail is None:
        return _page("No such mail", "<p>There is no such mail.</p>")
    parsed = mail.parsed
    facts = "".join(
        f"<dt>{name}</dt><dd>{html.escape(str(value))}</dd>"
        for name in ("From", "Reply-To", "To", "Subject", "Date", "Received")
        for value in parsed.get_all(name, [])
    )
    body = parsed.get_body(("plain", "html"))
    text = html.escape(str(body.get_content()) if body is not None else "(no text)")
    files = "".join(
        f"<li>{html.escape(part.get_filename() or 'a part without a name')} "
        f"<small>{len(part.get_payload(decode=True) or b'')} bytes, {html.escape(part.get_content_type())}</small></li>"
        for part in parsed.iter_attachments()
    )
    shown = f"<article><h1>{html.escape(mail.recipient)}</h1><dl>{facts}</dl><pre>{_LINK.sub(_anchor, text)}</pre>"
    return _page(str(parsed["subject"]), shown + (f"<ul>{files}</ul>" if files else "") + "</article>")


def _anchor(match: re.Match[str]) -> str:
    return f'<a href="{match[1]}" rel="noreferrer">{match[1]}</a>'

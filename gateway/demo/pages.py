"""The demo's own pages: everyone's mailboxes, who is who, and the clock."""

import html
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import resources
from typing import Final

from aiohttp import web

from delivery.errors import StoreUnavailable
from delivery.safebox.summaries import BoxSummary
from gateway.demo import samples
from gateway.demo.mailboxes import Mail, Mailboxes
from gateway.demo.timepiece import LONGEST, Timepiece

STEPS: Final = (1, 7, 30)  # days
_LINK: Final = re.compile(r"(https?://[^\s<>\"]+)")
_PAGE: Final = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
{refresh}<title>{title}</title><link rel="stylesheet" href="/style.css"></head><body>
<header><a href="/">Everyone's mailboxes</a> <span>Sealgate demo: what arrived, outside and inside</span></header>
<main>{body}</main></body></html>"""
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Pages:
    """What a browser sees at the demo's page."""

    def __init__(self, mailboxes: Mailboxes, timepiece: Timepiece, portal: str) -> None:
        """`portal`: where the gateway's portal is, without a slash at the end."""
        self._mailboxes = mailboxes
        self._time = timepiece
        self._portal = portal

    def routes(self) -> list[web.RouteDef]:
        """Every path of the demo's pages."""
        return [
            web.get("/", self.front),
            web.post("/clock", self.move),
            web.get("/mail/{number:[0-9]{1,9}}", self.mail),
            web.get("/style.css", _style),
        ]

    async def front(self, _request: web.Request) -> web.Response:
        """The clock, who is who, and the mailboxes."""
        try:
            boxes = await self._time.look()
        except StoreUnavailable:  # it ends, or its folder is gone: the mailboxes are there all the same
            boxes = ()
        body = _clock(self._time, boxes) + _people(self._portal) + _mailboxes(self._mailboxes)
        return _page("Mailboxes", body, refresh=True)

    async def move(self, request: web.Request) -> web.Response:
        """POST /clock: `days` is one of the steps."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            return web.Response(status=403, text="Only this page moves the clock.\n")  # another site's form
        days = str((await request.post()).get("days", ""))
        if days not in {str(step) for step in STEPS}:
            return web.Response(status=400, text="The clock is moved by 1, 7 or 30 days.\n")
        try:
            moved = await self._time.move(timedelta(days=int(days)))
        except StoreUnavailable:
            return web.Response(status=503, text="The demo's database does not answer: the demo ends, or it should.\n")
        if not moved:
            return web.Response(status=409, text=f"{LONGEST.days} days ahead is as far as it goes.\n")
        raise web.HTTPSeeOther("/")

    async def mail(self, request: web.Request) -> web.Response:
        """The page of one mail."""
        number = int(request.match_info["number"])
        mail = next((mail for mail in self._mailboxes.mails if mail.number == number), None)
        if mail is None:
            return _page("No such mail", "<p>There is no such mail.</p>")
        return _page(str(mail.parsed["subject"]), _letter(mail))


def _clock(timepiece: Timepiece, boxes: Sequence[BoxSummary]) -> str:
    ahead = timepiece.clock.ahead.days
    said = f", {ahead} {'day' if ahead == 1 else 'days'} ahead" if ahead else ""
    buttons = "".join(
        f'<button name="days" value="{days}">+{days} {"day" if days == 1 else "days"}</button> ' for days in STEPS
    )
    rows = "".join(
        f"<tr><td>{html.escape(box.owner)} to {html.escape(', '.join(guest.address for guest in box.guests))}</td>"
        f"<td><strong>{box.state.value}</strong></td><td>{_day(box.closes_at)}</td><td>{_day(box.deletes_at)}</td></tr>"
        for box in boxes
    )
    table = "<table><tr><th>SafeBox</th><th>is</th><th>closes</th><th>is deleted</th></tr>{}</table>"
    return (
        f'<section id="clock"><h2>It is {timepiece.clock():%A %-d %B %Y, %H:%M} UTC here{said}</h2>'
        f'<form method="post" action="/clock"><p>Move the clock: {buttons}</p></form>'
        "<p><small>Guests who have not opened their message are reminded, messages close and are deleted, "
        "sign-ins and codes run out. An authenticator’s codes go by the real time and no longer fit then.</small></p>"
        f"{table.format(rows) if rows else ''}</section>"
    )


def _day(when: datetime | None) -> str:
    return "never" if when is None else f"{when:%-d %B %Y}"


def _people(portal: str) -> str:
    boxes = f'<a href="{portal}/boxes">{portal}/boxes</a>'
    who = (
        (samples.SENDER, f"owner: sees what became of her mail at {boxes}"),
        (
            samples.DEPUTY,
            "privileged participant of every SafeBox here: may do there what Alice may, at the same place",
        ),
        (samples.STRANGER, "guest: follows the link in her mailbox below; codes come by mail or telephone"),
        (samples.SECOND, "guest of the same SafeBox, with a link and codes of his own"),
        (samples.FRIEND, "gets ordinary mail"),
        (samples.PARTNER, "is reached through her hospital’s gateway"),
    )
    rows = "".join(f"<dt>{html.escape(address)}</dt><dd>{what}</dd>" for address, what in who)
    return f"<section><h2>Who you can be</h2><dl>{rows}</dl></section>"


def _mailboxes(mailboxes: Mailboxes) -> str:
    sections = []
    for recipient in sorted({mail.recipient for mail in mailboxes.mails}):
        rows = "".join(
            f'<li><a href="/mail/{mail.number}">{html.escape(str(mail.parsed["subject"] or "(no subject)"))}</a><br>'
            f"<small>from {html.escape(str(mail.parsed['from']))}, {mail.at:%-d %b, %H:%M:%S} UTC</small></li>"
            for mail in reversed(mailboxes.of(recipient))
        )
        sections.append(f"<section><h2>{html.escape(recipient)}</h2><ul>{rows}</ul></section>")
    return "".join(sections) or "<p>No mail yet.</p>"


def _letter(mail: Mail) -> str:
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
    return shown + (f"<ul>{files}</ul>" if files else "") + "</article>"


def _anchor(match: re.Match[str]) -> str:
    return f'<a href="{match[1]}" rel="noreferrer">{match[1]}</a>'


def _page(title: str, body: str, *, refresh: bool = False) -> web.Response:
    again = '<meta http-equiv="refresh" content="4">' if refresh else ""
    text = _PAGE.format(title=html.escape(title), body=body, refresh=again)
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


async def _style(_request: web.Request) -> web.Response:
    text = resources.files("gateway.demo").joinpath("mailboxes.css").read_text("utf-8")
    return web.Response(text=text, content_type="text/css")

"""The demo's world: an SMTP server that takes everyone's mail, a provider of texts, and a page that shows both."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage

from aiohttp import web
from aiosmtpd.smtp import SMTP

from gateway.demo.folder import Ports
from gateway.demo.mailboxes import Mailboxes
from gateway.demo.pages import Pages
from gateway.demo.timepiece import Timepiece


@asynccontextmanager
async def world(mailboxes: Mailboxes, timepiece: Timepiece, ports: Ports) -> AsyncIterator[None]:
    """Run all three until the block ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailboxes, hostname="world.example", data_size_limit=200 * 2**20, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1",
        ports.world,
    )
    site = web.Application()
    site.add_routes(Pages(mailboxes, timepiece, f"http://localhost:{ports.portal}").routes())
    site.router.add_post("/telephone/{way:text|call}", lambda request: _call(mailboxes, request))
    runner = web.AppRunner(site, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", ports.mailboxes).start()
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

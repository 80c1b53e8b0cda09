"""One guest and one sender alone at the portal: how long each page takes to its first byte, and what it costs.

Each page is asked for again and again, on a connection that is there. A code asked for and a code typed in are told
apart from pages: they do the same work for strangers as for guests, and commit to disk before they answer.
"""

import re
from dataclasses import dataclass, field

from guests import Browser, Figures, Mailboxes
from peers import processor_seconds

CODES = 6  # of one guest: the portal sends ten an hour to one network
PATIENCE = 60.0  # seconds for a mail
WITHIN = 0.05  # seconds that a page may take to its first byte
_CODE = r"(?m)^\s*(\d{3} ?\d{3})\s*$"
_SENDER = "alice@example.com"
_UNTOLD = "on the way"  # what a worker does for the first time, and statics


@dataclass(slots=True)
class Alone:
    """The visit of both. `link` and `size` (of its document) are the guest's; `times`: how often for each page."""

    port: int
    roots: list[int]
    mailboxes: Mailboxes
    address: str
    link: str
    size: int
    times: int = 60
    figures: Figures = field(default_factory=Figures)
    processor: dict[str, float] = field(default_factory=dict)  # seconds of the gateway for one of each

    async def visit(self) -> None:
        """Every page in turn."""
        browser, letter, document = await self._guest()
        await self._often(browser, letter, "the letter")
        before = processor_seconds(self.roots)
        for _ in range(CODES):
            if not await browser.download(document, self.size, "a document"):
                raise SystemExit("a download of the guest who is alone was not whole")
        self.processor["a document"] = (processor_seconds(self.roots) - before) / CODES
        browser.close()
        browser, box = await self._sender()
        await self._often(browser, "/boxes", "a sender's list")
        await self._often(browser, box, "a sender's box")
        browser.close()
        del self.figures.kinds[_UNTOLD]
        if self.figures.troubles:
            raise SystemExit(f"nothing is reported: {dict(self.figures.troubles)}")

    def slow(self) -> list[str]:
        """Pages whose first byte took longer than it may, in the middle."""
        pages = (kind for kind in self.processor if kind != "a document")
        return [kind for kind in pages if sorted(self.figures.kinds[kind].first)[self.times // 2] > WITHIN]

    async def _guest(self) -> tuple[Browser, str, str]:
        """The browser that is in, the letter's path, the document's."""
        browser, letter = self._browser(0), ""
        for number in range(CODES):
            envelope = await browser.page(self.link, _UNTOLD)
            await browser.send(f"{self.link}/code", envelope.text, "a code asked for", by="code")
            typed = await browser.page(f"{self.link}/code", _UNTOLD)
            code = await self.mailboxes.next(self.address, _CODE, PATIENCE)
            if number == 0:
                await self._often(browser, "/", "the start page")
                await self._often(browser, self.link, "a notice's link")
                await self._often(browser, f"{self.link}/code", "where a code is typed")
            opened = await browser.send(f"{self.link}/open", typed.text, "a code typed", code=code.replace(" ", ""))
            letter = opened.headers.get("location", "")
            if number + 1 < CODES:
                browser.close()
                browser = self._browser(number + 1)
        shown = await browser.page(letter, _UNTOLD)
        found = re.search(rf'"({re.escape(letter)}/documents/[^".]+)"', shown.text)
        if not letter or found is None:
            raise SystemExit("the guest who is alone did not come to their document")
        return browser, letter, found[1]

    async def _sender(self) -> tuple[Browser, str]:
        """The browser that is in, the path of a box."""
        browser = self._browser(CODES)
        signin = await browser.page("/boxes/signin", _UNTOLD)
        await browser.send("/boxes/signin", signin.text, _UNTOLD, email=_SENDER.replace("@", "%40"))
        typed = await browser.page("/boxes/signin/code", _UNTOLD)
        code = await self.mailboxes.next(_SENDER, _CODE, PATIENCE)
        await browser.send("/boxes/signin/code", typed.text, _UNTOLD, code=code.replace(" ", ""))
        listed = await browser.page("/boxes", _UNTOLD)
        found = re.search(r'"(/boxes/[0-9a-z]{26})"', listed.text)
        if found is None:
            raise SystemExit("the sender who is alone did not come to their boxes")
        return browser, found[1]

    async def _often(self, browser: Browser, path: str, kind: str) -> None:
        await browser.page(path, _UNTOLD)
        before = processor_seconds(self.roots)
        for _ in range(self.times):
            await browser.page(path, kind)
        self.processor[kind] = (processor_seconds(self.roots) - before) / self.times

    def _browser(self, number: int) -> Browser:
        return Browser(self.port, f"2001:db8:aaaa:{number:x}::1", self.figures)

"""A real browser for journeys, and what guests find in their mailboxes."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from mailhosts import Sink

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
PICTURES = os.environ.get("SEALGATE_SCREENSHOTS", "")  # a folder: pictures are taken only where they are wanted
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
_AXE = """async (only) => {
  const { violations } = await axe.run(document, { runOnly: only, resultTypes: ["violations"], iframes: false });
  return violations.flatMap((one) => one.nodes.map((node) =>
    `${one.id} (${matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"}): ${one.help}\\n  ` +
    `${node.html.slice(0, 300)}\\n  ${(node.failureSummary || "").replaceAll("\\n", "\\n  ")}`));
}"""
_SCRIPTLESS = """(() => {
  const without = document.createElement("noscript");
  without.innerHTML = "<p>elements where there is no script, text where there is</p>";
  return without.childElementCount > 0;
})()"""
CODE = re.compile(r"^\s*(\d{6}|\d{3} \d{3}|\d{10})\s*$", re.MULTILINE)


@contextmanager
def chromium() -> Iterator[Any]:
    """Headless Chromium of the system, else Playwright's own; a snap's start script cannot be driven."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = [path for path in map(Path, BROWSERS) if path.exists() and b"snap" not in path.read_bytes()[:4096]]
        found += [path for path in [Path(playwright.chromium.executable_path)] if path.exists()]
        if not found:
            pytest.skip("missing: chromium that is not a snap (make system-packages installs it as root)")
        root = ["--no-sandbox"] if os.getuid() == 0 else []
        quiet = ["--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=str(found[0]), args=[*quiet, *root])
        yield browser
        browser.close()


def text_of(raw: bytes) -> str:
    """The plain text of a mail."""
    return str(message_from_bytes(raw, policy=policy.default).get_body(("plain",)).get_content())  # type: ignore[attr-defined]


def link_for(world: Sink, address: str) -> str:
    """The link of the newest invitation."""
    world.wait(address)
    found = [re.findall(r"http://localhost:\d+/b/\S+", text_of(mail.raw)) for mail in world.for_(address)]
    return [link for links in found for link in links][-1]


def codes(world: Sink, address: str) -> list[str]:
    """The codes mailed so far."""
    found = [CODE.findall(text_of(mail.raw)) for mail in world.for_(address)]
    return [code.replace(" ", "") for [code] in filter(None, found)]


def photograph(page: Any, name: str) -> None:
    """What every page has to be, wherever a journey comes by: it fits, every field has its label, axe has nothing
    against it, light or dark. Pictures are taken where they are wanted.
    """
    before = page.viewport_size
    for width, height, size in ((1280, 900, "wide"), (360, 740, "narrow")):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark") if PICTURES else ():
            page.emulate_media(color_scheme=scheme)
            tall = page.evaluate("document.documentElement.scrollHeight")
            # As tall as the picture: what is out of sight a browser does not paint, frames above all. More of a long
            # page tells nothing new.
            page.set_viewport_size({"width": width, "height": max(height, min(tall, 2 * height))})
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{size}-{scheme}.png"))
            page.set_viewport_size({"width": width, "height": height})
        fits(page, f"{name} at {width} px")
    unlabelled = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden])')].filter(e => !e.labels.length).length"
    )
    assert unlabelled == 0, f"{name}: a field without a label"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)
    accessible(page, name)


def fits(page: Any, name: str) -> None:
    """Nothing scrolls sideways."""
    spare = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert spare <= 0, f"{name} scrolls sideways by {spare} px"


def accessible(page: Any, name: str) -> None:
    """WCAG 2.2 AA, as far as axe can tell: in light, and what depends on colours in dark as well."""
    if page.evaluate(_SCRIPTLESS):  # axe is a script: it looks at what the page says, in a browser that has script
        with page.context.browser.new_context(viewport=page.viewport_size) as scripted:
            copy = scripted.new_page()
            here, said = page.url.partition("#")[0], page.content()
            copy.route(here, lambda route: route.fulfill(body=said, content_type="text/html; charset=utf-8"))
            copy.goto(here)
            accessible(copy, name)
        return
    page.evaluate(f"() => {{ if (!window.axe) {{ {axe_source()} }} }}")
    page.emulate_media(color_scheme="light")
    found = page.evaluate(_AXE, {"type": "tag", "values": WCAG})
    page.emulate_media(color_scheme="dark")
    found += page.evaluate(_AXE, {"type": "rule", "values": ["color-contrast", "link-in-text-block"]})
    page.emulate_media(color_scheme="null")
    assert not found, "\n".join([f"{name}:", *found])


@cache
def axe_source() -> str:
    """axe-core, as the package that brings it has it: tests fetch nothing."""
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")

"""A real browser for journeys, and what guests find in their mailboxes."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from mailhosts import Sink

BROWSERS = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
PICTURES = os.environ.get("SEALGATE_SCREENSHOTS", "")  # a folder: pictures are taken only where they are wanted
CODE = re.compile(r"^\s*(\d{3} ?\d{3})\s*$", re.MULTILINE)


@contextmanager
def chromium() -> Iterator[Any]:
    """Headless Chromium of the system; a snap's start script cannot be driven."""
    found = [path for path in map(Path, BROWSERS) if path.exists() and b"snap" not in path.read_bytes()[:4096]]
    if not found:
        pytest.skip("missing: chromium that is not a snap (make system-packages installs it as root)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
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
    """The page wide and narrow, light and dark; nothing scrolls sideways, every field has its label."""
    before = page.viewport_size
    for width, height, size in ((1280, 900, "wide"), (360, 740, "narrow")):
        page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark") if PICTURES else ():
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=str(Path(PICTURES) / f"{name}-{size}-{scheme}.png"), full_page=True)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} scrolls sideways at {width} px"
    unlabelled = page.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden])')].filter(e => !e.labels.length).length"
    )
    assert unlabelled == 0, f"{name}: a field without a label"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(before)

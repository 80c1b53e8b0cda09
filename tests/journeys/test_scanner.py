"""A mail scanner opens every link, presses every button and submits every form; then the guest opens the message."""

import json
import re
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from browsing import chromium, codes, link_for
from mailhosts import Sink, wait_for

pytestmark = pytest.mark.browser

MARIA = "maria@post.example"
PROFILES = "profiles: {standard: {signin: {ways: [code, account, passkey, question], remember_device: 10 days}}}"
MOST = 36  # things pressed
_SENDS = (
    "button => button.form ? button.form.action + (button.value ? ` ${button.value}` : '') : button.innerText.trim()"
)
TYPED = {"email": MARIA, "password": "summer2026summer", "tel": "+41791234567", "checkbox": "", "file": ""}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


def press_everything(page: Any, start: str) -> set[str]:
    """Follow every link and press every button of every page of the site; what was pressed, by page and what it sends:
    words change when it presses a language.
    """
    site = start.partition("/b/")[0]
    waiting, seen, pressed = [start, f"{site}/"], set(), set()
    while waiting and len(pressed) < MOST:
        path = waiting.pop(0)
        seen.add(path)
        page.goto(path)
        here = _shown(path, site)
        for number in range(page.locator("button").count()):
            page.goto(path)
            button = page.locator("button").nth(number)
            if not button.count() or not button.is_visible():
                continue
            what = f"{here}: {_shown(button.evaluate(_SENDS), site)}"
            if what in pressed:
                continue
            pressed.add(what)
            fill_in(page)
            button.click(timeout=10_000)
            page.wait_for_load_state()
            if page.url.startswith(site) and page.url not in (*seen, *waiting):
                waiting.append(page.url)
        page.goto(path)
        links = page.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.href.split('#')[0])")
        fresh = [link for link in links if link.startswith(site) and link not in seen and link not in waiting]
        waiting += dict.fromkeys(fresh)
    return pressed


def _shown(url: str, site: str) -> str:
    return re.sub(r"[a-z2-7]{26}", "…", url.removeprefix(site))


def fill_in(page: Any) -> None:
    """Something into every field, as a thorough scanner does."""
    for field in page.locator("input:not([type=hidden]), textarea").all():
        kind = field.get_attribute("type") or "text"
        if not field.is_visible() or field.get_attribute("readonly") is not None:
            continue
        if kind == "checkbox":
            field.check()
        elif kind != "file":
            field.fill(TYPED.get(kind, "123456"))


def test_the_guest_still_opens_what_a_scanner_went_through(browser: Any, world: Sink, make_gateway: Any) -> None:
    gateway = make_gateway(world.port, more=PROFILES)
    gateway.start()
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Alice <alice@example.com>", MARIA, "[secure] Your report"
    mail["X-Sealgate-Question"], mail["X-Sealgate-Answer"] = "Where did we meet?", "In Davos"
    mail.set_content("Dear Maria,\n\nall is well.\n")
    gateway.send(mail, "alice@example.com", MARIA)
    link = link_for(world, MARIA)

    scanner = browser.new_context(user_agent="Mozilla/5.0 SafeLinks scanner")
    pressed = press_everything(scanner.new_page(), link)
    said = {what.partition(": ")[2] for what in pressed}
    assert {"/b/…/code", "/b/…/not-for-me", "/again", "/b/…/signin", "/language de"} <= said, said
    assert scanner.request.head(link).status in (200, 410)
    scanner.close()

    kinds = [json.loads(line)["kind"] for line in gateway.command("audit", "export").splitlines()]
    assert not {"box.read", "signin.succeeded", "box.downloaded", "account.created", "code.right"} & set(kinds)
    assert "code.sent" in kinds and "box.declined" in kinds, "it pressed what could be pressed"

    guest = browser.new_context().new_page()
    guest.goto(link)
    before = len(codes(world, MARIA))
    guest.get_by_role("button", name="Send me a code").click()
    wait_for(lambda: len(codes(world, MARIA)) > before, why="a code by mail")
    guest.get_by_label(re.compile("Code of 6 digits")).fill(codes(world, MARIA)[-1])
    guest.get_by_role("button", name="Open the message").click()
    guest.locator(".letter__body").first.wait_for()
    assert "all is well" in guest.content()
    events = [json.loads(line) for line in gateway.command("audit", "export").splitlines()]
    [read] = [event for event in events if event["kind"] == "box.read"]
    assert read["facts"]["way"] == "code" and "SafeLinks" not in str(read), (
        "what was opened is told from what was fetched"
    )

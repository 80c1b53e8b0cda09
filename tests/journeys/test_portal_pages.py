"""The portal in a real browser: hostile mail, a narrow phone, large text, no script, the keyboard alone."""

import base64
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from browsing import accessible, chromium, fits, photograph, text_of
from mailhosts import Sink

pytestmark = pytest.mark.browser

MARIA = "maria-magdalena.oberhofer-castellanos-de-la-fuente@long-mailbox-provider.post.example"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
LANGUAGES = (
    ("Deutsch", "Ihre Antwort"),
    ("Français", "Votre réponse"),
    ("Español", "Su respuesta"),
    ("English", "Your reply"),
)
HTML = """<html><head><style>h1{{color:rgb(200,0,0)}} td{{border:1px solid}}</style></head><body>
<h1>St. Mary’s newsletter</h1><script>document.title='broken in'</script>
<p style="color:rgb(0,100,0)">Dear Maria, your number is 536-22-1234 (SSN).</p>
<table width="1400"><tr><td>Wide</td><td>table</td><td>{long}</td></tr></table>
<img src="cid:logo@example.com" alt="our logo" width="60" height="60">
<img src="http://127.0.0.1:{port}/pixel.png" alt="far">
<img src=x onerror="document.title='broken in'"><a href="https://example.com/">our site</a></body></html>"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium of the system."""
    with chromium() as opened:
        yield opened


def letter(port: int) -> EmailMessage:
    """A mail with everything a page has to withstand."""
    mail = EmailMessage()
    mail["From"] = '"Dr. Katharina von Hohenfels-Lindqvist (Department of Orthopaedics)" <alice@example.com>'
    mail["To"], mail["Message-ID"] = f"Maria-Magdalena Oberhofer-Castellanos <{MARIA}>", "<pages@example.com>"
    mail["Subject"] = "[secure] Discharge report and follow-up appointments after your hip operation on 12 November"
    mail.set_content("Dear Maria, your number is 536-22-1234 (SSN).")
    mail.add_alternative(HTML.format(long="x" * 300, port=port), subtype="html")
    related = mail.get_payload()[1]
    related.add_related(PIXEL, "image", "png", cid="<logo@example.com>", filename="logo.png")
    mail.add_attachment(
        b"plain", "application", "pdf",
        filename="Discharge_report_Oberhofer-Castellanos_Maria-Magdalena_2026-11-20_signed_final_version_3.pdf",
    )  # fmt: skip
    mail.add_attachment("wörter", filename="Plan für Wochen 1–6.txt")
    return mail


@pytest.fixture
def box(world: Sink, make_gateway: Any, free_port: Any) -> Any:
    """A started gateway with one box for Maria: (gateway, link, where the mail's remote picture would lie)."""
    gateway, far = make_gateway(world.port), free_port()
    gateway.start()
    gateway.send(letter(far), "alice@example.com", MARIA)
    [notice] = world.wait(MARIA)
    [link] = re.findall(r"http://localhost:\d+/b/\S+", text_of(notice.raw))
    return gateway, link, far


def codes(world: Sink) -> list[str]:
    """The codes mailed so far."""
    found = [re.findall(r"^\s*(\d{3} ?\d{3})\s*$", text_of(mail.raw), re.MULTILINE) for mail in world.for_(MARIA)]
    return [code.replace(" ", "") for [code] in filter(None, found)]


def enter(page: Any, link: str, world: Sink) -> None:
    """From the envelope to the letter."""
    page.goto(link)
    before = len(world.for_(MARIA))
    page.get_by_role("button", name="Send me a code").click()
    world.wait(MARIA, before + 1)
    page.get_by_label(re.compile("Code of 6 digits")).fill(codes(world)[-1])
    page.get_by_role("button", name="Open the message").click()
    page.locator(".letter__body").first.wait_for()


def small_targets(page: Any) -> list[str]:
    """What can be pressed and is less than 44 px high (links within a sentence aside)."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, .button, .link, input:not([type=hidden],[type=checkbox])")]
        .filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 43.5)
        .map(e => e.outerHTML.slice(0, 120))"""
    )
    return found


def test_hostile_mail_stays_in_its_frame(browser: Any, box: Any, world: Sink) -> None:
    _, link, far = box
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    asked: list[str] = []
    troubles: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: troubles.append(str(error)))
    enter(page, link, world)
    body = page.locator(".letter__body").first
    assert "536-22-1234" in body.inner_text()
    assert body.locator("img[alt='our logo']").evaluate("image => image.naturalWidth") == 1
    assert body.locator("script, style, form, iframe").count() == 0

    page.get_by_text("Show it as it was formatted").first.click()
    frame = page.frame_locator("iframe.frame").first
    assert frame.locator("h1").evaluate("e => getComputedStyle(e).color") == "rgb(200, 0, 0)"
    assert frame.locator("img[alt='our logo']").evaluate("image => image.naturalWidth") == 1
    assert not any(f":{far}/" in url for url in asked), "nothing from the internet unasked"
    photograph(page, "formatted")

    page.get_by_role("button", name="Show pictures from the internet").click()
    page.frame_locator("iframe.frame").first.locator("h1").wait_for()
    assert "broken in" not in page.title() and not troubles
    page.wait_for_timeout(1000)
    far_away = [url for url in asked if f":{far}/" in url]
    assert all(url.endswith("/pixel.png") for url in far_away) and far_away, "what was asked for, and nothing else"
    assert page.locator("details[open] iframe").count() == 1
    context.close()


def test_a_narrow_phone_with_large_text(browser: Any, box: Any, world: Sink) -> None:
    _, link, _ = box
    sizes = (("phone", 320, 100, "dark"), ("large", 640, 200, "light"), ("huge", 360, 200, "light"))
    for name, width, factor, scheme in sizes:
        context = browser.new_context(
            viewport={"width": width, "height": 700}, color_scheme=scheme, bypass_csp=True, locale="en-GB"
        )
        context.add_init_script(
            f"addEventListener('DOMContentLoaded', () => document.documentElement.style.fontSize = '{factor}%')"
        )
        page = context.new_page()

        def looks(page: Any, named: str) -> None:
            """Every size fits; what axe says of one size holds for all, but for those that wrap."""
            fits(page, named)
            if named.startswith("phone"):
                accessible(page, named)

        page.goto(link)
        looks(page, f"{name}-envelope")
        assert not small_targets(page)
        page.goto(f"{link}/not-for-me")
        looks(page, f"{name}-decline")
        page.goto(f"{link}/signin")
        looks(page, f"{name}-signin")
        enter(page, link, world)
        page.locator("summary").first.click()
        looks(page, f"{name}-letter")
        assert not small_targets(page)
        here = page.url
        page.goto(link.partition("/b/")[0] + "/account")
        looks(page, f"{name}-account")
        page.get_by_label("Choose a password").fill("password1234")
        page.get_by_role("button", name="Create account").click()
        assert "lists that attackers try first" in page.content()
        looks(page, f"{name}-account-error")
        page.goto(link.partition("/b/")[0] + "/zone?back=/")
        looks(page, f"{name}-zone")
        page.goto(link.partition("/b/")[0] + "/nowhere")
        looks(page, f"{name}-nothing")
        page.goto(here)
        for language, says in LANGUAGES if name == "phone" else ():  # longer words than the English ones
            page.get_by_role("button", name=language).click()
            page.get_by_role("heading", name=says, exact=True).wait_for()
            fits(page, f"{name}-{language}")
        page.get_by_role("button", name=re.compile("^Leave$")).click()
        looks(page, f"{name}-left")
        page.goto(link.partition("/b/")[0] + "/")
        looks(page, f"{name}-start")
        context.close()


def test_everything_works_without_script_and_by_keyboard(browser: Any, box: Any, world: Sink, tmp_path: Path) -> None:
    gateway, link, _ = box
    context = browser.new_context(java_script_enabled=False, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(link)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Go to the content"
    for _ in range(20):
        if page.locator(":focus").inner_text() == "Send me a code":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_label(re.compile("Code of 6 digits")).wait_for()
    world.wait(MARIA, 2)
    page.get_by_label(re.compile("Code of 6 digits")).focus()
    page.keyboard.type(codes(world)[-1])
    page.keyboard.press("Enter")
    page.locator(".letter__body").first.wait_for()
    assert re.search(r"\d:\d\d (UTC|\(UTC)", page.locator(".letter__head time").first.inner_text()), "the zone is named"

    page.get_by_role("link", name="Change the time zone").click()
    page.get_by_label("Show times as they are in").select_option("Asia/Tokyo")
    page.get_by_role("button", name="Use this zone").click()
    assert "Tokyo time (UTC+9)" in page.locator("footer").inner_text()
    page.get_by_role("button", name="Deutsch").click()
    assert "Zeitzone Tokio (UTC+9)" in page.locator("footer").inner_text()
    assert page.locator("html").get_attribute("lang") == "de" and page.locator(".letter__body").count() == 1
    page.get_by_role("button", name="English").click()
    assert page.get_by_role("button", name="Print", exact=True).count() == 0, "what needs script is hidden"

    with page.expect_download() as downloading:
        page.get_by_role("link", name=re.compile("^Download all")).click()
    assert Path(downloading.value.path()).read_bytes()[:2] == b"PK"
    upload = tmp_path / "Überweisung.txt"
    upload.write_text("a document")
    page.get_by_label("What do you want to write?").fill("Sent without script.")
    page.locator("input[type=file]").set_input_files(str(upload))
    page.get_by_role("button", name="Send reply").click()
    assert "Your reply has been sent" in page.content() and "Überweisung.txt" in page.content()
    page.emulate_media(media="print")
    assert not page.get_by_role("button", name="Send reply").is_visible()
    page.emulate_media(media="screen")

    box_id = gateway.rows("box", "list")[0]["id"]
    gateway.command("box", "recall", box_id, "--reason", "the wrong week")
    page.reload()
    assert "taken this message back" in page.locator("h1").inner_text()
    assert "the wrong week" in page.content()
    photograph(page, "recalled-letter")
    assert "536-22-1234" not in page.content()
    context.close()

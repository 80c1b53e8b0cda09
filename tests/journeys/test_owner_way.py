"""A sender's whole way in a real browser: sign in, see who opened, write more, close, take back with a reason."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from browsing import chromium, codes, link_for, photograph, text_of
from mailhosts import Sink, wait_for

pytestmark = pytest.mark.browser

PROFILES = """profiles:
  standard:
    adjust:
      replies: [none, owner]
      retention: {from: none, to: forever}
      opened: [first, every, never]
      language: [en, fr, de, es]
      subject: true
      reminders: true
"""
ALICE, DORA, EMIL = "alice@example.com", "dora@post.example", "emil@post.example"


@pytest.fixture
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    with chromium() as opened:
        yield opened


def letter() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = f"Alice Example <{ALICE}>", f"Dora Fischer <{DORA}>, Emil Fischer <{EMIL}>"
    mail["Subject"], mail["Message-ID"] = "Your discharge letter", "<discharge-2@example.com>"
    mail.set_content("Dear Dora,\n\nyour discharge letter is attached.\n\nKind regards,\nAlice Example\n")
    mail.add_alternative("<p>Dear Dora,</p><p>your <b>discharge letter</b> is attached.</p>", subtype="html")
    mail.add_attachment(b"%PDF-1.7 " * 5000, maintype="application", subtype="pdf", filename="Discharge letter.pdf")
    return mail


def code_for(world: Sink, address: str) -> str:
    """The code mailed to somebody."""
    return wait_for(lambda: next(iter(codes(world, address)), None), why=f"a code for {address}")


def test_the_sender_sees_writes_closes_and_takes_back(world: Sink, make_gateway, browser) -> None:
    gateway = make_gateway(world.port, more=PROFILES)
    gateway.start()
    gateway.send(letter(), ALICE, DORA, EMIL)
    guest = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    guest.goto(link_for(world, DORA))
    guest.get_by_role("button", name="Send me a code").click()
    guest.get_by_label(re.compile("Code of 6 digits")).fill(code_for(world, DORA))
    guest.get_by_role("button", name="Open the message").click()
    assert guest.locator("h1").inner_text() == "Your discharge letter"
    # the sender is told of it by mail, and follows the link in it
    receipt = wait_for(lambda: [mail for mail in world.for_(ALICE) if "/boxes/" in text_of(mail.raw)])[0]
    [path] = set(re.findall(r"http://localhost:\d+/boxes/\w+", text_of(receipt.raw)))
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(path)
    photograph(page, "owner-signin")
    page.get_by_label("Your e-mail address").fill(ALICE)
    page.get_by_role("button", name="Send me a code").click()
    photograph(page, "owner-code")
    page.get_by_label(re.compile("Code of 6 digits")).fill(code_for(world, ALICE))
    page.get_by_role("button", name="Go to your messages").click()
    assert page.locator("h1").inner_text() == "Your discharge letter"
    assert "Opened on" in page.locator(".people").inner_text()
    assert "1 new reader" in page.locator("main").inner_text()
    page.get_by_text("Show it as it was formatted").click()
    assert "discharge letter" in page.frame_locator("iframe").locator("b").inner_text()
    photograph(page, "owner-box")
    page.get_by_text("More Dora Fischer").click()
    page.get_by_role("link", name="See it as they do Dora Fischer").click()
    assert (
        "This is what Dora Fischer sees." in page.locator("main").inner_text() and page.locator("textarea").count() == 0
    )
    photograph(page, "owner-as-guest")
    page.get_by_role("link", name="Back to your own view").click()

    page.get_by_label("Who reads it").select_option(label="Dora Fischer alone")
    page.get_by_label("Your message").fill("Please bring your insurance card as well.")
    # pressed while the file is on its way: it is sent by itself once that is here
    plan = {"name": "Way to the clinic.txt", "mimeType": "text/plain", "buffer": b"Turn left at the bridge. " * 400_000}
    page.locator("input[type=file]").set_input_files(plan)
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("Your message has been sent").wait_for()
    assert "Way to the clinic.txt" in page.locator("main").inner_text()
    assert "to Dora Fischer alone" in page.locator("main").inner_text()
    assert "Your message has been sent" in page.content()
    page.get_by_role("link", name="Your SafeBoxes").first.click()
    assert page.get_by_role("link", name="Your discharge letter").count() == 1
    assert page.get_by_role("link", name="With news 0").count() == 1  # all of it was seen
    photograph(page, "owner-list")
    page.get_by_role("link", name="Your discharge letter").click()
    page.get_by_text("Keep open longer").click()
    until = datetime.now(UTC).date() + timedelta(days=200)
    page.get_by_label("Open until the end of").fill(str(until))
    page.get_by_role("button", name="Keep open until then").click()
    assert shown(until) in page.locator("main").inner_text()
    page.get_by_text("Change its settings").click()
    page.get_by_label("How long it can be read after it closes").select_option(label="For 90 days")
    page.get_by_label("When the sender is told by e-mail").select_option(label="Each time somebody opens it")
    photograph(page, "owner-settings")
    page.get_by_role("button", name="Save the settings").click()
    assert "The settings were changed." in page.locator("main").inner_text()
    assert "it can be read for 90 days" in page.locator("main").inner_text()
    twin = browser.new_context(storage_state=page.context.storage_state()).new_page()
    twin.goto(path)
    twin.get_by_label("Your message").fill("Written too long.")
    page.get_by_text("Close now").click()
    page.get_by_role("button", name="Close it").click()
    photograph(page, "owner-closed")
    guest.goto(guest.url)
    assert "insurance card" in guest.content() and guest.get_by_text("Closed", exact=True).count()
    # guests are told of it by mail, with a link to what they can still read; who did it is not
    [told] = wait_for(lambda: [mail for mail in world.for_(DORA) if "is closed" in text_of_subject(mail.raw)])
    assert "earlier than it was to be" in " ".join(text_of(told.raw).split())
    guest.goto(link_for(world, DORA))
    assert not [mail for mail in world.for_(ALICE) if text_of_subject(mail.raw).startswith("Closed")]

    page.get_by_role("link", name="See the record").click()
    assert "the message was closed" in page.locator("main").inner_text().lower()
    photograph(page, "owner-record")
    page.go_back()
    page.get_by_role("link", name="Take the message back").click()
    photograph(page, "owner-recall")
    page.get_by_label("Reason, shown to them").fill("It was meant for another patient.")
    page.get_by_role("button", name="Take it back").click()
    assert "has read it" in page.locator("main").inner_text()
    photograph(page, "owner-recalled")
    guest.reload()
    assert "It was meant for another patient." in guest.content() and "insurance card" not in guest.content()
    page.goto(path)
    page.get_by_text("More Dora Fischer").click()
    page.get_by_role("link", name="See it as they do Dora Fischer").click()
    assert "It was meant for another patient." in page.content()
    photograph(page, "owner-as-guest-end")
    page.goto(path)
    page.get_by_role("link", name="Delete it for good").click()
    photograph(page, "owner-delete")
    page.get_by_role("button", name=re.compile("Delete")).click()
    guest.reload()
    assert guest.get_by_role("heading", level=1).count() == 1 and "insurance card" not in guest.content()
    photograph(guest, "deleted")
    page.get_by_role("button", name="Leave").click()
    photograph(page, "owner-left")
    twin.get_by_role("button", name="Send", exact=True).click()  # their sign-in has ended meanwhile
    twin.get_by_role("heading", name=re.compile("ended")).wait_for()
    assert "Written too long." in twin.content()
    photograph(twin, "owner-signed-out")
    page.goto(path)
    assert page.url.endswith(f"signin?box={path.rpartition('/')[2]}")
    page.get_by_label("Your e-mail address").fill("boris@example.com")
    page.get_by_role("button", name="Send me a code").click()
    wrong = "000000" if code_for(world, "boris@example.com") != "000000" else "111111"
    for _ in range(5):
        page.get_by_label(re.compile("Code of 6 digits")).fill(wrong)
        page.get_by_role("button", name="Go to your messages").click()
    page.get_by_text("no short code counts for a while").wait_for()
    photograph(page, "owner-wait")
    page.get_by_role("button", name="Send a new code").click()
    long = wait_for(lambda: long_code_for(world, "boris@example.com"), why="a long code")
    photograph(page, "owner-long-code")
    page.get_by_label("Code of 12 letters and digits").fill(long)
    page.get_by_role("button", name="Go to your messages").click()
    page.get_by_role("link", name="To your SafeBoxes").click()  # the box is somebody else's
    page.get_by_role("heading", name="Your SafeBoxes").wait_for()
    database = gateway.folder / "data" / "sealgate.db"
    database.rename(database.with_suffix(".away"))
    assert page.goto(link_for(world, EMIL)).status == 503
    photograph(page, "not-available")
    database.with_suffix(".away").rename(database)


def long_code_for(world: Sink, address: str) -> str:
    """The code of letters and digits that was mailed last, if there is one."""
    found = [
        re.findall(r"^ {4}((?:[0-9A-Z]{4}-){2}[0-9A-Z]{4})\s*$", text_of(m.raw), re.M) for m in world.for_(address)
    ]
    return next((codes[-1] for codes in reversed(found) if codes), "")


def shown(day: date) -> str:
    """As a page says it."""
    return f"{day.day} {day:%B %Y}"


def text_of_subject(raw: bytes) -> str:
    """A mail's subject."""
    return str(message_from_bytes(raw, policy=policy.default)["Subject"])

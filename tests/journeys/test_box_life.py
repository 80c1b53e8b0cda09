"""A message's life in a real browser: consent, answers among all, closed, opened again, parts taken back, the end."""

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from browsing import chromium, photograph, text_of
from mailhosts import Sink
from started import Gateway

pytestmark = pytest.mark.browser

MARIA, JON, HIDDEN = "maria.oberhofer@post.example", "jon@far.example", "hidden@far.example"
SUBJECT = "Your treatment plan for the spring"
PROFILES = """\
profiles:
  treatment:
    participants:
      replies: all
      others: visible
      colleagues: ["Records office <records@example.com>"]
      consent:
        version: "2026-01"
        texts:
          en: |
            This message holds health data of another person.

            Do not pass it on, and delete what you save once you no longer need it.
    adjust: {open_for: {from: 1 day, to: 60 days}}
profile_groups:
  clinic: {senders: [example.com], profiles: [treatment]}
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium of the system."""
    with chromium() as opened:
        yield opened


class Person:
    """Somebody with a mailbox and a browser of their own."""

    def __init__(self, browser: Any, world: Sink, address: str) -> None:
        self.world, self.address = world, address
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)

    def mails(self, subject: str) -> list[str]:
        """The texts of what they got, by a piece of the subject."""
        parsed = (message_from_bytes(mail.raw, policy=policy.default) for mail in self.world.for_(self.address))
        return [mail.get_body(("plain",)).get_content() for mail in parsed if subject in str(mail["Subject"])]

    def link(self) -> str:
        """The newest link they were sent."""
        texts = [text_of(mail.raw) for mail in self.world.for_(self.address)]
        return re.findall(r"http://localhost:\d+/b/\S+", "\n".join(texts))[-1]

    def enter(self) -> None:
        """From the envelope on, by a code."""
        self.page.goto(self.link())
        before = len(self.world.for_(self.address))
        self.page.get_by_role("button", name="Send me a code").click()
        self.world.wait(self.address, before + 1)
        [code] = re.findall(r"^\s*(\d{3} ?\d{3})\s*$", text_of(self.world.for_(self.address)[-1].raw), re.MULTILINE)
        self.page.get_by_label(re.compile("Code of 6 digits")).fill(code.replace(" ", ""))
        self.page.get_by_role("button", name="Open the message").click()

    def accept(self) -> None:
        """The text before the letter."""
        self.page.get_by_label("I have read this and accept it.").check()
        self.page.get_by_role("button", name="Go on to the message").click()
        self.page.locator(".letter__body").first.wait_for()


def letter() -> EmailMessage:
    """From Alice to two guests, with two documents, for twenty days."""
    mail = EmailMessage()
    mail["From"], mail["To"] = "Dr. Alice Example <alice@example.com>", f"Maria Oberhofer <{MARIA}>, Jon <{JON}>"
    mail["Subject"], mail["Message-ID"] = f"[secure 20d sooner] {SUBJECT}", "<plan@example.com>"
    mail.set_content("Dear both,\n\nthe plan is attached. Please tell me what suits you.\n\nAlice Example")
    mail.add_attachment(b"%PDF-1.4 plan", "application", "pdf", filename="Treatment plan.pdf")
    mail.add_attachment(b"%PDF-1.4 other", "application", "pdf", filename="Report of another patient.pdf")
    return mail


@pytest.fixture
def clinic(world: Sink, make_gateway: Callable[..., Gateway]) -> Gateway:
    """A started gateway whose profile asks for consent and has answers among all."""
    gateway = make_gateway(world.port, more=PROFILES)
    gateway.start()
    gateway.send(letter(), "alice@example.com", MARIA, JON, HIDDEN)
    world.wait(MARIA)
    world.wait(JON)
    world.wait(HIDDEN)
    return gateway


def test_the_life_of_a_message(browser: Any, clinic: Gateway, world: Sink) -> None:
    maria, jon, hidden = (Person(browser, world, one) for one in (MARIA, JON, HIDDEN))
    alice = Person(browser, world, "alice@example.com")
    shared = next(box["id"] for box in clinic.rows("box", "list") if len(box["guests"]) == 2)

    # What the sender asked for in the subject: done as far as it may be, told otherwise, and never seen by guests.
    world.wait("alice@example.com")
    [told] = alice.mails("Only part of what you asked for")
    assert "“sooner” is not a word" in " ".join(told.split())
    assert clinic.rows("box", "show", shared)[0]["settings"]["life"]["open_for"] == "20 days"

    # Consent comes before content; declining to accept shows nothing.
    maria.enter()
    maria.page.get_by_role("heading", name="Before you read").wait_for()
    assert "treatment" not in maria.page.content().lower().replace("treatment plan for", "")
    maria.page.get_by_role("button", name="Go on to the message").click()
    assert "Please tick the box" in maria.page.content()
    photograph(maria.page, "consent")
    maria.accept()
    assert maria.page.get_by_role("heading", name=SUBJECT).count() == 1
    assert "[secure" not in maria.page.content() and "sooner" not in maria.page.content()
    assert HIDDEN not in maria.page.content()
    photograph(maria.page, "among-all")

    # An answer among all: Jon is told and reads it; the one of the blind copy is not and does not.
    before = len(world.for_(HIDDEN))
    maria.page.get_by_label("What do you want to write?").fill("Tuesdays suit me best.")
    maria.page.get_by_role("button", name="Send reply").click()
    maria.page.get_by_text("Your reply has been sent").wait_for()
    world.wait(JON, 2)
    jon.enter()
    jon.accept()
    assert "Tuesdays suit me best." in jon.page.content()
    hidden.enter()
    hidden.accept()
    assert (
        "Tuesdays" not in hidden.page.content()
        and MARIA.split("@", maxsplit=1)[0] not in hidden.page.locator("aside").inner_text()
    )
    assert before + 1 == len(world.for_(HIDDEN))  # the code alone

    # A document is taken back: its name and the reason stay, and the sender hears what it could not take back.
    with maria.page.expect_download():
        maria.page.get_by_role("link", name=re.compile(r"Download Report of another")).click()
    shown = clinic.rows("box", "show", shared)[0]
    [document] = {one["document_id"] for track in shown["activity"] for one in track["downloads"] if one["document_id"]}
    told_before = len(alice.mails("Taken back"))
    out = clinic.command("box", "recall", shared, "--document", document, "--reason", "It belongs to another patient.")
    assert f"{MARIA}: downloaded" in out and f"{JON}: never fetched" in out
    world.wait("alice@example.com", len(world.for_("alice@example.com")))
    maria.page.reload()
    assert "It belongs to another patient." in maria.page.content()
    assert maria.page.get_by_role("link", name=re.compile("Report of another")).count() == 0
    photograph(maria.page, "document-taken-back")
    assert told_before == 0

    # Closed: it reads on, and the guest asks for more; the owner opens it again, and everybody is told.
    clinic.command("box", "close", shared)
    maria.page.reload()
    maria.page.get_by_role("heading", name="This message is closed").wait_for()
    photograph(maria.page, "closed")
    maria.page.get_by_label("A line for the sender").fill("One question is left.")
    maria.page.get_by_role("button", name="Ask the sender to open it again").click()
    maria.page.get_by_text("We have told the sender.").wait_for()
    assert clinic.command("box", "extend", shared, "--for", "7 days", ok=1) == ""
    before = len(world.for_(JON))
    clinic.command("box", "reopen", shared, "--for", "7 days")
    world.wait(JON, before + 1)
    maria.page.reload()
    assert maria.page.get_by_role("button", name="Send reply").count() == 1

    # One guest is removed, at once; then everything is taken back, with a reason.
    clinic.command("box", "remove", shared, JON)
    jon.page.reload()
    jon.page.get_by_role("heading", name="You no longer take part in this message").wait_for()
    photograph(jon.page, "removed")
    out = clinic.command("box", "recall", shared, "--reason", "A new plan follows.")
    assert f"{MARIA}: downloaded" in out
    maria.page.reload()
    assert "A new plan follows." in maria.page.content() and "Tuesdays" not in maria.page.content()
    photograph(maria.page, "taken-back")
    assert not clinic.command("box", "reopen", shared, ok=1)

    # Deleted: the content is gone, what happened stays.
    clinic.command("box", "delete", shared, "--yes")
    record = clinic.rows("box", "show", shared)[0]
    assert record["state"] == "deleted" and record["bytes"] > 0
    kinds = [event["kind"] for event in record["events"]]
    for kind in ("box.consented", "box.link_fetched", "box.asked", "box.reopened", "box.removed", "box.recalled"):
        assert kind in kinds
    for person in (maria, jon, hidden, alice):
        person.context.close()

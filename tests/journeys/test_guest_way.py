"""A guest's whole way in a real browser: notice, code, read, download, register, answer, sign in again."""

import os
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from browsing import chromium, photograph, text_of
from mailhosts import Sink, wait_for

from gateway.demo.samples import word_file

pytestmark = pytest.mark.browser

DORA = "dora@post.example"
DOCUMENT = word_file()


@pytest.fixture
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    with chromium() as opened:
        yield opened


def letter_to_dora() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Alice Example <alice@example.com>", f"Dora Fischer <{DORA}>"
    mail["Subject"], mail["Message-ID"] = "Your discharge letter", "<discharge-1@example.com>"
    mail.set_content(
        "Dear Dora,\n\nplease find your discharge letter attached. Bring it to your doctor in the coming week.\n\n"
        "Your next appointment is on Thursday, 26 November, at 9:20.\n\nKind regards,\nAlice Example\n"
    )
    mail.add_attachment(
        DOCUMENT, maintype="application", filename="Discharge letter.docx",
        subtype="vnd.openxmlformats-officedocument.wordprocessingml.document",
    )  # fmt: skip
    return mail


def add_files(page: Any, folder: Path) -> bytes:
    """One file chosen, two dropped; the connection breaks midway, the page is loaded again, and all go on."""
    content = os.urandom(9_000_000)
    scan, field = folder / "scan of the wound.bin", page.locator("input[type=file]")
    scan.write_bytes(content)
    pieces: list[int] = []
    fail = iter((False, True, True, False))  # the first piece arrives, the next two do not

    def piece(route: Any) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        pieces.append(int(route.request.headers["upload-offset"]))
        if next(fail, False):
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/uploads/*", piece)
    field.set_input_files(str(scan))
    page.get_by_text("The connection is gone. It goes on by itself when it is back.").wait_for()
    page.reload()
    line = page.locator("li.coming", has_text="scan of the wound")
    line.get_by_text("Not all of it is here.").wait_for()
    page.get_by_role("button", name="Send reply").click()
    page.get_by_text("Not sent yet: go on with the files below, or remove them.").wait_for()
    photograph(page, "uploads")
    field.set_input_files(str(scan))
    line.get_by_text("It is here, and is sent with what you write.").wait_for()
    rest = {2**16, 2**16 + 4 * 2**20, 2**16 + 8 * 2**20}
    assert pieces[0] == 0 and set(pieces[1:]) == rest, "what had come was not sent again"

    # by drag and drop, several at once; one is removed by keyboard, and the focus stays among the files
    dropped = page.evaluate_handle(
        """() => ["photo of the wound.txt", "taken by mistake.txt"].reduce((data, name) => {
          data.items.add(new File(["This stands for a picture."], name, { type: "text/plain" }));
          return data;
        }, new DataTransfer())"""
    )
    page.dispatch_event(".drop", "drop", {"dataTransfer": dropped})
    page.locator("li.coming[data-state=whole]").nth(2).wait_for()
    page.get_by_role("button", name="Remove taken by mistake.txt").press("Enter")
    assert page.locator(":focus").inner_text().split() == ["Remove", "photo", "of", "the", "wound.txt"]
    assert "removed" in page.locator("[data-told]").inner_text()
    too_large = page.evaluate_handle(
        """() => {
          const file = new File(["x"], "film.mp4");
          Object.defineProperty(file, "size", { value: 1e12 });
          return file;
        }"""
    )
    page.evaluate("file => document.querySelector('.drop').uploads.add([file])", too_large)
    page.get_by_text("“film.mp4” is too large. A file can have up to 250 MB.").wait_for()
    return content


def still(page: Any) -> None:
    """Nothing on the page has moved since it was first painted."""
    moved = page.evaluate(
        """() => new Promise((done) => {
          const seen = [];
          const looks = new PerformanceObserver((list) => seen.push(...list.getEntries()));
          looks.observe({ type: "layout-shift", buffered: true });
          requestAnimationFrame(() => setTimeout(() => done(seen.reduce((sum, one) => sum + one.value, 0)), 50));
        })"""
    )
    assert moved < 0.02, f"the page moved by {moved}"


def test_the_guest_reads_downloads_registers_and_answers(world: Sink, make_gateway, browser, tmp_path: Path) -> None:
    gateway = make_gateway(world.port)
    gateway.start()
    gateway.send(letter_to_dora(), "alice@example.com", DORA)
    [notice] = world.wait(DORA)
    [link] = re.findall(r"http://localhost:\d+/b/\S+", text_of(notice.raw))
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()

    page.goto(link)
    assert page.locator("h1").inner_text() == "Alice Example"
    photograph(page, "landing")
    page.get_by_role("button", name="Send me a code").click()

    code_mail = world.wait(DORA, 2)[1]
    [code] = re.findall(r"^\s*(\d{3} ?\d{3})\s*$", text_of(code_mail.raw), re.MULTILINE)
    page.get_by_label(re.compile("Code of 6 digits")).fill("000000" if code.replace(" ", "") != "000000" else "111111")
    page.get_by_role("button", name="Open the message").click()
    assert "Error" in page.title()
    photograph(page, "code")
    page.get_by_label(re.compile("Code of 6 digits")).fill(code)
    page.get_by_role("button", name="Open the message").click()

    assert page.locator("h1").inner_text() == "Your discharge letter"
    assert "Thursday, 26 November" in page.locator(".letter__body").inner_text()
    still(page)
    photograph(page, "message")
    with page.expect_download() as downloading:
        page.get_by_role("link", name=re.compile("^Download Discharge letter")).click()
    assert Path(downloading.value.path()).read_bytes() == DOCUMENT
    assert downloading.value.suggested_filename == "Discharge letter.docx"

    page.get_by_role("link", name=re.compile("account|Next time|Come back|How that works", re.I)).first.click()
    photograph(page, "register")
    page.get_by_label(re.compile("password", re.I)).first.fill("four words nobody would guess")
    page.get_by_role("button", name=re.compile("Create account")).click()

    page.goto(link)
    scan = add_files(page, tmp_path)
    page.get_by_label("What do you want to write?").fill("Thank you. Is 9:20 at the clinic or at your practice?")
    page.get_by_role("button", name="Send reply").click()
    wait_for(lambda: "Is 9:20" in page.content(), why="the answer stands in the box")
    answers = wait_for(lambda: [mail for mail in world.for_("alice@example.com") if b"Is 9:20" in mail.raw])
    answer = message_from_bytes(answers[0].raw, policy=policy.default)
    assert answer["In-Reply-To"] == "<discharge-1@example.com>"
    assert answer["Subject"].startswith("Re: Your discharge letter")
    sent = {part.get_filename(): part.get_content() for part in answer.iter_attachments()}
    assert sent == {"scan of the wound.bin": scan, "photo of the wound.txt": b"This stands for a picture."}

    page.get_by_role("button", name="Leave").click()
    fresh = browser.new_context().new_page()
    fresh.goto(f"http://localhost:{gateway.portal}/")
    photograph(fresh, "start")
    fresh.get_by_role("link", name=re.compile("Sign in", re.I)).first.click()
    fresh.get_by_label(re.compile("address", re.I)).first.fill(DORA)
    fresh.get_by_label(re.compile("password", re.I)).first.fill("four words nobody would guess")
    photograph(fresh, "signin")
    fresh.get_by_role("button", name=re.compile("Sign in", re.I)).click()
    photograph(fresh, "messages")
    fresh.get_by_role("link", name=re.compile("Your discharge letter")).first.click()
    assert "Thursday, 26 November" in fresh.locator(".letter__body").first.inner_text()
    site = f"http://localhost:{gateway.portal}"
    for path, name in (("/account", "account"), ("/again", "again"), ("/zone", "zone"), ("/b/nothing", "nothing-here")):
        fresh.goto(f"{site}{path}")
        photograph(fresh, name)

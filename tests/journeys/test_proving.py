"""How guests prove who they are, in a browser: by text, passkey, second step, wrong codes, shared; not for them."""

import base64
import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from browsing import chromium, codes, link_for, photograph, text_of
from mailhosts import Sink, wait_for
from started import Gateway

from keys import totp

pytestmark = pytest.mark.browser

KARL = "karl@post.example"
PASSWORD = "four words nobody would guess"


class Provider:
    """Whoever sends texts: keeps them, or fails."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.texts: list[dict[str, str]] = []
        self.fails = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                if not provider.fails:
                    provider.texts.append({name: values[0] for name, values in parse_qs(body).items()})
                self.send_response(503 if provider.fails else 201)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Sink, Provider]]:
    """One started gateway whose profiles have every way, everyone's mailbox, and whoever sends texts."""
    ports = [_free() for _ in range(4)]
    more = f"""
phones:
  sms: {{url: "http://127.0.0.1:{ports[0]}/", form: {{to: "{{number}}", text: "{{text}}"}}}}
profiles:
  standard: {{signin: {{remember_device: 10 days}}}}
  telephone: {{signin: {{ways: [sms]}}}}
  several: {{signin: {{ways: [code, sms, question]}}}}
  guarded: {{signin: {{ways: [account, passkey], second_factor: required}}}}
profile_groups:
  all: {{senders: [example.com], profiles: [standard, telephone, several, guarded]}}
"""
    folder = tmp_path_factory.mktemp("proving")
    with ExitStack() as stack:
        provider, world = Provider(ports[0]), stack.enter_context(Sink(ports[1]))
        stack.callback(provider.close)
        gateway = Gateway(folder, {"smtp": ports[2], "portal": ports[3], "world": ports[1]}, more=more)
        stack.callback(gateway.close)
        gateway.start()
        yield gateway, world, provider


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def gateway(town: tuple[Gateway, Sink, Provider]) -> Gateway:
    return town[0]


@pytest.fixture
def world(town: tuple[Gateway, Sink, Provider]) -> Sink:
    return town[1]


@pytest.fixture
def provider(town: tuple[Gateway, Sink, Provider]) -> Provider:
    return town[2]


def letter(to: str, profile: str = "standard", **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Alice Example <alice@example.com>", to
    mail["Subject"] = f"[secure {profile}] Your report"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content("Dear guest,\n\nall is well.\n\nAlice\n")
    return mail


def by_code(page: Any, link: str, world: Sink, address: str) -> None:
    """From the envelope to what comes behind the code."""
    page.goto(link)
    before = len(codes(world, address))
    page.get_by_role("button", name="Send me a code").click()
    wait_for(lambda: len(codes(world, address)) > before, why="a code by mail")
    page.get_by_label(re.compile("Code of [0-9]+ digits")).fill(codes(world, address)[-1])
    page.locator("form[action$='/open'] button").click()


def events(gateway: Gateway, kind: str, *addresses: str) -> list[dict[str, Any]]:
    """Audit events of a kind in the boxes of these guests."""
    rows = gateway.rows("box", "list")
    boxes = {box["id"] for box in rows if {guest["address"] for guest in box["guests"]} & set(addresses)}
    lines = gateway.command("audit", "export").splitlines()
    return [event for event in map(json.loads, lines) if event["kind"] == kind and event.get("box_id") in boxes]


def test_a_code_by_text_opens_a_message(browser: Any, gateway: Gateway, world: Sink, provider: Provider) -> None:
    """The sender names the number; where none is known the guest tells one, and the owner confirms it."""
    anna = "anna@post.example"
    gateway.send(
        letter(anna, "several", X_Sealgate_Phone="+41 79 123 45 67", X_Sealgate_Question="Where did we meet?",
               X_Sealgate_Answer="In Davos"),
        "alice@example.com", anna,
    )  # fmt: skip
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    link = link_for(world, anna)
    page.goto(link)
    photograph(page, "ways")
    provider.fails = True
    page.get_by_role("button", name="Text me a code").click()
    page.get_by_role("heading", name="No code was sent").wait_for()
    photograph(page, "not-called")
    provider.fails = False
    page.goto(link)
    page.get_by_role("button", name="Text me a code").click()
    wait_for(lambda: provider.texts, why="a text")
    assert provider.texts[0]["to"] == "+41791234567"
    photograph(page, "code-by-text")
    page.get_by_label(re.compile("Code of 6 digits")).fill(provider.texts[0]["text"][:6])
    page.get_by_role("button", name="Open the message").click()
    page.locator(".letter__body").first.wait_for()

    other = browser.new_context().new_page()
    other.goto(link)
    other.get_by_role("link", name="Answer the sender’s question").click()
    photograph(other, "question")
    other.get_by_label("Your answer").fill("davos, in")
    other.get_by_role("button", name="Open the message").click()
    assert "That is not the answer" in other.content()
    other.get_by_label("Your answer").fill("in DAVOS!")
    other.get_by_role("button", name="Open the message").click()
    other.locator(".letter__body").first.wait_for()
    with other.expect_download() as downloading:
        other.get_by_role("link", name="Save as e-mail file").click()
    kept = Path(downloading.value.path()).read_bytes().lower()
    assert b"all is well" in kept and b"x-sealgate" not in kept and b"davos" not in kept

    gateway.send(letter(KARL, "telephone"), "alice@example.com", KARL)
    link = link_for(world, KARL)
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.goto(link)
    photograph(page, "phone-wanted")
    page.get_by_role("link", name="Tell us your telephone number").click()
    page.get_by_label("Telephone number").fill("+49 151 1234567")
    photograph(page, "phone")
    page.get_by_role("button", name="Tell the sender").click()
    page.get_by_text("has been told").wait_for()
    told = wait_for(lambda: [one for one in world.for_("alice@example.com") if "+491511234567" in text_of(one.raw)])
    [box] = set(re.findall(r"/boxes/(\w+)", text_of(told[0].raw)))  # where the sender confirms it; here an admin does
    page.goto(link)
    assert "has not confirmed" in page.content() and not page.get_by_role("button", name="Text me a code").count()
    gateway.command("box", "phone", box, KARL, "--confirm", "+491511234567")
    page.goto(link)
    page.get_by_role("button", name="Text me a code").click()
    wait_for(lambda: provider.texts[-1]["to"] == "+491511234567", why="a text to Karl")
    page.get_by_label(re.compile("Code of 6 digits")).fill(provider.texts[-1]["text"][:6])
    page.get_by_role("button", name="Open the message").click()
    page.locator(".letter__body").first.wait_for()
    log = gateway.log.read_text()
    assert "491511234567" not in log and "791234567" not in log and provider.texts[0]["text"][:6] not in log
    assert {event["facts"]["way"] for event in events(gateway, "signin.succeeded", anna, KARL)} == {"sms", "question"}


def test_by_passkey(browser: Any, gateway: Gateway, world: Sink) -> None:
    """After the first code a passkey; from then on no code and no password."""
    nora = "nora@post.example"
    gateway.send(letter(nora, "guarded"), "alice@example.com", nora)
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    made = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options = {**made, "isUserVerified": True, "automaticPresenceSimulation": True}
    authenticator = device.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    link = link_for(world, nora)
    by_code(page, link, world, nora)
    page.get_by_role("button", name="Make a passkey").wait_for()
    photograph(page, "register-passkey")
    page.get_by_role("button", name="Make a passkey").click()
    page.locator(".letter__body").first.wait_for()
    page.get_by_role("button", name="Leave").click()

    page.goto(f"{link}/signin")
    page.get_by_role("button", name="Use a passkey").wait_for()
    photograph(page, "signin-passkey")
    page.get_by_role("button", name="Use a passkey").click()
    page.locator(".letter__body").first.wait_for()
    page.goto(link.partition("/b/")[0] + "/account")
    photograph(page, "account-passkey")

    page.get_by_role("button", name="Leave").click()
    device.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    page.goto(f"{link}/signin")
    page.get_by_role("button", name="Use a passkey").click()
    page.get_by_text("Your device did not confirm it").wait_for()
    ways = [
        (event["facts"]["way"], event["facts"].get("strong")) for event in events(gateway, "signin.succeeded", nora)
    ]
    assert ways == [("code", None), ("passkey", True), ("passkey", True)]
    context.close()


def test_by_account_with_a_second_step(browser: Any, gateway: Gateway, world: Sink) -> None:
    olga = "olga@post.example"
    gateway.send(letter(olga, "guarded"), "alice@example.com", olga)
    page = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False).new_page()
    link = link_for(world, olga)
    by_code(page, link, world, olga)
    page.get_by_label("Choose a password").fill(PASSWORD)
    page.get_by_role("button", name="Save password and open the message").click()
    page.get_by_role("heading", name="A second step when you sign in").wait_for()
    photograph(page, "second-wanted")
    page.get_by_role("button", name="Begin").click()
    photograph(page, "second-setup")
    secret = base64.b32decode(page.locator(".key").inner_text().replace(" ", ""))
    page.get_by_label("Code of 6 digits").fill(now_code(secret))
    page.get_by_role("button", name="Turn the second step on").click()
    recovery = page.locator(".codes li").all_inner_texts()
    assert len(set(recovery)) == 10
    photograph(page, "recovery-codes")
    page.goto(link)
    page.locator(".letter__body").first.wait_for()

    fresh = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    fresh.goto(f"{link}/signin")
    fresh.get_by_label("Your e-mail address").fill(olga)
    fresh.get_by_role("textbox", name="Password").fill(PASSWORD)
    fresh.get_by_role("button", name="Sign in", exact=True).click()
    fresh.get_by_role("heading", name="One more step").wait_for()
    photograph(fresh, "second")
    fresh.get_by_label(re.compile("Code of 6 digits")).fill(recovery[3])
    fresh.get_by_role("button", name="Go on").click()
    fresh.locator(".letter__body").first.wait_for()

    [told] = [line for line in gateway.command("user", "show", olga).splitlines() if "recovery" in line]
    assert told.endswith("9")
    gateway.command("user", "second-step-off", olga)
    assert "0 sessions" not in gateway.command("user", "sign-out", olga)
    fresh.reload()
    fresh.get_by_role("heading", name="Sign in", exact=True).wait_for()


def now_code(secret: bytes) -> str:
    return totp.code_at(secret, totp.step_of(datetime.now(UTC)))


def test_wrong_codes_of_somebody_else(browser: Any, gateway: Gateway, world: Sink) -> None:
    """They keep the guest out of nothing: the next code is longer. An admin may forget them."""
    rosa = "rosa@post.example"
    gateway.send(letter(rosa), "alice@example.com", rosa)
    link = link_for(world, rosa)
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    box = gateway.rows("box", "list")[0]["id"]  # the newest
    page.goto(link)
    page.get_by_role("button", name="Send me a code").click()
    wait_for(lambda: codes(world, rosa), why="a code by mail")
    wrong = "000000" if codes(world, rosa)[-1] != "000000" else "111111"
    for _ in range(5):
        page.get_by_label(re.compile("Code of 6 digits")).fill(wrong)
        page.get_by_role("button", name="Open the message").click()
    page.get_by_text("no short code counts for a while").wait_for()
    guest = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    by_code(guest, link, world, rosa)
    guest.locator(".letter__body").first.wait_for()
    assert len(codes(world, rosa)[-1]) == 10
    page.get_by_role("button", name="Send a new code").click()
    page.get_by_label(re.compile("Code of 10 digits")).wait_for()
    photograph(page, "long-code")
    gateway.command("box", "unlock", box, rosa, ok=1)  # not locked for good: but its wrong codes are forgotten
    page.goto(link)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label(re.compile("Code of 6 digits")).wait_for()
    assert len(events(gateway, "code.wrong", rosa)) == 5 and len(events(gateway, "code.locked", rosa)) == 1


def test_the_wrong_recipient(browser: Any, gateway: Gateway, world: Sink) -> None:
    sara = "sara@post.example"
    gateway.send(letter(sara), "alice@example.com", sara)
    link = link_for(world, sara)
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    by_code(page, link, world, sara)
    page.get_by_role("link", name="This was not meant for me").click()
    photograph(page, "not-for-me")
    page.get_by_role("button", name="Yes, close it for my address").click()
    page.get_by_role("heading", name="This message is closed for your address").wait_for()
    told = "the owner is told"
    wait_for(lambda: [one for one in world.for_("alice@example.com") if sara in text_of(one.raw)], why=told)
    page.goto(link)
    assert not page.get_by_role("button", name="Send me a code").count(), "for good: they had proven who they are"
    assert "all is well" not in page.content()


def test_a_shared_mailbox_and_a_remembered_browser(browser: Any, gateway: Gateway, world: Sink) -> None:
    """Two people read one mailbox, each in a browser of their own: the trail tells their sessions apart."""
    vera = "vera@post.example"
    gateway.send(letter(vera), "alice@example.com", vera)
    link = link_for(world, vera)
    contexts = [browser.new_context(viewport={"width": 1280, "height": 900}) for _ in range(2)]
    first, second = (context.new_page() for context in contexts)
    for page in (first, second):
        page.goto(link)
        before = len(codes(world, vera))
        page.get_by_role("button", name="Send me a code").click()
        wait_for(lambda before=before: len(codes(world, vera)) > before, why="a code by mail")
    photograph(first, "code-remember")
    first.get_by_label(re.compile("Code of 6 digits")).fill(codes(world, vera)[1])
    first.get_by_role("button", name="Open the message").click()
    assert "Error" in first.title(), "the other's code"
    for page, code in zip((first, second), codes(world, vera), strict=True):
        page.get_by_label(re.compile("Code of 6 digits")).fill(code)
        page.get_by_label(re.compile("Need no code in this browser")).check()
        page.get_by_role("button", name="Open the message").click()
        page.locator(".letter__body").first.wait_for()
    reads = [event["facts"] for event in events(gateway, "box.read", vera)]
    assert len({facts["session"] for facts in reads}) == 2

    first.get_by_role("button", name="Leave").click()
    photograph(first, "left-remembered")
    first.goto(link)
    photograph(first, "remembered")
    first.get_by_role("button", name="Open the message").click()
    first.locator(".letter__body").first.wait_for()
    # who came in by that alone knows of this browser only; who typed a code forgets all of them
    for page, known in ((first, 1), (second, 2)):
        page.goto(link.partition("/b/")[0] + "/devices")
        assert page.locator("main").inner_text().count("since") == known
    photograph(second, "devices")
    second.get_by_role("button", name="Forget all of them").click()
    second.get_by_text("There are none").wait_for()
    for page in (first, second):
        page.get_by_role("button", name="Leave").click()
        page.goto(link)
        page.get_by_role("button", name="Send me a code").wait_for()

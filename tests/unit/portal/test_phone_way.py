"""The way by telephone: what goes to the provider, what it may cost, what a guest reads when it fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt_reading
import pytest
import structlog.testing
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from delivery.phones import as_number, masked_number
from delivery.safebox.profile import Profile
from portal.phones.sending import HttpPhones, Message, NotSent, couriers
from portal.phones.settings import PhoneSettings, ProviderSettings, read_directory

NUMBER = "+41791234567"
BY_PHONE = Profile.model_validate({"signin": {"ways": ["sms", "voice", "code"]}})
ONLY = Profile.model_validate({"signin": {"ways": ["sms"]}})
DOCS = Path(__file__).parents[3] / "docs" / "phones.md"
PLAIN = {"url": "https://sms.example/send", "form": {"to": "{number}", "text": "{text}"}}


class Provider:
    """Takes what it is given; fails when told."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.fails = False

    async def send(self, message: Message) -> None:
        if self.fails:
            raise NotSent("status 500")
        self.sent.append(message)


@pytest.fixture
def provider() -> Provider:
    return Provider()


@pytest.fixture
async def portal(make_portal, provider) -> Any:
    limits = PhoneSettings.model_validate({"sms": PLAIN, "voice": PLAIN, "prefixes": ["+41", "+49"]})
    return await make_portal(phones={"sms": provider, "voice": provider}, phone_limits=limits)


async def ask(browser, box, way: str) -> int:
    await browser.get(box.path)
    return await browser.post(f"{box.path}/code", {"by": way})


async def test_a_text_opens_it(portal, provider, guest) -> None:
    box = portal.boxes.add(profile=ONLY, phone=NUMBER)
    await guest.get(box.path)
    assert "+41 ••• 67" in guest.text and NUMBER not in guest.text and "e-mail" not in guest.text.split("genuine")[0]
    assert await ask(guest, box, "sms") == 200 and guest.path == f"{box.path}/code" and "+41 ••• 67" in guest.text
    [message] = provider.sent
    assert message.number == NUMBER and message.text.startswith(message.code) and "Example Clinic" in message.text
    assert ", ".join(message.code) in message.spoken and message.code not in repr(message)
    assert await guest.post(f"{box.path}/open", {"code": message.code}) == 200 and guest.path == box.here
    signed = [event["facts"]["way"] for event in portal.events() if event["kind"] == "signin.succeeded"]
    assert signed == ["sms"] and ("called sms", box.invitation.participant_id) in portal.boxes.acts
    assert await guest.get("/account") == 404, "a number is one sender's word"


@pytest.mark.slow
async def test_a_code_by_mail_does_not_open_what_wants_a_telephone(portal, guest) -> None:
    box = portal.boxes.add(profile=ONLY, phone=NUMBER)
    assert await ask(guest, box, "code") == 200 and guest.path == box.path
    assert await ask(guest, box, "") == 200 and guest.path == box.path
    assert await ask(guest, box, "voice") == 200 and guest.path == box.path, "not named by the profile"
    assert await ask(guest, box, "pigeon") == 200 and guest.path == box.path
    assert not portal.boxes.codes


@pytest.mark.slow
async def test_a_telephone_opens_a_box_made_by_fallback(portal, provider, guest) -> None:
    box = portal.boxes.add(profile=BY_PHONE, phone=NUMBER, by_fallback=True)
    await guest.get(box.path)
    assert "Text me a code" in guest.text and "Send me a code" not in guest.text
    await ask(guest, box, "voice")
    assert await guest.post(f"{box.path}/open", {"code": provider.sent[0].code}) == 200 and guest.path == box.here


async def test_a_provider_that_fails_is_a_sentence_and_another_way(portal, provider, guest) -> None:
    box = portal.boxes.add(profile=BY_PHONE, phone=NUMBER)
    provider.fails = True
    assert await ask(guest, box, "sms") == 502
    assert "We could not reach the telephone" in guest.text and "Send me a code by e-mail" in guest.text
    await guest.get(f"{box.path}/code")
    assert guest.path == box.path, "there is no code to type in"
    assert ("not called sms", box.invitation.participant_id) in portal.boxes.acts
    await guest.get(box.path)
    assert await guest.post(f"{box.path}/code", {"by": "code"}) == 200 and portal.boxes.codes


@pytest.mark.slow
async def test_what_one_number_may_cost(portal, provider) -> None:
    box = portal.boxes.add(profile=BY_PHONE, phone=NUMBER)
    browsers = [portal.browser() for _ in range(8)]
    for browser in browsers:
        await browser.get(box.path)
    await asyncio.gather(*(one.post(f"{box.path}/code", {"by": "sms"}) for one in browsers))
    assert len(provider.sent) == 5 and [one.status for one in browsers].count(429) == 3
    other = portal.boxes.add(profile=BY_PHONE, phone=NUMBER, guest_address="karl@post.example")
    assert await ask(portal.browser(), other, "sms") == 429, "the number, whoever's it is"
    portal.clock.go(hours=2)
    for _ in range(8):
        await ask(portal.browser(), box, "voice")
        portal.clock.go(hours=1)
    assert len(provider.sent) == 10


async def test_who_asks_for_all_texts_leaves_some_to_who_reads_the_guests_mail(make_portal, provider) -> None:
    limits = PhoneSettings.model_validate({"sms": PLAIN, "limits": {"number_hour": 2}})
    portal = await make_portal(phones={"sms": provider}, phone_limits=limits)
    box, stranger, guest = portal.boxes.add(profile=ONLY, phone=NUMBER), portal.browser(), portal.browser()
    for _ in range(3):
        await ask(stranger, box, "sms")
    assert stranger.status == 429 and len(provider.sent) == 2
    assert await ask(guest, box, "sms") == 429 and "Show by e-mail that it is you" in guest.text
    assert await ask(guest, box, "mailbox") == 200 and len(portal.boxes.codes[-1]) == 10
    assert await guest.post(f"{box.path}/open", {"code": portal.boxes.codes[-1]}) == 200 and guest.path == box.path
    assert not any("session" in name for name in guest.cookies), "it opens nothing"
    assert await ask(guest, box, "sms") == 200 and len(provider.sent) == 3
    assert await guest.post(f"{box.path}/open", {"code": provider.sent[-1].code}) == 200 and guest.path == box.here
    await guest.post("/leave")
    for _ in range(2):
        await ask(guest, box, "sms")
    assert guest.status == 429 and len(provider.sent) == 4, "as many once more, and no more"


async def test_wrong_codes_make_the_next_text_longer(portal, provider, guest) -> None:
    box, stranger = portal.boxes.add(profile=ONLY, phone=NUMBER), portal.browser()
    await ask(stranger, box, "sms")
    for _ in range(5):
        stranger.keep_token()
        await stranger.post(f"{box.path}/open", {"code": "000000" if provider.sent[0].code != "000000" else "000001"})
    assert await ask(guest, box, "sms") == 200 and len(provider.sent[-1].code) == 10
    assert await guest.post(f"{box.path}/open", {"code": provider.sent[-1].code}) == 200 and guest.path == box.here


async def test_a_code_that_was_on_its_way_when_the_number_changed_opens_nothing(portal, provider, guest) -> None:
    box = portal.boxes.add(profile=ONLY, phone=NUMBER)
    await ask(guest, box, "sms")
    box.change(phone="+41790000000")
    assert await guest.post(f"{box.path}/open", {"code": provider.sent[0].code}) == 422
    assert not any("session" in name for name in guest.cookies)


@pytest.mark.slow
async def test_what_a_day_may_cost(make_portal, provider) -> None:
    limits = PhoneSettings.model_validate({"sms": PLAIN, "limits": {"day": 2}})
    portal = await make_portal(phones={"sms": provider}, phone_limits=limits)
    for number in range(3):
        box = portal.boxes.add(profile=BY_PHONE, phone=f"+4179123450{number:02d}", guest_address=f"g{number}@x.example")
        browser = portal.browser()
        assert await ask(browser, box, "sms") == (200 if number < 2 else 429)
    assert "as many codes to telephones today" in browser.text and len(provider.sent) == 2


async def test_numbers_elsewhere_are_not_called(portal, provider, guest) -> None:
    box = portal.boxes.add(profile=BY_PHONE, phone="+8821234567890")
    assert await ask(guest, box, "sms") == 429 and "country" in guest.text and not provider.sent


async def test_a_guest_tells_a_number_and_nothing_goes_there_yet(portal, provider, guest) -> None:
    box = portal.boxes.add(profile=ONLY)
    await guest.get(box.path)
    assert "Tell us your telephone number" in guest.text
    await guest.get(f"{box.path}/phone")
    for wrong in ("", "079 123 45 67", "+41 79 abc", "+999", "+1 415 555 2671"):
        assert await guest.post(f"{box.path}/phone", {"phone": wrong}) == 422
    assert (
        await guest.post(f"{box.path}/phone", {"phone": "+41 (0)79 123 45 67"}) == 200 and "has been told" in guest.text
    )
    assert (f"told {NUMBER}", box.invitation.participant_id) in portal.boxes.acts
    await guest.get(box.path)
    assert "has not confirmed" in guest.text
    await guest.get(f"{box.path}/phone")
    await guest.post(f"{box.path}/code", {"by": "sms"})
    assert not provider.sent


@pytest.mark.slow
async def test_remembered_for_one_number_is_not_for_another(portal, provider, guest) -> None:
    lasting = Profile.model_validate({"signin": {"ways": ["sms"], "remember_device": "10 days"}})
    box = portal.boxes.add(profile=lasting, phone=NUMBER)
    await ask(guest, box, "sms")
    await guest.post(f"{box.path}/open", {"code": provider.sent[0].code, "remember": "yes"})
    await guest.post("/leave")
    mine = portal.boxes.add(profile=lasting, phone=NUMBER)
    others = portal.boxes.add(profile=lasting, phone="+41790000000")
    await guest.get(others.path)
    assert "needs no code" not in guest.text
    await guest.post(f"{others.path}/enter")
    assert guest.path == others.path
    await guest.get(mine.path)
    assert await guest.post(f"{mine.path}/enter") == 200 and guest.path == mine.here


# --- the provider -----------------------------------------------------------------------------------------------


class Service:
    """A web service on loopback that says what it is told."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], str]] = []
        self.says: tuple[int, str] = (201, "{}")
        self.slow = asyncio.Event()
        self.slow.set()

    async def take(self, request: web.Request) -> web.Response:
        self.asked.append((dict(request.headers), await request.text()))
        await self.slow.wait()
        status, text = self.says
        headers = {"Location": "/elsewhere"} if 300 <= status < 400 else {}
        return web.Response(status=status, text=text, headers=headers)


@pytest.fixture
async def service() -> AsyncIterator[tuple[Service, str]]:
    made = Service()
    app = web.Application()
    app.add_routes([web.post("/{path:.*}", made.take)])
    server = TestServer(app)
    await server.start_server(access_log=None)
    yield made, f"http://127.0.0.1:{server.port}/send"
    made.slow.set()
    await server.close()


def message() -> Message:
    return Message(NUMBER, "048213", "Müller & <Co>", 15)


async def test_what_a_provider_is_given(service, tmp_path: Path) -> None:
    made, url = service
    secret = tmp_path / "token"
    secret.write_text("s3cr3t{text}\n")
    settings = {
        "url": url,
        "user": "AC1",
        "secrets": {"password": secret},
        "form": {"To": "{number}", "Say": "<Say>{spoken}</Say>"},
    }
    await HttpPhones("sms", ProviderSettings.model_validate(settings)).send(message())
    headers, body = made.asked[0]
    assert headers["Authorization"] == "Basic QUMxOnMzY3IzdHt0ZXh0fQ=="
    assert "To=%2B41791234567" in body and "M%C3%BCller+Co" in body and "%3CCo%3E" not in body
    settings = {"url": url, "headers": {"X-Key": "{password}"}, "secrets": {"password": secret},
                "json": {"to": [{"n": "{digits}", "x": 5}], "t": "{code} {minutes} {organisation}"}}  # fmt: skip
    await HttpPhones("sms", ProviderSettings.model_validate(settings)).send(message())
    headers, body = made.asked[1]
    assert json.loads(body) == {"to": [{"n": "41791234567", "x": 5}], "t": "048213 15 Müller & <Co>"}
    assert headers["X-Key"] == "s3cr3t{text}", "what is filled in is not read for braces again"


@pytest.mark.parametrize(
    ("says", "accepted", "taken"),
    [
        ((201, "{}"), {}, True),
        ((500, "{}"), {}, False),
        ((302, "{}"), {}, False),
        ((200, '{"messages": [{"status": "0"}]}'), {"field": "messages.0.status"}, True),
        ((200, '{"messages": [{"status": "4"}]}'), {"field": "messages.0.status"}, False),
        ((200, '{"messages": []}'), {"field": "messages.0.status"}, False),
        ((200, "<html>"), {"field": "messages.0.status"}, False),
        ((200, "[" * 9999), {"field": "0"}, False),
    ],
)
async def test_what_counts_as_taken(service, says, accepted, taken: bool) -> None:
    made, url = service
    made.says = says
    phones = HttpPhones("sms", ProviderSettings.model_validate({**PLAIN, "url": url, "accepted": accepted}))
    with structlog.testing.capture_logs() as logs:
        if taken:
            await phones.send(message())
        else:
            with pytest.raises(NotSent) as refused:
                await phones.send(message())
            assert refused.value.__cause__ is None
            assert NUMBER not in str(logs) + repr(refused.value) and "048213" not in str(logs)
    assert len(made.asked) == 1, "no redirect is followed, nothing is tried twice"


@pytest.mark.slow
async def test_a_slow_or_missing_provider_ends_in_time(service) -> None:
    made, url = service
    made.slow.clear()
    quick = {**PLAIN, "url": url, "timeout": "0.2 seconds"}
    with pytest.raises(NotSent, match="TimeoutError"):
        await HttpPhones("sms", ProviderSettings.model_validate(quick)).send(message())
    with pytest.raises(NotSent):
        nobody = {**PLAIN, "url": "http://127.0.0.1:1/"}
        await HttpPhones("sms", ProviderSettings.model_validate(nobody)).send(message())


@pytest.mark.slow
async def test_a_token_is_made_and_signed_anew(service, tmp_path: Path) -> None:
    made, url = service
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    settings = {**PLAIN, "url": url, "jwt": {"key": pem, "claims": {"application_id": "app-1"}}}
    phones = HttpPhones("voice", ProviderSettings.model_validate(settings), clock=lambda: 1_000_000.0)
    await phones.send(message())
    await phones.send(message())
    tokens = [jwt_reading.claims(headers["Authorization"].removeprefix("Bearer "), key) for headers, _ in made.asked]
    assert tokens[0] | {"jti": ""} == {"application_id": "app-1", "iat": 1_000_000, "exp": 1_000_300, "jti": ""}
    assert tokens[0]["jti"] != tokens[1]["jti"]


@pytest.mark.parametrize(
    ("said", "because"),
    [
        ({"url": "http://sms.example/"}, "https only"),
        ({"url": "https://user:pass@sms.example/"}, "no address"),
        ({"form": {"to": "{number}", "text": "{txt}"}}, "nothing that could be filled in"),
        ({"form": {"to": "{number}"}}, "code is nowhere"),
        ({"form": {"text": "{text}"}}, "number is nowhere"),
        ({"json": {"a": "{number} {code}"}}, "either form or json"),
        ({"user": "me"}, "needs a password"),
        ({"secrets": {"token": "x"}}, "used nowhere"),
    ],
)
def test_what_makes_no_sense_is_refused(said: dict[str, Any], because: str) -> None:
    with pytest.raises(ValidationError, match=because):
        ProviderSettings.model_validate({**PLAIN, **said})


@pytest.mark.slow
def test_the_examples_of_the_docs_are_sound(tmp_path: Path) -> None:
    blocks = [block.partition("```")[0] for block in DOCS.read_text().split("```yaml\n")[1:]]
    examples = [yaml.safe_load(block)["phones"] for block in blocks[1:]]
    assert len(examples) == 2
    for name in ("twilio-token", "vonage-secret"):
        (tmp_path / name).write_text("secret")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "vonage.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for example in examples:
        settings = PhoneSettings.model_validate(example, context={"base": tmp_path}, by_alias=True)
        assert set(couriers(settings)) == {"sms", "voice"}


def test_telephone_numbers_are_read_with_their_country_alone() -> None:
    for text in ("+41 79 123 45 67", "0041791234567", "tel:+41-79-123-45-67", "+41 (0) 79 123 45 67", "＋41791234567"):
        assert as_number(text) == NUMBER
    for text in ("", "079 123 45 67", "+0791234567", "+41 79 12x", "+1" * 40, "+41", "+٤١٧٩١٢٣٤٥٦٧x"):
        assert as_number(text) is None
    assert masked_number(NUMBER) == "+41 ••• 67"


def test_the_directory(tmp_path: Path) -> None:
    path = tmp_path / "phones.csv"
    path.write_text("# ours\nMaria@Post.Example, +41 79 123 45 67\n\n", "utf-8-sig")
    assert read_directory(path) == {"maria@post.example": NUMBER}
    path.write_text("maria@post.example, 079 123 45 67\n")
    with pytest.raises(ValueError, match="line 1"):
        read_directory(path)

"""The second step: set up, asked for, never passed by; codes count once, recovery codes too."""

import asyncio
import base64
import re

import pytest
from soft_authenticator import Authenticator

from delivery.store.who import Who
from keys import totp
from portal.signin.passwords import Passwords

PASSWORD = "four words nobody would guess"
EMAIL = "maria@post.example"


async def account(portal, box, browser) -> None:
    await browser.open_by_code(portal.boxes, box)
    await browser.get("/account")
    await browser.post("/account/password", {"password": PASSWORD})


async def turned_on(portal, box, browser) -> tuple[bytes, list[str]]:
    """An account with a second step; its secret and its recovery codes."""
    await account(portal, box, browser)
    await browser.get("/account/second")
    await browser.post("/account/second/begin")
    assert "<svg" in browser.text
    spelled = re.search(r'num key">([A-Z2-7 ]+)<', browser.text)[1].replace(" ", "")
    secret = base64.b32decode(spelled)
    assert await browser.post("/account/second", {"code": now_code(portal, secret)}) == 200
    codes = re.findall(r'<li class="num">([a-z2-7]{5}-[a-z2-7]{5})</li>', browser.text)
    assert len(codes) == 10 and portal.boxes.acts[-1] == ("account", box.invitation.participant_id), "they hear of it"
    return secret, codes


def now_code(portal, secret: bytes) -> str:
    return totp.code_at(secret, totp.step_of(portal.clock()))


async def password(portal, path: str = "/signin"):
    browser = portal.browser()
    await browser.get(path)
    await browser.post(path, {"email": EMAIL, "password": PASSWORD})
    return browser


async def test_a_code_after_the_password(portal, box, guest) -> None:
    secret, _ = await turned_on(portal, box, guest)
    browser = await password(portal, f"{box.path}/signin")
    assert browser.path == "/signin/second", "nobody is in yet"
    for path in ("/messages", box.here, "/account", "/account/second"):
        await browser.go("GET", path)
        assert browser.status == 303 and browser.response.headers["Location"] == "/signin"
    await browser.get("/signin/second")
    assert await browser.post("/signin/second", {"code": "000000"}) == 422
    assert await browser.post("/signin/second", {"code": now_code(portal, secret)}) == 422, "the code that set it up"
    portal.clock.go(seconds=30)
    spaced = " ".join(now_code(portal, secret))
    assert await browser.post("/signin/second", {"code": spaced}) == 200 and browser.path == box.here


@pytest.mark.slow
async def test_a_code_counts_once(portal, box, guest) -> None:
    secret, _ = await turned_on(portal, box, guest)
    portal.clock.go(seconds=60)
    browsers = [await password(portal) for _ in range(4)]
    code = now_code(portal, secret)
    await asyncio.gather(*(one.post("/signin/second", {"code": code}) for one in browsers))
    assert sorted(one.status for one in browsers) == [200, 422, 422, 422]


async def test_a_recovery_code_counts_once_and_new_ones_end_the_old(portal, box, guest) -> None:
    _, codes = await turned_on(portal, box, guest)
    browser = await password(portal)
    typed = codes[0].upper().replace("-", " ")
    assert await browser.post("/signin/second", {"code": typed}) == 200 and browser.path == "/messages"
    await browser.get("/account/second")
    assert "9 recovery codes are left" in browser.text
    other = await password(portal)
    assert await other.post("/signin/second", {"code": codes[0]}) == 422
    await browser.post("/account/second/codes")
    assert await other.post("/signin/second", {"code": codes[1]}) == 422


@pytest.mark.slow
async def test_guessing_is_limited(portal, box, guest) -> None:
    secret, _ = await turned_on(portal, box, guest)
    portal.clock.go(minutes=1)
    browser = await password(portal)
    seen = [await browser.post("/signin/second", {"code": f"{number:06d}"}) for number in range(6)]
    assert seen == [422] * 5 + [429]
    for _ in range(500):
        if ("account locked", "second") in portal.boxes.acts:
            break
        await asyncio.sleep(0.01)
    assert ("account locked", "second") in portal.boxes.acts, "somebody knows the password: the guest hears of it"
    browser = await password(portal)
    assert await browser.post("/signin/second", {"code": now_code(portal, secret)}) == 429
    portal.clock.go(minutes=11)
    browser = await password(portal)
    assert await browser.post("/signin/second", {"code": now_code(portal, secret)}) == 200


@pytest.mark.slow
async def test_a_code_by_mail_does_not_pass_it_by(portal, box, guest) -> None:
    """Who reads the mailbox, and nothing else, gets into no account with a second step."""
    await turned_on(portal, box, guest)
    thief = portal.browser()
    await thief.open_by_code(portal.boxes, box)
    await thief.get("/account")
    assert "asks for a second step" in thief.text and "data-passkey-card" not in thief.text
    thief.keep_token()
    await thief.go("POST", "/account/passkey/options", data={"csrf": thief.csrf})
    assert thief.status == 404
    await thief.post("/account/password", {"password": "another good one for the thief"})
    assert thief.path == "/signin/second"
    await thief.get("/messages")
    assert thief.path == f"/m/{box.invitation.participant_id}", "still the session of that one code"
    for path in ("/account/second/off", "/account/second/codes", "/account/second/begin"):
        await thief.go("POST", path, data={"csrf": thief.csrf})
        assert thief.status in (303, 404)
    assert (await password(portal)).status == 422
    browser = portal.browser()
    await browser.get("/signin")
    await browser.post("/signin", {"email": EMAIL, "password": "another good one for the thief"})
    assert browser.path == "/signin/second"


@pytest.mark.slow
async def test_the_browser_that_gave_the_password_is_the_one_that_gives_the_code(portal, box, guest) -> None:
    secret, codes = await turned_on(portal, box, guest)
    await password(portal)
    portal.clock.go(seconds=60)
    other = portal.browser()
    await other.get("/")
    assert await other.post("/signin/second", {"code": now_code(portal, secret)}) == 200
    assert other.path == "/signin", "it gave no password"
    late = await password(portal)
    portal.clock.go(minutes=11)
    await late.post("/signin/second", {"code": codes[3]})
    assert late.path == "/signin", "too late"


@pytest.mark.slow
async def test_it_is_not_on_before_its_first_code_and_can_be_turned_off(portal, box, guest) -> None:
    await account(portal, box, guest)
    await guest.get("/account/second")
    await guest.post("/account/second/begin")
    assert await guest.post("/account/second", {"code": "123"}) == 422
    assert (await password(portal)).path == "/messages", "not in force"
    other = portal.browser()
    secret, _ = await turned_on(portal, box, other)
    await other.get("/account/second")
    shown = other.text
    await other.post("/account/second/begin")
    assert '<svg class="qr' not in other.text and shown, "a secret in force is not made anew"
    assert await other.post("/account/second/off") == 200
    assert (await password(portal)).path == "/messages"
    assert secret


@pytest.mark.slow
async def test_a_passkey_needs_no_second_step(portal, box, guest) -> None:
    await turned_on(portal, box, guest)
    mine = Authenticator("https://secure.example.com", "secure.example.com")
    await guest.get("/account")
    guest.keep_token()
    await guest.go("POST", "/account/passkey/options", data={"csrf": guest.csrf})
    assert await guest.post("/account/passkey", {"credential": mine.make(guest.text)}) == 200
    other = portal.browser()
    await other.get("/signin")
    other.keep_token()
    await other.go("POST", "/signin/passkey/options", data={"csrf": other.csrf})
    assert await other.post("/signin/passkey", {"credential": mine.sign(other.text)}) == 200
    assert other.path == "/messages"


@pytest.mark.slow
async def test_nothing_of_it_is_in_the_trail(portal, box, guest) -> None:
    secret, codes = await turned_on(portal, box, guest)
    browser = await password(portal)
    await browser.post("/signin/second", {"code": codes[0]})
    told = str(portal.events())
    assert "'what': 'second factor'" in told
    assert totp.base32_secret(secret) not in told and not any(code in told for code in codes)
    await guest.get("/account/second")
    assert totp.base32_secret(secret)[:4] not in guest.text, "what is in force is not shown again"


@pytest.mark.parametrize("path", ["/account/second", "/account/second/begin", "/account/second/off", "/signin/second"])
async def test_strangers_get_nowhere(portal, path) -> None:
    browser = portal.browser()
    await browser.get("/")
    await browser.post(path, {"code": "123456"})
    assert browser.path == "/signin"


@pytest.mark.slow
async def test_a_password_that_is_no_more_leads_no_further(portal, box, guest) -> None:
    """Who typed the old password waits at the second step while its owner sets another one."""
    _, codes = await turned_on(portal, box, guest)
    thief = await password(portal)
    portal.clock.go(minutes=1)
    await guest.post("/leave")
    await guest.open_by_code(portal.boxes, box)
    await guest.get("/account")
    await guest.post("/account/password", {"password": "another good one of her own"})
    assert guest.path == "/signin/second"
    await thief.post("/signin/second", {"code": codes[0]})
    assert thief.path == "/signin", "the step is gone, and the code was not even looked at"
    await thief.get("/signin/second")
    assert thief.path == "/signin"
    assert await guest.post("/signin/second", {"code": codes[0]}) == 200 and guest.path == box.here


async def test_a_password_that_is_set_anew_while_the_old_one_is_looked_at(portal, box, guest, monkeypatch) -> None:
    await account(portal, box, guest)
    known = await portal.accounts.by_address("default", EMAIL)
    thief = portal.browser()
    await thief.get("/signin")

    async def meanwhile(self, kept, typed):
        monkeypatch.undo()
        await portal.accounts.set_password("default", EMAIL, "another", Who(), portal.clock())
        return True

    portal.clock.go(seconds=1)
    monkeypatch.setattr(Passwords, "matches", meanwhile)
    await thief.post("/signin", {"email": EMAIL, "password": PASSWORD})
    assert known is not None and thief.path == "/signin"
    await thief.get("/messages")
    assert thief.path == "/signin", "the password was right, and is none any more"


@pytest.mark.slow
async def test_nobody_plants_or_sees_the_secret_of_another_session(portal, box, guest) -> None:
    """A thief who knows the password cannot have its owner take a secret that the thief knows, too."""
    await account(portal, box, guest)
    thief = await password(portal)
    await thief.get("/account/second")
    await thief.post("/account/second/begin")
    assert "<svg" in thief.text
    await guest.get("/account/second")
    assert "num key" not in guest.text, "what the thief began"
    await guest.post("/account/second/begin")
    spelled = re.search(r'num key">([A-Z2-7 ]+)<', guest.text)[1]
    await thief.get("/account/second")
    assert "num key" in thief.text and spelled not in thief.text, "what its owner began"
    secret = base64.b32decode(spelled.replace(" ", ""))
    assert await guest.post("/account/second", {"code": now_code(portal, secret)}) == 200
    await thief.get("/messages")
    assert thief.path == "/signin", "turning it on ends what the password alone had opened"
    await guest.get("/messages")
    assert guest.path == "/messages"


@pytest.mark.slow
async def test_a_browser_left_open_takes_nothing_off(portal, box, guest) -> None:
    _, codes = await turned_on(portal, box, guest)
    for _ in range(2):
        portal.clock.go(minutes=10)
        await guest.get("/account/second")
    assert "please sign in again first" in guest.text and "second/off" not in guest.text
    guest.keep_token()
    for path in ("/account/second/off", "/account/second/codes"):
        await guest.go("POST", path, data={"csrf": guest.csrf})
        assert guest.status == 303 and guest.response.headers["Location"] == "/account/second"
    assert (await password(portal)).path == "/signin/second", "it is on"
    await guest.get("/signin")
    await guest.post("/signin", {"email": EMAIL, "password": PASSWORD})
    await guest.post("/signin/second", {"code": codes[0]})
    await guest.get("/account/second")
    assert await guest.post("/account/second/off") == 200
    assert (await password(portal)).path == "/messages"


@pytest.mark.slow
async def test_a_browser_left_open_gives_nobody_a_way_into_the_account(portal, box, guest) -> None:
    """Neither one of the account nor one that a code opened one message in, whose account would show all the others."""
    mine = Authenticator("https://secure.example.com", "secure.example.com")

    async def later(browser) -> None:
        for _ in range(2):
            portal.clock.go(minutes=10)
            await browser.get("/account")
        browser.keep_token()

    async def tries(browser, path: str, **form: str) -> str:
        await browser.go("POST", path, data={"csrf": browser.csrf, **form})
        return f"{browser.status} {browser.response.headers.get('Location')}"

    await guest.open_by_code(portal.boxes, box)
    await later(guest)
    assert "more than 15 minutes ago" in guest.text and 'action="/account/password"' not in guest.text
    assert "data-passkey" not in guest.text
    assert await tries(guest, "/account/password", password=PASSWORD) == "303 /account"
    assert await tries(guest, "/account/passkey/options") == "303 /account"
    assert await portal.accounts.by_address("default", EMAIL) is None

    await guest.post("/leave")
    await account(portal, box, guest)  # with a new code
    await guest.get("/account")
    guest.keep_token()
    await guest.go("POST", "/account/passkey/options", data={"csrf": guest.csrf})
    asked = guest.text
    await later(guest)
    assert "please sign in again first" in guest.text and "data-passkey=" not in guest.text
    assert await tries(guest, "/account/passkey/options") == "303 /account"
    assert await tries(guest, "/account/passkey", credential=mine.make(asked)) == "303 /account"
    assert await tries(guest, "/account/second/begin") == "303 /account/second"
    await guest.get("/account/second")
    assert "please sign in again first" in guest.text and "<svg class" not in guest.text
    again = await password(portal)
    await again.get("/account")
    assert "data-passkey=" in again.text


@pytest.mark.slow
async def test_a_passkey_taken_off_ends_what_it_opened(portal, box, guest) -> None:
    await account(portal, box, guest)
    thief = await password(portal)
    mine = Authenticator("https://secure.example.com", "secure.example.com")
    await thief.get("/account")
    thief.keep_token()
    await thief.go("POST", "/account/passkey/options", data={"csrf": thief.csrf})
    await thief.post("/account/passkey", {"credential": mine.make(thief.text)})
    await guest.get("/account")
    await guest.post("/account/passkey/remove", {"passkey": mine.credential.hex()})
    assert await guest.get("/messages") == 200 and guest.path == "/messages"
    await thief.get("/messages")
    assert thief.path == "/signin"

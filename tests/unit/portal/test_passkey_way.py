"""The way by passkey: made after a code, used without one; and what a stranger's browser cannot do with it."""

import json

import pytest
from soft_authenticator import PRESENT, Authenticator

from delivery.safebox.profile import Profile

ORIGIN = "https://secure.example.com"
PASSWORD = "four words nobody would guess"


def device(**more) -> Authenticator:
    return Authenticator(ORIGIN, "secure.example.com", **more)


async def make(browser, authenticator: Authenticator) -> int:
    """From the account page on."""
    await browser.get("/account")
    browser.keep_token()
    await browser.go("POST", "/account/passkey/options", data={"csrf": browser.csrf})
    assert browser.status == 200, browser.status
    return await browser.post("/account/passkey", {"credential": authenticator.make(browser.text)})


async def use(browser, authenticator: Authenticator, path: str = "/signin", **how) -> int:
    await browser.get(path)
    browser.keep_token()
    await browser.go("POST", "/signin/passkey/options", data={"csrf": browser.csrf})
    goal = "/signin/passkey" if path == "/signin" else path.replace("/signin", "/passkey")
    return await browser.post(goal, {"credential": authenticator.sign(browser.text, **how)})


async def test_a_passkey_after_the_first_code_is_all_that_is_ever_needed(portal, box, guest) -> None:
    mine = device()
    await guest.open_by_code(portal.boxes, box)
    assert await make(guest, mine) == 200 and guest.path == box.here
    account = await portal.accounts.by_address("default", "maria@post.example")
    assert account is not None and account.password == ""
    assert ("account", box.invitation.participant_id) in portal.boxes.acts

    other = portal.browser()
    assert await use(other, mine, f"{box.path}/signin") == 200 and other.path == box.here
    await other.get("/account")
    assert "Remove" in other.text and "last used on" in other.text
    await other.post("/account/passkey/remove", {"passkey": mine.credential.hex()})
    assert await use(portal.browser(), mine) == 422
    for nothing in ("", "nobody has this password, and nobody ever will"):
        third = portal.browser()
        await third.get("/signin")
        assert await third.post("/signin", {"email": "maria@post.example", "password": nothing}) == 422


@pytest.mark.slow
async def test_a_challenge_counts_once_and_in_its_browser(portal, box, guest) -> None:
    mine = device(counts=False)
    await guest.open_by_code(portal.boxes, box)
    await make(guest, mine)
    other, thief = portal.browser(), portal.browser()
    for browser in (other, thief):
        await browser.get("/signin")
        browser.keep_token()
        await browser.go("POST", "/signin/passkey/options", data={"csrf": browser.csrf})
    await other.go("POST", "/signin/passkey/options", data={"csrf": other.csrf})
    answer = mine.sign(other.text)
    assert await thief.post("/signin/passkey", {"credential": answer}) == 422
    assert await other.post("/signin/passkey", {"credential": answer}) == 200
    await other.post("/leave")
    await other.get("/signin")
    assert await other.post("/signin/passkey", {"credential": answer}) == 422, "a second time"


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://secure.example.com.evil.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},  # nobody unlocked it
        {"flags": 0},
    ],
)
async def test_what_is_not_right_is_refused(portal, box, guest, wrong) -> None:
    mine = device()
    await guest.open_by_code(portal.boxes, box)
    await make(guest, mine)
    for name, value in wrong.items():
        setattr(mine, name, value)
    assert await use(portal.browser(), mine) == 422
    fresh = portal.browser()
    await fresh.open_by_code(portal.boxes, box)
    await make(fresh, mine)
    assert "The passkey was not made" in fresh.text


@pytest.mark.slow
async def test_a_copied_passkey_is_noticed_by_its_count(portal, box, guest) -> None:
    mine = device()
    await guest.open_by_code(portal.boxes, box)
    await make(guest, mine)
    assert await use(portal.browser(), mine, count=7) == 200
    assert await use(portal.browser(), mine, count=7) == 422
    assert await use(portal.browser(), mine, count=8) == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    "odd", ["", "[]", "{}", '"x"', "[" * 5000, '{"rawId": 5}', '{"rawId": "A", "id": "A", "response": {}}', "x" * 40000]
)
async def test_odd_answers_break_nothing(portal, box, guest, odd) -> None:
    await guest.get("/signin")
    guest.keep_token()
    await guest.go("POST", "/signin/passkey/options", data={"csrf": guest.csrf})
    assert await guest.post("/signin/passkey", {"credential": odd}) == 422
    await guest.open_by_code(portal.boxes, box)
    await guest.get("/account")
    guest.keep_token()
    await guest.go("POST", "/account/passkey/options", data={"csrf": guest.csrf})
    assert await guest.post("/account/passkey", {"credential": odd}) == 200
    assert "The passkey was not made" in guest.text


@pytest.mark.slow
async def test_twisted_answers_break_nothing(portal, box, guest) -> None:
    """Every field of a right answer, spoiled in turn."""
    await guest.open_by_code(portal.boxes, box)
    await guest.get("/account")
    guest.keep_token()
    await guest.go("POST", "/account/passkey/options", data={"csrf": guest.csrf})
    asked = guest.text
    right = json.loads(device().make(asked))
    for name in ("id", "rawId", "type", "clientDataJSON", "attestationObject"):
        for value in (None, 5, "", "AAAA", "é", ["x"], {"y": 1}):
            said = json.loads(json.dumps(right))
            (said if name in said else said["response"])[name] = value
            await guest.go("POST", "/account/passkey/options", data={"csrf": guest.csrf})
            status = await guest.post("/account/passkey", {"credential": json.dumps(said)})
            assert status == 200 and "was not made" in guest.text, (name, value)


async def test_who_may_add_a_passkey(portal, box, guest) -> None:
    stranger = portal.browser()
    await stranger.get("/")
    stranger.keep_token()
    for path in ("/account/passkey/options", "/account/passkey", "/account/passkey/remove"):
        await stranger.go("POST", path, data={"csrf": stranger.csrf})
        assert stranger.status == 404
        await stranger.go("POST", path, data={"csrf": "x"})
        assert stranger.status == 403
    await stranger.get(f"{box.path}/signin")
    assert "/passkey" in stranger.text


@pytest.mark.slow
async def test_the_question_tells_nobody_who_has_an_account(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    await make(guest, device())
    other = portal.browser()
    await other.get("/signin")
    other.keep_token()
    await other.go("POST", "/signin/passkey/options", data={"csrf": other.csrf})
    assert json.loads(other.text).get("allowCredentials", []) == []


@pytest.mark.slow
async def test_a_new_passkey_ends_what_others_had_open(portal, box, guest) -> None:
    other = portal.browser()
    await other.open_by_code(portal.boxes, box)
    await other.get("/account")
    await other.post("/account/password", {"password": PASSWORD})
    assert await other.get("/messages") == 200 and other.path == "/messages"
    await guest.open_by_code(portal.boxes, box)
    await make(guest, device())
    await other.get("/messages")
    assert other.path == "/signin"
    mine = device()
    assert await make(guest, mine) == 200 and guest.path.startswith("/account"), "one more, by the account itself"
    assert await guest.get("/messages") == 200 and guest.path == "/messages"


async def test_a_step_after_the_password_is_offered_to_those_who_have_one(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    await guest.get("/account")
    await make(guest, device())
    await guest.get("/account")
    assert "You have none, and need none." in guest.text and "/account/second" not in guest.text
    await guest.open_by_code(portal.boxes, box)
    await guest.get("/account")
    assert await guest.post("/account/password", {"password": PASSWORD}) == 200
    assert 'href="/account/second"' in guest.text


@pytest.mark.slow
async def test_after_a_new_password_passkeys_are_shown_and_can_be_removed(portal, box, guest) -> None:
    """Whoever read the mail once may have made one: it goes on opening the account, so its guest has to see it."""
    thief, made = portal.browser(), device()
    await thief.open_by_code(portal.boxes, box)
    await make(thief, made)
    await guest.open_by_code(portal.boxes, box)
    await guest.get("/account")
    assert await guest.post("/account/password", {"password": PASSWORD}) == 200
    assert guest.path == "/account?saved=password" and "a new password does not end them" in guest.text
    assert "data-passkey-card hidden" not in guest.text, "without script, too"
    assert 'href="/messages"' in guest.text, "and on to the message"
    assert await guest.post("/account/passkey/remove", {"passkey": made.credential.hex()}) == 200
    assert "a new password does not end them" not in guest.text
    await thief.get("/messages")
    assert thief.path == "/signin"


async def test_no_passkeys_where_the_portal_has_no_name(make_portal) -> None:
    portal = await make_portal("http://127.0.0.1:8443")
    browser = portal.browser(Host="127.0.0.1:8443")
    await browser.get("/signin")
    assert "passkey" not in browser.text
    browser.keep_token()
    await browser.go("POST", "/signin/passkey/options", data={"csrf": browser.csrf})
    assert browser.status == 404


@pytest.mark.slow
async def test_a_second_factor_may_be_what_the_sender_asks(portal, guest) -> None:
    profile = Profile.model_validate({"signin": {"second_factor": "required", "ways": ["account", "passkey"]}})
    box = portal.boxes.add(profile=profile, needs_account=True)
    await guest.open_by_code(portal.boxes, box)
    assert guest.path == "/account"
    assert await guest.post("/account/password", {"password": PASSWORD}) == 200
    assert guest.path.startswith("/account/second"), "a password alone opens nothing"
    assert await guest.get(f"{box.here}/message.eml") == 200 and guest.path.startswith("/account/second")
    await make(guest, device())
    strong = portal.browser()
    made = device()
    await strong.open_by_code(portal.boxes, box)
    assert await make(strong, made) == 200 and strong.path == box.here and "all is well" in strong.text


@pytest.mark.slow
async def test_events_say_by_which_way(portal, box, guest) -> None:
    mine = device()
    await guest.open_by_code(portal.boxes, box)
    await make(guest, mine)
    events = portal.events()
    made = [event for event in events if event["kind"] == "account.created"]
    assert made[0]["facts"] == {"what": "passkey"}
    signed = [event["facts"] for event in events if event["kind"] == "signin.succeeded"]
    assert [(one["way"], one.get("strong", False)) for one in signed] == [("code", False), ("passkey", True)]
    assert mine.credential.hex() not in str(events)

"""Browsers that need no code for a while: as long as the profile says, for its ways, until they are forgotten."""

import asyncio

import pytest

from delivery.safebox.profile import Profile
from portal.web.render import browser

TEN = Profile.model_validate({"signin": {"remember_device": "10 days"}})
DEVICE = "__Host-sealgate-device"


@pytest.fixture
def remembering(portal):
    return portal.boxes.add(profile=TEN)


async def remember(portal, box, browser) -> None:
    await browser.get(box.path)
    await browser.post(f"{box.path}/code")
    assert "Need no code in this browser for 10 days" in browser.text
    await browser.post(f"{box.path}/open", {"code": portal.boxes.codes[-1], "remember": "yes"})
    assert browser.path == box.here and DEVICE in browser.cookies


@pytest.mark.slow
async def test_later_messages_open_by_a_button_alone(portal, remembering, guest) -> None:
    await remember(portal, remembering, guest)
    await guest.post("/leave")
    later = portal.boxes.add(profile=TEN)
    portal.clock.go(days=9)
    await guest.get(later.path)
    assert guest.path == later.path and "needs no code" in guest.text, "looking changes nothing"
    assert await guest.post(f"{later.path}/enter") == 200 and guest.path == later.here
    assert portal.events()[-1]["facts"].get("remembered") is True
    await guest.get(remembering.here)
    assert guest.status == 404, "a session is for one box"


@pytest.mark.slow
async def test_it_ends_with_its_time_and_holds_for_no_other_address_or_browser(portal, remembering, guest) -> None:
    await remember(portal, remembering, guest)
    await guest.post("/leave")
    other = portal.boxes.add(profile=TEN, guest_address="karl@post.example")
    plain = portal.boxes.add()
    for box in (other, plain):
        await guest.get(box.path)
        assert "needs no code" not in guest.text
        await guest.post(f"{box.path}/enter")
        assert guest.path == box.path
    stranger = portal.browser()
    await stranger.get(remembering.path)
    await stranger.post(f"{remembering.path}/enter")
    assert stranger.path == remembering.path
    portal.clock.go(days=10)
    await guest.get(remembering.path)
    await guest.post(f"{remembering.path}/enter")
    assert guest.path == remembering.path


@pytest.mark.slow
async def test_it_is_forgotten_by_hand_by_a_new_password_and_when_locked(portal, remembering, guest) -> None:
    await remember(portal, remembering, guest)
    await guest.get("/devices")
    assert "since" in guest.text
    await guest.post("/devices")
    assert "There are none" in guest.text
    await guest.post("/leave")
    await guest.get(remembering.path)
    await guest.post(f"{remembering.path}/enter")
    assert guest.path == remembering.path

    await remember(portal, remembering, guest)
    remembering.change(locked=True)
    await guest.post("/leave")
    await guest.get("/")
    await guest.post(f"{remembering.path}/enter")
    assert guest.path == remembering.path
    remembering.change(locked=False)
    thief = portal.browser()
    await thief.open_by_code(portal.boxes, remembering)
    await thief.get("/account")
    await thief.post("/account/password", {"password": "four words nobody would guess"})
    await guest.get(remembering.path)
    assert "needs no code" not in guest.text


async def test_leaving_says_what_is_left(portal, remembering, guest) -> None:
    await remember(portal, remembering, guest)
    await guest.post("/leave")
    assert "needs no code" in guest.text
    assert await guest.post("/devices/this") == 200 and DEVICE not in guest.cookies
    await guest.get(remembering.path)
    assert "needs no code" not in guest.text


@pytest.mark.slow
async def test_a_remembered_browser_makes_no_account(portal, remembering, guest) -> None:
    """Nothing was typed in it today: it reads, and changes nothing that lasts."""
    await remember(portal, remembering, guest)
    await guest.post("/leave")
    await guest.get(remembering.path)
    await guest.post(f"{remembering.path}/enter")
    assert await guest.get("/account") == 404
    await guest.get(remembering.here)
    assert await guest.post("/account/password", {"password": "four words nobody would guess"}) == 404


@pytest.mark.slow
async def test_who_proved_no_address_in_this_session_knows_of_this_browser_alone(portal, remembering, guest) -> None:
    await remember(portal, remembering, guest)
    other = portal.browser(**{"User-Agent": "Mozilla/5.0 (iPad) Safari/604.1"})
    await remember(portal, remembering, other)
    await other.get("/devices")
    assert other.text.count("since") == 2
    await guest.post("/leave")
    await guest.get(remembering.path)
    await guest.post(f"{remembering.path}/enter")
    await guest.get("/devices")
    assert guest.text.count("since") == 1 and "iPad" not in guest.text
    await guest.post("/devices")
    assert DEVICE not in guest.cookies and "There are none" in guest.text
    await other.get("/devices")
    assert other.text.count("since") == 1, "the other one was not theirs to forget"


async def test_a_token_seen_by_somebody_else_stops_counting(portal, remembering, guest) -> None:
    await remember(portal, remembering, guest)
    seen = guest.cookies[DEVICE]
    await guest.post("/leave")
    karl = portal.boxes.add(profile=TEN, guest_address="karl@post.example")
    await remember(portal, karl, guest)
    assert guest.cookies[DEVICE] != seen
    await guest.post("/leave")
    await guest.get(remembering.path)
    assert "needs no code" in guest.text, "both addresses go with the new token"
    thief = portal.browser()
    thief.cookies[DEVICE] = seen
    await thief.get(remembering.path)
    assert "needs no code" not in thief.text


@pytest.mark.slow
async def test_it_opens_no_box_made_by_fallback(portal, remembering, guest) -> None:
    await remember(portal, remembering, guest)
    await guest.post("/leave")
    fallback = portal.boxes.add(profile=TEN, by_fallback=True)
    await guest.get("/")
    await guest.post(f"{fallback.path}/enter")
    assert guest.path == fallback.path


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36 Edg/126.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Version/17.5 Safari/605.1.15", "Safari on a Mac"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0", "Firefox on Android"),
        ("curl/8", ""),
        ("", ""),
    ],
)
def test_what_people_call_their_browser(agent: str, name: str) -> None:
    assert browser(agent) == name


@pytest.mark.slow
async def test_a_browser_whose_name_is_no_text(portal, remembering, guest) -> None:
    """Bytes that no database takes as text are no reason to fail, nor to count a code that was right."""
    await guest.get(remembering.path)
    await guest.post(f"{remembering.path}/code")
    body = f"csrf={guest.csrf}&code={portal.boxes.codes[-1]}&remember=yes".encode()
    cookies = "; ".join(f"{name}={value}" for name, value in guest.cookies.items())
    head = (
        f"POST {remembering.path}/open HTTP/1.1\r\nHost: {guest.headers['Host']}\r\nCookie: {cookies}\r\n"
        f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    )
    reader, writer = await asyncio.open_connection(guest.client.server.host, guest.client.server.port)
    writer.write(head.encode() + b"User-Agent: \xff\xed\xa0\x80 Firefox/1\r\n\r\n" + body)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert b" 303 " in answer.splitlines()[0] and DEVICE.encode() in answer
    assert portal.events()

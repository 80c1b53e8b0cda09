"""How senders get to their own boxes, and who does not."""

import asyncio
import re
from dataclasses import replace

import pytest

from delivery.store.accounts import Accounts
from delivery.store.who import Who
from portal.owner import signin

OWNER, GUEST = "weber@example.com", "maria@post.example"
LONG_CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}")
CODE = re.compile(r"^ {4}(\d{6}|[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4})$", re.MULTILINE)


async def test_a_code_to_their_own_address_opens_the_list(office) -> None:
    box = await office.send(GUEST, subject="Results of Tuesday")
    browser = await office.signed_in()
    assert (browser.status, browser.path) == (200, "/boxes")
    assert "Results of Tuesday" in browser.text and f"/boxes/{box}" in browser.text and OWNER[:5] in browser.text
    kinds = [(event["kind"], event["facts"].get("as")) for event in office.events()]
    assert ("code.sent", "owner") in kinds and ("signin.succeeded", "owner") in kinds
    await browser.post("/boxes/leave")
    assert browser.path == "/boxes/left"
    await browser.get("/boxes")
    assert browser.path == "/boxes/signin"


async def test_an_address_that_is_looked_up_as_anothers_gets_no_code(office) -> None:
    """The sign of Kelvin is a small k in lower case: a code to that mailbox would open the boxes of another."""
    browser = office.browser()
    await browser.get("/boxes/signin")
    await browser.post("/boxes/signin", {"email": "\u212aim@example.com"})
    assert browser.status == 422 and not office.mails("\u212aim@example.com")


async def test_whose_address_is_none_of_ours_any_more_is_signed_out(office, monkeypatch) -> None:
    """A domain that was given up is somebody else's: a session that was made before opens nothing."""
    box = await office.send(GUEST)
    browser = await office.signed_in()
    monkeypatch.setattr(type(office.boxes), "is_sender", lambda _boxes, _address: False)
    for path in ("/boxes", f"/boxes/{box}"):
        await browser.get(path)
        assert browser.path.startswith("/boxes/signin"), path
    await browser.post(f"/boxes/{box}/close")
    monkeypatch.undo()
    assert "box.closed" not in [event["kind"] for event in office.events()]


async def test_what_a_senders_browser_fetches_ahead_counts_as_nothing(office) -> None:
    box = await office.send(GUEST)
    browser = await office.signed_in()
    await browser.go("GET", f"/boxes/{box}", headers={"Sec-Purpose": "prefetch"})
    assert browser.status == 503 and "SECRETTEXT" not in browser.text


async def test_strangers_get_the_same_pages_and_no_mail(office) -> None:
    pages = []
    for address in (OWNER, "nobody@else.example"):
        browser = office.browser()
        await browser.get("/boxes/signin")
        await browser.post("/boxes/signin", {"email": address})
        assert (browser.status, browser.path) == (200, "/boxes/signin/code")
        asked = browser.text.replace(browser.csrf, "")
        await browser.post("/boxes/signin/code", {"code": "000000"})
        assert browser.status == 422
        pages.append((asked + browser.text.replace(browser.csrf, "")).replace(address.replace("@", "@<wbr>"), "X"))
        pages[-1] = pages[-1].replace(address, "X")
    assert pages[0] == pages[1]
    assert office.mails("nobody@else.example") == []


async def test_a_code_counts_once_and_only_where_it_was_asked_for(office) -> None:
    browser, other = office.browser(), office.browser()
    for one in (browser, other):
        await one.get("/boxes/signin")
    await browser.post("/boxes/signin", {"email": OWNER})
    code = await office.code_for(OWNER)
    await other.post("/boxes/signin/code", {"code": code})
    assert other.path == "/boxes/signin"  # this browser asked for none
    twin = office.browser()
    twin.cookies = dict(browser.cookies)
    await twin.get("/boxes/signin/code")
    await browser.post("/boxes/signin/code", {"code": code})
    assert browser.path == "/boxes"
    await twin.post("/boxes/signin/code", {"code": code})
    assert twin.path != "/boxes"


async def wrong_codes(office, browser, address: str = OWNER, *, codes: int = 1) -> None:
    """Ask for a code and type five that are not it, so many times."""
    await browser.get("/boxes/signin")
    for _ in range(codes):
        await browser.post("/boxes/signin", {"email": address})
        for _try in range(5):
            browser.keep_token()
            await browser.post("/boxes/signin/code", {"code": "000000"})
        browser.keep_token()
        office.clock.go(hours=2)  # the short locks pass


async def newest_code(office, browser, address: str = OWNER) -> str:
    """Ask for a code; the one that was mailed then."""
    before = len(office.mails(address))
    await browser.get("/boxes/signin")
    await browser.post("/boxes/signin", {"email": address})
    assert browser.path == "/boxes/signin/code", browser.status
    for _ in range(200):
        if len(office.mails(address)) > before:
            break
        await asyncio.sleep(0.01)
    return CODE.findall(office.mails(address)[-1])[-1].strip()


async def test_five_wrong_codes_take_no_short_code_for_a_while_and_the_next_is_long(office) -> None:
    browser = office.browser()
    code = await newest_code(office, browser)
    wrong = "111111" if code != "111111" else "222222"
    for _ in range(5):
        browser.keep_token()
        await browser.post("/boxes/signin/code", {"code": wrong})
    assert browser.status == 422 and "no short code counts" in browser.text
    await browser.post("/boxes/signin/code", {"code": code})
    assert browser.path != "/boxes"
    long = await newest_code(office, browser)
    assert LONG_CODE.fullmatch(long) and "Code of 12 letters and digits" in browser.text
    await browser.post("/boxes/signin/code", {"code": long.lower().replace("-", " ")})
    assert browser.path == "/boxes"


@pytest.mark.slow  # twenty codes
async def test_wrong_codes_of_strangers_lock_no_sender_out(office) -> None:
    pages = []
    for address in ("nobody@else.example", OWNER):
        stranger = office.browser()
        await wrong_codes(office, stranger, address, codes=4)
        assert stranger.status == 422 and "no short code counts" in stranger.text
        await stranger.get("/boxes/signin")
        await stranger.post("/boxes/signin", {"email": address})
        asked = stranger.text.replace(stranger.csrf, "")
        pages.append(asked.replace(address.replace("@", "@<wbr>"), "X").replace(address, "X"))
        office.clock.go(days=-1, hours=16)
    assert pages[0] == pages[1]  # the page tells nobody whose address it is
    browser = office.browser()  # that was never here
    await browser.post("/boxes/signin/code", {"code": await newest_code(office, browser)})
    assert browser.path == "/boxes"


async def test_wrong_long_codes_count_against_that_code_alone(office) -> None:
    stranger, browser = office.browser(), office.browser()
    await wrong_codes(office, stranger)
    office.clock.go(hours=-2)
    code = await newest_code(office, browser)
    await newest_code(office, stranger)
    for left in (4, 3, 2, 1, 0):
        stranger.keep_token()
        await stranger.post("/boxes/signin/code", {"code": "0000-0000-0000"})
        said = f"You have {left} more tr" if left else "not valid any more"
        assert stranger.status == 422 and said in stranger.text
    await browser.post("/boxes/signin/code", {"code": code})
    assert browser.path == "/boxes"


@pytest.mark.slow  # twenty codes, and another twenty
async def test_a_browser_that_was_let_in_before_has_limits_of_its_own(office) -> None:
    browser = await office.signed_in()
    await browser.post("/boxes/leave")
    known = browser.cookies["__Host-sealgate-known"]
    strangers = [office.browser() for _ in range(3)]
    for number, stranger in enumerate(strangers):  # from as many networks, all codes that may be asked for
        stranger.headers["X-Forwarded-For"] = f"192.0.2.{number}"
        await wrong_codes(office, stranger)
        office.clock.go(hours=-2)
        for _ in range(9):
            await stranger.get("/boxes/signin")
            await stranger.post("/boxes/signin", {"email": OWNER})
    assert stranger.status == 429
    unknown = office.browser()
    await unknown.get("/boxes/signin")
    await unknown.post("/boxes/signin", {"email": OWNER})
    assert unknown.status == 429
    assert re.fullmatch(r"\d{6}", await newest_code(office, browser))  # short as ever
    other = office.browser()
    other.cookies["__Host-sealgate-known"] = known[:-1] + ("a" if known[-1] != "a" else "b")
    await other.get("/boxes/signin")
    await other.post("/boxes/signin", {"email": OWNER})
    assert other.status == 429  # nobody makes such a cookie


async def test_who_goes_from_sender_to_sender_makes_all_codes_long(office, monkeypatch) -> None:
    monkeypatch.setattr(signin, "RULES", replace(signin.RULES, all_a_day=8))
    known = await office.signed_in()
    for number in range(2):
        await wrong_codes(office, office.browser(), f"sender{number}@example.com")
    office.clock.go(hours=-3)
    assert LONG_CODE.fullmatch(await newest_code(office, office.browser(), "another@example.com"))
    await known.post("/boxes/leave")
    assert not LONG_CODE.fullmatch(await newest_code(office, known))
    office.clock.go(days=1, hours=1)
    assert not LONG_CODE.fullmatch(await newest_code(office, office.browser(), "another@example.com"))


async def test_an_admin_lifts_what_wrong_codes_and_passwords_have_locked(office) -> None:
    accounts, who = Accounts(office.db, office.vault), Who(agent="sealgate user, by root")
    assert not await accounts.unlock_signin("default", OWNER, who, office.clock())  # nothing to lift
    browser = office.browser()
    await wrong_codes(office, browser)
    office.clock.go(hours=-2)
    assert await accounts.unlock_signin("default", OWNER.upper(), who, office.clock())
    assert not LONG_CODE.fullmatch(await newest_code(office, browser))
    assert [one["persons"]["address"] for one in office.events() if one["kind"] == "signin.unlocked"] == [OWNER.upper()]


async def test_guests_and_senders_have_sessions_apart(office) -> None:
    await office.send(GUEST)
    sender = await office.signed_in()
    token = sender.cookies["__Host-sealgate-owner"]
    guest = office.browser()
    guest.cookies["__Host-sealgate-session"] = token  # a sender's token in a guest's place, and the other way round
    await guest.get("/messages")
    assert guest.path == "/signin"
    link = next(line.strip() for line in office.mails(GUEST)[0].splitlines() if "/b/" in line).partition(".com")[2]
    reader = office.browser()
    await reader.get(link)
    await reader.post(f"{link}/code")
    await reader.post(f"{link}/open", {"code": await office.code_for(GUEST)})
    assert reader.path.startswith("/m/")
    for name in ("session", "owner"):
        thief = office.browser()
        thief.cookies[f"__Host-sealgate-{name}"] = reader.cookies["__Host-sealgate-session"]
        await thief.get("/boxes")
        assert thief.path == "/boxes/signin"


async def test_forms_without_their_token_do_nothing(office) -> None:
    browser = office.browser()
    await browser.get("/boxes/signin")
    await browser.go("POST", "/boxes/signin", data={"email": OWNER})
    assert browser.status == 403 and office.mails(OWNER) == []
    await browser.get("/boxes/signin")
    await browser.post("/boxes/signin", {"email": "no address"})
    assert browser.status == 422 and "Please type the e-mail address" in browser.text


async def test_a_sign_in_that_has_ended_is_told_and_nothing_is_done(office) -> None:
    box = await office.send(GUEST)
    browser = await office.signed_in(box=box)
    office.clock.go(minutes=31)
    await browser.go("POST", f"/boxes/{box}/close", data={"csrf": browser.csrf})
    assert browser.status == 403 and "Your sign-in has ended" in browser.text
    assert f'href="/boxes/signin?box={box}"' in browser.text
    assert (await office.boxes.list("default"))[0].state == "open"
    await browser.go("POST", "/boxes/leave", data={"csrf": "x"})
    assert browser.status == 403 and "Your sign-in has ended" in browser.text


async def test_troubles_speak_to_senders(office) -> None:
    box = await office.send(GUEST)
    browser = await office.signed_in(box=box)
    token = browser.csrf
    for path in ("/boxes/nosuch", f"/boxes/{box}/nosuch", f"/boxes/{box}/documents/x"):
        await browser.get(path)
        assert browser.status == 404 and "that you sent" in browser.text and "To your SafeBoxes" in browser.text
    await browser.go("POST", f"/boxes/{box}/close", data={"csrf": "wrong"})
    assert browser.status == 403 and "from your list" in browser.text
    await browser.go("POST", f"/boxes/{box}/recall", data={"csrf": token, "reason": "x" * 70_000})
    assert browser.status == 413 and "To your SafeBoxes" in browser.text
    await browser.go("PUT", f"/boxes/{box}", data={})
    assert browser.status == 405 and "To your SafeBoxes" in browser.text
    guest = office.browser()
    await guest.get("/nosuch")
    assert guest.status == 404 and "If it came in an e-mail" in guest.text and 'href="/"' in guest.text

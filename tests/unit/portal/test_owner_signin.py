"""How senders get to their own boxes, and who does not."""

import pytest

from delivery.store.accounts import Accounts
from delivery.store.who import Who

OWNER, GUEST = "weber@example.com", "maria@post.example"


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


async def test_five_wrong_codes_lock_for_a_while(office) -> None:
    browser = office.browser()
    await browser.get("/boxes/signin")
    await browser.post("/boxes/signin", {"email": OWNER})
    code = await office.code_for(OWNER)
    wrong = "111111" if code != "111111" else "222222"
    for _ in range(5):
        browser.keep_token()
        await browser.post("/boxes/signin/code", {"code": wrong})
    assert browser.status == 429
    await browser.get("/boxes/signin/code")
    await browser.get("/boxes/signin")
    await browser.post("/boxes/signin/code", {"code": code})
    assert browser.path != "/boxes"


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


@pytest.mark.slow  # twenty codes
async def test_twenty_wrong_codes_end_the_day_and_an_admin_can_lift_it(office) -> None:
    accounts, who = Accounts(office.db, office.vault), Who(agent="sealgate user, by root")
    assert not await accounts.unlock_signin("default", OWNER, who, office.clock())  # nothing to lift
    pages = []
    for address in ("nobody@else.example", OWNER):
        browser = office.browser()
        await browser.get("/boxes/signin")
        for _ in range(4):
            await browser.post("/boxes/signin", {"email": address})
            for _try in range(5):
                browser.keep_token()
                await browser.post("/boxes/signin/code", {"code": "000000"})
            browser.keep_token()
            office.clock.go(hours=2)  # the short locks pass
        assert browser.status == 429 and browser.response.headers["Retry-After"] == str(18 * 3600)
        assert f"sealgate user unlock {address}" in browser.text
        shown = browser.text.replace(browser.csrf, "")
        pages.append(shown.replace(address.replace("@", "@<wbr>"), "X").replace(address, "X"))
        await browser.get("/boxes/signin")
        await browser.post("/boxes/signin", {"email": address})
        assert browser.status == 429 and "No more codes today" in browser.text
        office.clock.go(days=-1, hours=16)
    assert pages[0] == pages[1]  # the page tells nobody whose address it is
    assert await accounts.unlock_signin("default", OWNER.upper(), who, office.clock())
    browser = await office.signed_in()
    assert browser.path == "/boxes"
    assert [one["persons"]["address"] for one in office.events() if one["kind"] == "signin.unlocked"] == [OWNER.upper()]


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

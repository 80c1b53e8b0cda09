"""The way by code, from the envelope to the letter, and every wrong turn."""

import asyncio
import re

import pytest

from delivery.store.audit import export
from delivery.store.boxes import BoxState, GuestState


def wrong(code: str) -> str:
    """A code that is not this one."""
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


async def asked(guest, box) -> str:
    """The envelope opened and a code asked for: the path where it is typed in."""
    await guest.get(box.path)
    assert await guest.post(f"{box.path}/code") == 200
    return f"{box.path}/open"


async def test_the_envelope_tells_what_the_notice_told_and_changes_nothing(portal, box, guest) -> None:
    assert await guest.get(box.path) == 200
    for told in ("Dr. Katharina Weber", "weber@<wbr>example.com", "Example Clinic", "m•••••@post.example", "7KQ4-XN2M"):
        assert told in guest.text
    for untold in ("Discharge report", "maria@", "Oberhofer", "all is well"):
        assert untold not in guest.text
    assert portal.boxes.acts == []


async def test_a_code_opens_the_letter_once(portal, box, guest) -> None:
    path = await asked(guest, box)
    assert "m•••••@post.example" in guest.text
    assert "10:14 UTC" in guest.text and "10:29 UTC" in guest.text
    token, code = guest.csrf, portal.boxes.codes[0]
    assert await guest.post(path, {"code": f" {code[:3]} {code[3:]}-"}) == 200
    assert "<h1" in guest.text and "all is well" in guest.text
    assert ("read", box.invitation.participant_id) in portal.boxes.acts

    session = {name: value for name, value in guest.cookies.items() if "session" in name}
    for name in session:
        del guest.cookies[name]
    assert await guest.post(path, {"code": code, "csrf": token}) == 422
    assert "not valid any more" in guest.text


async def test_a_code_works_only_in_the_browser_that_asked(portal, box, guest) -> None:
    path = await asked(guest, box)
    other = portal.browser()
    await other.get(box.path)
    assert await other.post(path, {"code": portal.boxes.codes[0]}) == 422
    assert not any("session" in name for name in other.cookies)
    assert await guest.post(path, {"code": portal.boxes.codes[0]}) == 200


async def test_a_code_of_one_box_does_not_open_another(portal, box, guest) -> None:
    other = portal.boxes.add()
    await asked(guest, box)
    await asked(guest, other)
    mine, _ = portal.boxes.codes
    assert await guest.post(f"{other.path}/open", {"code": mine}) == 422


async def test_asking_for_a_code_keeps_the_browser_known(portal, box, guest) -> None:
    await guest.get(box.path)
    [(name, token)] = guest.cookies.items()
    await guest.go("POST", f"{box.path}/code", data={"csrf": guest.csrf})
    kept = guest.response.cookies[name]
    assert kept.value == token and int(kept["max-age"]) > 15 * 60


async def test_a_code_lapses(portal, box, guest) -> None:
    path = await asked(guest, box)
    portal.clock.go(minutes=15)
    assert await guest.post(path, {"code": portal.boxes.codes[0]}) == 422
    assert "ask for a new one" in guest.text


async def test_a_new_code_ends_the_earlier_one(portal, box, guest) -> None:
    path = await asked(guest, box)
    await guest.post(f"{box.path}/code")
    first, second = portal.boxes.codes
    if first != second:
        assert await guest.post(path, {"code": first}) == 422
    assert await guest.post(path, {"code": second}) == 200


async def test_two_posts_of_one_code_let_one_in(portal, box, guest) -> None:
    path = await asked(guest, box)
    sent = {"csrf": guest.csrf, "code": portal.boxes.codes[0]}
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in guest.cookies.items())}
    one, two = portal.browser(**cookie), portal.browser(**cookie)
    answers = await asyncio.gather(one.go("POST", path, data=sent), two.go("POST", path, data=sent))
    assert sorted(answer.status for answer in answers) == [303, 422]
    late = one if one.status == 422 else two
    assert "Go on to the message" in late.text, "who presses twice is told that it is open"


async def five_wrong_codes(portal, browser, box) -> None:
    """A short code asked for, and five that it is not."""
    path = await asked(browser, box)
    code = portal.boxes.codes[-1]
    for left in (4, 3, 2, 1):
        assert await browser.post(path, {"code": wrong(code)}) == 422
        assert f"You have {left} more tr" in browser.text and "<title>Error:" in browser.text
    assert await browser.post(path, {"code": wrong(code)}) == 422 and "no short code counts" in browser.text
    browser.keep_token()
    assert await browser.post(path, {"code": code}) == 422, "the right one neither"
    assert not any("session" in name for name in browser.cookies)


async def test_five_wrong_codes_make_codes_long_for_ten_minutes_then_twice_as_long(portal, box, guest) -> None:
    for minutes in (10, 20):
        await five_wrong_codes(portal, guest, box)
        for wait in (0, minutes - 1):
            portal.clock.go(minutes=wait)
            assert "Code of 10 digits" in (await asked(guest, box), guest.text)[1]
            assert len(portal.boxes.codes[-1]) == 10 and "nobody can guess" in guest.text
        portal.clock.go(minutes=1, seconds=1)
        await asked(guest, box)
        assert len(portal.boxes.codes[-1]) == 6
    assert ("locked", box.invitation.participant_id) not in portal.boxes.acts


async def test_who_types_wrong_codes_keeps_nobody_else_out(portal, box, guest) -> None:
    await five_wrong_codes(portal, portal.browser(), box)
    path = await asked(guest, box)
    assert await guest.post(path, {"code": portal.boxes.codes[-1][:6]}) == 422
    assert "A code has 10 digits" in guest.text, "no try is lost by it"
    assert await guest.post(path, {"code": portal.boxes.codes[-1]}) == 200 and guest.path == box.here


async def test_wrong_long_codes_count_against_that_code_alone(portal, box, guest) -> None:
    stranger = portal.browser()
    await five_wrong_codes(portal, stranger, box)
    path = await asked(guest, box)
    mine = portal.boxes.codes[-1]
    await asked(stranger, box)
    theirs = portal.boxes.codes[-1]
    for left in (4, 3, 2, 1, 0):
        stranger.keep_token()
        assert await stranger.post(path, {"code": wrong(theirs)}) == 422
        assert (f"You have {left} more tr" if left else "not valid any more") in stranger.text
    stranger.keep_token()
    assert await stranger.post(path, {"code": theirs}) == 422, "five tries, long or not"
    assert await guest.post(path, {"code": mine}) == 200 and guest.path == box.here


@pytest.mark.slow
async def test_twenty_wrong_codes_in_a_day_leave_long_ones_alone_and_tell_the_sender_once(portal, box, guest) -> None:
    told, stranger = ("locked", box.invitation.participant_id), portal.browser()
    for _ in range(4):
        assert told not in portal.boxes.acts
        await five_wrong_codes(portal, stranger, box)
        portal.clock.go(hours=2)
    assert portal.boxes.acts.count(told) == 1
    portal.clock.go(days=2)
    path = await asked(guest, box)
    assert len(portal.boxes.codes[-1]) == 10, "until somebody unlocks it"
    assert await guest.post(path, {"code": portal.boxes.codes[-1]}) == 200 and guest.path == box.here
    assert box.invitation.locked and portal.boxes.acts.count(told) == 1


async def test_a_short_code_is_worth_nothing_once_it_is_locked(portal, box, guest) -> None:
    path = await asked(guest, box)
    box.change(locked=True)
    assert await guest.post(path, {"code": portal.boxes.codes[-1]}) == 422 and "no short code counts" in guest.text


async def test_a_browser_that_was_let_in_before_has_limits_of_its_own(make_portal) -> None:
    portal = await make_portal(trusted_proxies=["127.0.0.0/8"])
    box, other = portal.boxes.add(), portal.boxes.add(guest_address="karl@post.example")
    guest = portal.browser()
    await guest.open_by_code(portal.boxes, box)
    await guest.post("/leave")
    for number in range(2):  # all codes that may be asked for, from two networks, and wrong ones
        stranger = portal.browser(**{"X-Forwarded-For": f"198.51.100.{number}"})
        if not number:
            await five_wrong_codes(portal, stranger, box)
        for _ in range(10):
            await stranger.get(box.path)
            await stranger.post(f"{box.path}/code")
    path = await asked(guest, box)
    assert len(portal.boxes.codes[-1]) == 6
    assert await guest.post(path, {"code": portal.boxes.codes[-1]}) == 200 and guest.path == box.here
    await guest.post("/leave")
    await five_wrong_codes(portal, stranger, other)
    await asked(guest, other)
    assert len(portal.boxes.codes[-1]) == 10, "it is known for its own address alone"
    for number, made in enumerate((guest.cookies["__Host-sealgate-known"][::-1], "a" * 58)):
        stranger = portal.browser(**{"X-Forwarded-For": f"203.0.{number}.9"})
        stranger.cookies["__Host-sealgate-known"] = made
        await asked(stranger, box)
        assert len(portal.boxes.codes[-1]) == 10, "nobody makes such a cookie"


async def test_parallel_tries_cannot_pass_the_limits(portal, box, guest) -> None:
    path = await asked(guest, box)
    sent = {"csrf": guest.csrf, "code": wrong(portal.boxes.codes[0])}
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in guest.cookies.items())}
    browsers = [portal.browser(**cookie) for _ in range(20)]
    answers = await asyncio.gather(*[browser.go("POST", path, data=sent) for browser in browsers])
    statuses = [answer.status for answer in answers]
    assert statuses.count(422) == 20
    assert sum("more tr" in browser.text for browser in browsers) == 4


async def test_too_many_codes_asked_for_are_not_sent(portal, box, guest) -> None:
    await asked(guest, box)
    for _ in range(9):
        assert await guest.post(f"{box.path}/code") == 200
    assert await guest.post(f"{box.path}/code") == 429
    assert "Please wait a little" in guest.text and "30 minutes" in guest.text
    assert guest.response.headers["Retry-After"].isdecimal()
    assert len(portal.boxes.codes) == 10


@pytest.mark.slow
async def test_who_floods_a_guest_with_codes_leaves_some_to_the_guest(box, make_portal) -> None:
    portal = await make_portal(trusted_proxies=["127.0.0.0/8"])
    box = portal.boxes.add()
    for number in range(12):
        attacker = portal.browser(**{"X-Forwarded-For": "198.51.100.7"})
        await attacker.get(box.path)
        assert await attacker.post(f"{box.path}/code") == (200 if number < 10 else 429)
    guest = portal.browser(**{"X-Forwarded-For": "203.0.113.9"})
    assert await guest.open_by_code(portal.boxes, box) == 200
    for number in range(20):
        another = portal.browser(**{"X-Forwarded-For": f"192.0.2.{number}"})
        await another.get(box.path)
        await another.post(f"{box.path}/code")
    assert len(portal.boxes.codes) == 21, "twenty from all networks together, and one more from a region"
    late = portal.browser(**{"X-Forwarded-For": "2001:db8:7::9"})
    assert await late.open_by_code(portal.boxes, box) == 200 and late.path == box.here
    for number in range(3):
        another = portal.browser(**{"X-Forwarded-For": f"2001:db8:7:{number}::1"})
        await another.get(box.path)
        assert await another.post(f"{box.path}/code") == 429


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "12345a", "１２３４５", "'; --", "0" * 19])
async def test_what_is_no_code_costs_no_try(portal, box, guest, typed: str) -> None:
    path = await asked(guest, box)
    assert await guest.post(path, {"code": typed}) == 422
    assert "A code has 6 digits" in guest.text
    assert await guest.post(path, {"code": portal.boxes.codes[0]}) == 200


async def test_digits_of_other_scripts_are_digits(portal, box, guest) -> None:
    path = await asked(guest, box)
    arabic = portal.boxes.codes[0].translate({ord("0") + n: 0x660 + n for n in range(10)})
    assert await guest.post(path, {"code": arabic}) == 200


async def test_a_session_by_code_sees_its_own_box_alone(portal, box, guest) -> None:
    other = portal.boxes.add()
    assert await guest.open_by_code(portal.boxes, box) == 200
    assert await guest.get(other.here) == 404
    unknown = guest.text
    assert await guest.get("/m/00000000000000000000000000") == 404
    assert guest.text == unknown
    assert await guest.get("/messages") == 200, "leads to the one letter there is"
    assert "all is well" in guest.text


async def test_a_session_idles_out_and_ends(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    portal.clock.go(minutes=29)
    assert await guest.get(box.here) == 200
    portal.clock.go(minutes=29)
    assert await guest.get(box.here) == 200, "using it keeps it"
    portal.clock.go(minutes=31)
    await guest.get(box.here)
    assert "Sign in" in guest.text and "all is well" not in guest.text

    await guest.open_by_code(portal.boxes, box)
    for _ in range(30):
        portal.clock.go(minutes=25)
        await guest.get(box.here)
    assert "all is well" not in guest.text, "twelve hours are the end in any case"


async def test_signing_in_gives_a_new_session(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    [(name, first)] = [(name, value) for name, value in guest.cookies.items() if "session" in name]
    await guest.post("/leave")
    await guest.open_by_code(portal.boxes, box)
    assert guest.cookies[name] != first
    fixed = portal.browser()
    fixed.cookies[name] = first
    await fixed.get(box.here)
    assert "all is well" not in fixed.text, "the old cookie is worth nothing"


async def test_leaving_ends_the_session(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    held = dict(guest.cookies)
    assert await guest.post("/leave") == 200
    assert "You have left" in guest.text
    assert not any("session" in name for name in guest.cookies) and guest.cookies != held
    back = portal.browser()
    back.cookies = held
    await back.get(box.here)
    assert "all is well" not in back.text


async def test_whoever_is_signed_in_goes_straight_on(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    assert await guest.get(box.path) == 200
    assert guest.path == box.here


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"state": BoxState.RECALLED}, "taken this message back"),
        ({"state": BoxState.DELETED}, "can no longer be read"),
        ({"guest_state": GuestState.DECLINED}, "closed for your address"),
    ],
)
async def test_a_box_that_is_over_lets_nobody_in(portal, box, guest, change, said: str) -> None:
    await guest.open_by_code(portal.boxes, box)
    box.change(**change)
    reads = portal.boxes.acts.count(("read", box.invitation.participant_id))
    for path in (box.here, box.path, f"{box.here}/documents.zip", f"{box.here}/message.eml"):
        assert await guest.get(path) == 410
        assert said in guest.text
        assert "all is well" not in guest.text and "Discharge report" not in guest.text
    assert portal.boxes.acts.count(("read", box.invitation.participant_id)) == reads
    stranger = portal.browser()
    await stranger.get("/")
    sent = len(portal.boxes.codes)
    await stranger.post(f"{box.path}/code")
    assert len(portal.boxes.codes) == sent


async def test_the_reason_of_a_recall_is_for_those_who_proved_who_they_are(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    box.change(state=BoxState.RECALLED, recall_reason="The <wrong> week.")
    await guest.get(box.here)
    assert "The &lt;wrong&gt; week." in guest.text
    stranger = portal.browser()
    assert await stranger.get(box.path) == 410
    assert "week" not in stranger.text


async def test_a_closed_box_can_be_read_but_not_answered(portal, box, guest) -> None:
    box.change(state=BoxState.CLOSED)
    assert await guest.open_by_code(portal.boxes, box) == 200
    assert "all is well" in guest.text and "Send reply" not in guest.text


async def test_a_reference_leads_to_the_envelope(portal, box, guest) -> None:
    await guest.get("/")
    typed = box.invitation.reference.lower().replace("-", " ")
    assert await guest.post("/", {"reference": typed}) == 200
    assert guest.path == f"/b/{box.invitation.reference}"
    assert "Dr. Katharina Weber" in guest.text
    assert await guest.post(f"/b/{box.invitation.reference}/code") == 200
    assert await guest.post(f"/b/{box.invitation.reference}/open", {"code": portal.boxes.codes[0]}) == 200


@pytest.mark.parametrize(
    ("typed", "said"), [("7KQ4-XN2M-ZZZZ", "do not know"), ("hello", "12 letters"), ("", "12 letters")]
)
async def test_a_wrong_reference_is_said_at_the_field(guest, typed: str, said: str) -> None:
    await guest.get("/")
    assert await guest.post("/", {"reference": typed}) == 422
    assert said in guest.text and 'aria-invalid="true"' in guest.text
    assert "<title>Error:" in guest.text


@pytest.mark.slow
async def test_guessing_references_is_slowed_by_network(portal, box, guest) -> None:
    await guest.get("/")
    for number in range(61):
        await guest.post("/", {"reference": f"7KQ4-ZZZZ-{number:04d}"})
        await guest.get("/") if guest.status == 422 else None
    assert guest.status == 429
    assert await guest.get(f"/b/{box.invitation.reference}") == 429
    assert await guest.get(box.path) == 200, "a link is not slowed"
    portal.clock.go(minutes=11)
    assert await guest.get(f"/b/{box.invitation.reference}") == 200


async def test_not_meant_for_me_asks_once_more(portal, box, guest) -> None:
    await guest.get(box.path)
    assert await guest.get(f"{box.path}/not-for-me") == 200
    assert "Yes, close it for my address" in guest.text and portal.boxes.acts == []
    assert await guest.post(f"{box.path}/not-for-me") == 410
    assert "closed for your address" in guest.text
    assert portal.boxes.acts == [("declined", box.invitation.participant_id)]


async def test_what_a_scanner_declines_opens_again_by_a_code(portal, box, guest) -> None:
    scanner = portal.browser()
    await scanner.get(f"{box.path}/not-for-me")
    assert await scanner.post(f"{box.path}/not-for-me") == 410
    box.change(declined_by_link=True)
    assert await guest.get(box.path) == 410 and "Send me a code" in guest.text
    await guest.post(f"{box.path}/code")
    assert await guest.post(f"{box.path}/open", {"code": portal.boxes.codes[-1]}) == 200
    assert box.subject in guest.text
    assert ("reopened", box.invitation.participant_id) in portal.boxes.acts


async def test_what_the_guest_declined_stays_closed(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    await guest.get(f"{box.here}/not-for-me")
    assert await guest.post(f"{box.here}/not-for-me") == 410
    assert await guest.get(box.path) == 410 and "Send me a code" not in guest.text
    await guest.get("/")
    await guest.post(f"{box.path}/code")
    assert len(portal.boxes.codes) == 1


async def test_the_sender_can_be_asked_when_it_is_over(portal, box, guest) -> None:
    box.change(state=BoxState.DELETED)
    await guest.get(box.path)
    assert await guest.post(f"{box.path}/ask", {"note": "Please, I was away.\r\nMaria"}) == 200
    assert "We have told the sender" in guest.text
    assert portal.boxes.notes == ["Please, I was away.\r\nMaria"]
    for _ in range(3):
        await guest.get(box.path)
        await guest.post(f"{box.path}/ask", {"note": "again"})
    assert guest.status == 429 and len(portal.boxes.notes) == 3


async def test_the_link_again_looks_the_same_for_strangers(portal, box, guest) -> None:
    texts = []
    for address in ("stranger@post.example", "MARIA@post.example"):
        await guest.get("/")
        assert await guest.post("/again", {"email": address}) == 200
        texts.append(re.sub(r"\s+", " ", guest.text))
    assert texts[0] == texts[1]
    for _ in range(100):
        if portal.boxes.acts:
            break
        await asyncio.sleep(0.01)
    assert portal.boxes.acts == [("resent", box.invitation.participant_id)]


@pytest.mark.slow
async def test_no_spelling_of_an_address_is_sent_more_links(portal, box, guest) -> None:
    for spelling in ("maria@post.example", "Maria@POST.example.", "maria@post．example", "maria@pos\u00adt.example"):
        for _ in range(2):
            await guest.get("/")
            assert await guest.post("/again", {"email": spelling}) == 200
    await asyncio.sleep(0.2)
    assert len([act for act in portal.boxes.acts if act[0] == "resent"]) <= 3


async def test_every_step_leaves_its_event(portal, box, guest) -> None:
    path = await asked(guest, box)
    await guest.post(path, {"code": wrong(portal.boxes.codes[0])})
    await guest.post(path, {"code": portal.boxes.codes[0]})
    await guest.post("/leave")
    events = portal.db.read_now(lambda conn: list(export(conn, portal.vault, reveal=True)))
    assert [event["kind"] for event in events] == ["code.wrong", "code.right", "signin.succeeded", "session.ended"]
    assert {event.get("participant_id") for event in events} == {box.invitation.participant_id}
    session = events[2]["facts"]["session"]
    assert events[2]["facts"] == {"way": "code", "session": session} and events[3]["facts"] == {"session": session}
    assert not any(portal.boxes.codes[0] in str(event) for event in events)

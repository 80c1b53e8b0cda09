"""The way by question: compared as people mean it, with few tries, which count among those of the day."""

import asyncio

import pytest

from delivery.safebox.asking import hash_answer, is_answer, normalise_answer, read_proof_headers
from delivery.safebox.profile import Profile

ASKING = Profile.model_validate({"signin": {"ways": ["code", "question"]}})


@pytest.fixture
def asked(portal):
    box = portal.boxes.add(profile=ASKING, question="Where did we meet first?")
    box.answer = "In Zürich, at the Bellevue"
    return box


async def answer(browser, box, text: str) -> int:
    await browser.get(f"{box.path}/question")
    return await browser.post(f"{box.path}/question", {"answer": text})


async def test_the_answer_opens_it(portal, asked, guest) -> None:
    await guest.get(asked.path)
    assert "Answer the sender’s question" in guest.text and "Where did we meet" not in guest.text
    assert await answer(guest, asked, "somewhere") == 422 and "4 more tries" in guest.text
    assert await answer(guest, asked, "  in ZURICH at the bellevue! ") == 200 and guest.path == asked.here
    signed = [event for event in portal.events() if event["kind"] == "signin.succeeded"]
    assert signed[0]["facts"]["way"] == "question"
    assert "Zürich" not in str(portal.events())


@pytest.mark.slow
async def test_tries_are_few_and_count_together(portal, asked, guest) -> None:
    browsers = [portal.browser() for _ in range(8)]
    for browser in browsers:
        await browser.get(f"{asked.path}/question")
    await asyncio.gather(*(one.post(f"{asked.path}/question", {"answer": "no idea"}) for one in browsers))
    statuses = [one.status for one in browsers]
    assert statuses.count(422) <= 4 and statuses.count(422) + statuses.count(429) == 8
    assert await answer(guest, asked, "In Zürich, at the Bellevue") == 429, "the right one too"
    await guest.get("/")
    await guest.post(f"{asked.path}/code")
    assert guest.path == f"{asked.path}/code", "a code still goes"
    for _ in range(3):
        portal.clock.go(hours=3)
        for _ in range(5):
            await answer(guest, asked, "no idea")
    assert ("locked", asked.invitation.participant_id) in portal.boxes.acts, "twenty in a day, whichever way"


async def test_only_where_it_was_asked(portal, box, guest) -> None:
    for other in (box, portal.boxes.add(profile=ASKING)):
        await guest.get("/")
        guest.keep_token()
        await guest.get(f"{other.path}/question")
        assert guest.path == other.path
        await guest.go("POST", f"{other.path}/question", data={"csrf": guest.csrf, "answer": ""})
        assert guest.status == 303


@pytest.mark.slow
async def test_an_answer_is_no_proof_of_an_address(portal, asked, guest) -> None:
    """The sender chose it: it must not make an account that sees what others sent to that address."""
    await answer(guest, asked, asked.answer)
    assert await guest.get("/account") == 404
    await guest.get(asked.here)
    assert await guest.post("/account/password", {"password": "four words nobody would guess"}) == 404


async def by_mailbox(portal, browser, box) -> int:
    """Show who reads the guest's mail."""
    await browser.get(box.path)
    assert (
        await browser.post(f"{box.path}/code", {"by": "mailbox"}) == 200 and "opens nothing by itself" in browser.text
    )
    return await browser.post(f"{box.path}/open", {"code": portal.boxes.codes[-1]})


@pytest.mark.slow
async def test_who_answers_wrong_keeps_nobody_out_who_reads_the_guests_mail(portal, guest) -> None:
    only = Profile.model_validate({"signin": {"ways": ["question"]}})
    box = portal.boxes.add(profile=only, question="Where did we meet first?")
    box.answer = "Bellevue"
    stranger = portal.browser()
    for _ in range(4):
        for _ in range(5):
            await answer(stranger, box, "no idea")
        assert stranger.status == 429 and "Show by e-mail that it is you" in stranger.text
        assert await answer(guest, box, "Bellevue") in (200, 429) and guest.path != box.here
        portal.clock.go(hours=3)
    assert box.invitation.locked
    await guest.get(f"{box.path}/question")
    assert guest.path == box.path and "Show by e-mail that it is you" in guest.text
    assert await by_mailbox(portal, guest, box) == 200 and guest.path == f"{box.path}/question"
    assert not any("session" in name for name in guest.cookies), "it opens nothing"
    assert await answer(stranger, box, "Bellevue") == 200 and stranger.path == box.path, "locked for who did not"
    assert await answer(guest, box, "no idea") == 422 and "4 more tries" in guest.text
    assert await answer(guest, box, "Bellevue") == 200 and guest.path == box.here


@pytest.mark.slow
async def test_who_reads_the_guests_mail_has_no_more_tries_by_showing_it_again(portal, asked) -> None:
    for _ in range(4):
        browser = portal.browser()
        await by_mailbox(portal, browser, asked)
        for _ in range(5):
            await answer(browser, asked, "no idea")
        assert browser.status == 429
        portal.clock.go(hours=3)
    portal.clock.go(days=5)
    await portal.accounts.sweep(portal.clock.now)
    another = portal.browser()
    await by_mailbox(portal, another, asked)
    assert await answer(another, asked, "In Zürich, at the Bellevue") == 429, "until somebody unlocks it"
    await portal.boxes.unlock("default", asked.invitation.participant_id, None)
    assert await answer(another, asked, "In Zürich, at the Bellevue") == 200 and another.path == asked.here


@pytest.mark.slow
async def test_nothing_typed_costs_nothing(portal, asked, guest) -> None:
    for _ in range(8):
        assert await answer(guest, asked, "   ") == 422
    assert await answer(guest, asked, asked.answer) == 200


@pytest.mark.slow
def test_answers_are_compared_as_people_mean_them() -> None:
    same = ["Rue de l’Église 4", "rue de l'eglise 4", " RUE DE L EGLISE-4 ", "Rue de l\u2019E\u0301glise\u00a04"]
    assert len({normalise_answer(one) for one in same}) == 1
    assert (
        normalise_answer("Straße") == normalise_answer("STRASSE")
        and normalise_answer("北京") == "北京"
        and normalise_answer("?!") == ""
    )
    kept = hash_answer("Straße 5")
    assert is_answer(kept, "strasse5") and not is_answer(kept, "strasse 6") and not is_answer(hash_answer("?!x"), "")
    assert kept.startswith("$argon2id$") and not is_answer("torn", "strasse5")


@pytest.mark.parametrize(
    ("head", "phones", "question", "told"),
    [
        ("X-Sealgate-Phone: +41 79 123 45 67", {"": "+41791234567"}, "", 0),
        ("x-sealgate-PHONE: Bob@Post.Example=0041791234567;\r\n c@d.example=tel:+1(415)555-2671",
         {"Bob@post.example": "+41791234567", "c@d.example": "+14155552671"}, "", 0),
        ("X-Sealgate-Phone: 079 123 45 67", {}, "", 1),
        ("X-Sealgate-Phone: bob=+41791234567", {}, "", 1),
        ("X-Sealgate-Question: =?utf-8?q?Wo_war=C3=B6s=3F?=\r\nX-Sealgate-Answer: In Davos", {}, "Wo warös?", 0),
        ("X-Sealgate-Question: Where?\r\nX-Sealgate-Answer: ??", {}, "", 1),
        ("no header\r\nX-Sealgate-Question: Where\r\n then?\r\nX-Sealgate-Answer: Davos", {}, "Where then?", 0),
        ("X-Sealgate-Question: Where?", {}, "", 1),
        ("X-Sealgate-Answer: There", {}, "", 1),
        ("Subject: nothing", {}, "", 0),
    ],
)  # fmt: skip
def test_what_a_mail_says_of_its_guests(head: str, phones: dict[str, str], question: str, told: int) -> None:
    asked = read_proof_headers(f"From: a@example.com\r\n{head}\r\n\r\nX-Sealgate-Phone: +41000000000\r\n".encode())
    assert {key.lower(): value for key, value in asked.phones.items()} == {k.lower(): v for k, v in phones.items()}
    assert (asked.question, len(asked.untaken)) == (question, told)
    assert "791234567" not in repr(asked)

"""What senders do with a box: to one guest alone, what guests prove themselves by, and every act in every state."""

import asyncio
import re
from datetime import timedelta
from html import unescape

import pytest
from aiohttp import FormData

from delivery.safebox.authority import Principal
from delivery.safebox.lifecycle import Act, Actor, refusal
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, Role

OWNER, DEPUTY, HELPER = "weber@example.com", "boss@example.com", "clerk@example.com"
GUEST, OTHER = "maria@post.example", "john@post.example"
SEEN = Access(Way.CODE, "192.0.2.7", "Firefox")


async def person_id(office, box: str, address: str = GUEST) -> str:
    record = await office.boxes.show(box, Principal.person(OWNER))
    return next(one.participant_id for one in (*record.summary.guests, *record.summary.staff) if one.address == address)


def form(browser, text: str, to: str = "") -> FormData:
    data = FormData(quote_fields=False, default_to_multipart=True)
    for name, value in (("csrf", browser.csrf), ("to", to), ("text", text)):
        data.add_field(name, value)
    data.add_field("files", b"%PDF more", filename="Extra.pdf", content_type="application/pdf")
    return data


async def texts(office, guest: str) -> str:
    opened = await office.boxes.open_box("default", guest, None)
    return " ".join(
        [one.text for one in opened.messages] + [doc.name for one in opened.messages for doc in one.documents]
    )


ALL_SEE = pytest.param({"replies": "all", "others": "visible"}, marks=pytest.mark.slow)


@pytest.mark.parametrize("settings", [{}, ALL_SEE])
async def test_what_is_for_one_guest_is_for_that_guest_alone(office, settings) -> None:
    office.profiles["standard"] = Profile.model_validate({"participants": settings})
    box = await office.send(GUEST, OTHER)
    maria, john = await person_id(office, box), await person_id(office, box, OTHER)
    await office.boxes.add(box, DEPUTY, Principal.person(OWNER), role=Role.PRIVILEGED)
    ann = "ann@post.example"
    await office.boxes.add(box, ann, Principal.person(OWNER), name="Ann O'Hara & <Co>")
    browser = await office.signed_in(box=box)
    await browser.post(f"/boxes/{box}/write", form(browser, "FOR ANN", await person_id(office, box, ann)))
    assert "to Ann O&#39;Hara &amp; &lt;Co&gt; alone" in browser.text  # escaped once, wherever it is said
    assert f'<option value="{maria}">' in browser.text
    before = {address: len(office.mails(address)) for address in (GUEST, OTHER, DEPUTY)}
    await browser.post(f"/boxes/{box}/write", form(browser, "FOR MARIA ONLY", maria))
    assert browser.status == 200 and f"to {GUEST} alone" in re.sub("<[^>]*>", "", browser.text)
    assert "FOR MARIA ONLY" in await texts(office, maria) and "Extra.pdf" in await texts(office, maria)
    assert "MARIA" not in await texts(office, john) and "Extra.pdf" not in await texts(office, john)
    after = {address: len(office.mails(address)) - before[address] for address in before}
    assert after == {GUEST: 1, OTHER: 0, DEPUTY: 1}
    opened = await office.boxes.open_for(box, Principal.person(DEPUTY))  # who has the sender's rights reads everything
    [document] = opened.messages[-1].documents
    assert opened.messages[-1].text == "FOR MARIA ONLY"
    assert await office.boxes.document("default", john, document.id) is None
    assert await office.boxes.document("default", maria, document.id) is not None


@pytest.mark.slow
async def test_whom_it_was_for_is_gone_and_nobody_else_gets_it(office) -> None:
    box, elsewhere = await office.send(GUEST, OTHER), await office.send(GUEST)
    maria, foreign = await person_id(office, box), await person_id(office, elsewhere)
    await office.boxes.add(box, HELPER, Principal.person(OWNER), role=Role.COLLEAGUE)
    browser = await office.signed_in(box=box)
    await office.boxes.remove(box, GUEST, Principal.person(OWNER))
    for to in (maria, foreign, "x", await person_id(office, box, HELPER)):
        await browser.post(f"/boxes/{box}/write", form(browser, "WHOM", to))
        assert browser.status == 409 and "no longer takes part" in browser.text and "WHOM" in browser.text
    assert "WHOM" not in await texts(office, await person_id(office, box, OTHER))
    clerk = await office.signed_in(HELPER, box)  # colleagues do not choose, and guests do not read them
    assert 'name="to"' not in clerk.text and "Guests do not see it" in clerk.text
    await clerk.post(f"/boxes/{box}/write", form(clerk, "CLERK", await person_id(office, box, OTHER)))
    assert clerk.status == 409
    draft = await office.boxes.begin_answer("default", await person_id(office, box, OTHER), SEEN)
    assert await draft.send("mine", maria) is None  # guests neither


@pytest.mark.slow
async def test_what_was_written_too_late_is_given_back(office) -> None:
    box = await office.send(GUEST, OTHER)
    browser = await office.signed_in(box=box)
    late = form(browser, "FOUR HOURS OF WORK")
    await office.boxes.close(box, Principal.person(OWNER))
    await browser.post(f"/boxes/{box}/write", late)
    assert browser.status == 409 and "was not sent" in browser.text and "FOUR HOURS OF WORK" in browser.text


@pytest.mark.slow
async def test_what_was_written_when_the_sign_in_had_ended_is_given_back(office) -> None:
    box = await office.send(GUEST, OTHER)
    browser = await office.signed_in(box=box)
    late, foreign = form(browser, "FOUR HOURS OF WORK"), form(browser, "FROM ELSEWHERE")
    stranger = office.browser()
    office.clock.go(minutes=40)
    await browser.go("POST", f"/boxes/{box}/write", data=late)
    assert browser.status == 403 and "FOUR HOURS OF WORK" in browser.text and f"signin?box={box}" in browser.text
    await stranger.go("POST", f"/boxes/{box}/write", data=foreign)  # no page of ours was given to this browser
    assert stranger.status == 403 and "FROM ELSEWHERE" not in stranger.text and "has ended" in stranger.text
    opened = await office.boxes.open_for(box, Principal.person(OWNER))
    assert len(opened.messages) == 1


@pytest.mark.slow
async def test_a_number_and_a_question_are_set_within_the_profile(office) -> None:
    plain = await office.send(GUEST)
    office.profiles["standard"] = Profile.model_validate({"signin": {"ways": ["code", "sms", "question"]}})
    box = await office.send(GUEST)
    guest, browser = await person_id(office, box), await office.signed_in(box=box)
    assert 'name="question"' in browser.text and 'type="tel"' in browser.text
    await browser.post(f"/boxes/{box}/person", {"person": guest, "act": "phone", "phone": "079 123"})
    assert (
        browser.status == 409 and "no telephone number with its country" in browser.text and "079 123" in browser.text
    )
    await browser.post(f"/boxes/{box}/person", {"person": guest, "act": "phone", "phone": "+41 79 123 45 67"})
    assert browser.status == 200 and "+41791234567" in browser.text
    asks = {"person": guest, "act": "question", "question": "Where, in Davos?", "answer": "davos"}
    await browser.post(f"/boxes/{box}/person", asks)
    assert browser.status == 409 and "stands in the question" in browser.text and "Where, in Davos?" in browser.text
    await browser.post(f"/boxes/{box}/person", {**asks, "question": "Where?"})
    assert (
        browser.status == 200 and "in another way than by this message" in browser.text and "davos" not in browser.text
    )
    invitation = await office.boxes.invitation("default", guest)
    assert (invitation.phone, invitation.question) == ("+41791234567", "Where?")
    assert await office.boxes.is_answer("default", guest, "DAVOS!")
    assert {"phone.set", "question.set"} <= {one["kind"] for one in office.events()}
    other = await person_id(office, plain)
    await browser.get(f"/boxes/{plain}")
    assert 'name="question"' not in browser.text
    for act in ("phone", "question"):
        fields = {**asks, "question": "Where?", "person": other, "act": act, "phone": "+41791234567"}
        await browser.post(f"/boxes/{plain}/person", fields)
        assert browser.status == 409 and "Its security profile" in browser.text


ADJUST = {
    "adjust": {
        "replies": ["none", "owner"],
        "retention": {"least": "1 day", "to": "forever"},
        "opened": ["first", "every"],
        "language": ["de", "fr"],
        "subject": True,
        "reminders": True,
    }
}


async def test_settings_are_changed_as_far_as_the_profile_lets_senders(office) -> None:
    owner = Principal.person(OWNER)
    plain = await office.send(GUEST)
    office.profiles["standard"] = Profile.model_validate(ADJUST)
    box = await office.send(GUEST)
    guest = await person_id(office, box)
    browser = await office.signed_in(box=plain)
    await browser.get(f"/boxes/{plain}")
    assert "/settings" not in browser.text  # its profile lets nobody
    await browser.post(f"/boxes/{plain}/settings", {"replies": "no-reply"})
    assert browser.status == 409
    await browser.get(f"/boxes/{box}")
    assert re.findall(r'<select class="input" id="set-(\w+)"', browser.text) == list(SETTINGS)
    assert '<option value="keep-30d" selected>' in browser.text and '<option value="in-de">' in browser.text
    await browser.post(f"/boxes/{box}/settings", SETTINGS)
    assert browser.status == 200 and "The settings were changed." in browser.text
    record = await office.boxes.show(box, owner)
    life, notice = record.profile.life, record.profile.notice
    assert (life.retention, notice.language, notice.opened) == (timedelta(days=90), "de", "every")
    assert (notice.subject, notice.reminders) == (True, ())
    assert record.summary.deletes_at == record.summary.closes_at + timedelta(days=90)
    assert not (await office.boxes.invitation("default", guest)).answerable
    await browser.post(f"/boxes/{box}/settings", SETTINGS)
    assert browser.status == 409 and "nothing was changed" in browser.text
    await browser.post(
        f"/boxes/{box}/settings", {"retention": "keep-none", "replies": "visible", "opened": "by-account"}
    )
    assert browser.status == 409 and "nothing was changed" in browser.text  # what is not offered is not taken
    told = [one for one in office.events() if one["kind"] == "box.settings_changed"]
    assert len(told) == 1
    said = await office.boxes.change_settings(box, owner, ["reply-all"])
    assert not said and "does not let senders" in said.sentence
    office.profiles["standard"] = Profile.model_validate({"adjust": {"open_for": {"least": "1 day", "to": "90 days"}}})
    other = await office.send(GUEST)
    said = await office.boxes.change_settings(other, owner, ["7d"])
    assert not said and "in the mail alone" in said.sentence


SETTINGS = {
    "replies": "no-reply",
    "retention": "keep-90d",
    "opened": "tell-every",
    "language": "in-de",
    "subject": "subject",
    "reminders": "no-reminders",
}

FIELDS = {
    "close": (Act.CLOSE, {}),
    "extend": (Act.EXTEND, {"until": "2027-01-15"}),
    "settings": (Act.CHANGE, {"replies": "no-reply"}),
    "reopen": (Act.REOPEN, {"until": "2027-01-15"}),
    "delete": (Act.DELETE, {}),
    "recall": (Act.RECALL, {"reason": "x"}),
    "add": (Act.ADD, {"email": "new@post.example"}),
    "call": (Act.INVITE, {}),
    "unlock": (Act.UNLOCK, {}),
    "release": (Act.RELEASE, {}),
    "confirm": (Act.VOUCH, {"phone": "+41791234567"}),
    "phone": (Act.VOUCH, {"phone": "+41791234567"}),
    "question": (Act.VOUCH, {"question": "Where?", "answer": "Davos"}),
    "remove": (Act.REMOVE, {}),
}


@pytest.mark.slow  # each act in each state for each role
@pytest.mark.parametrize("state", list(BoxState))
async def test_every_act_in_every_state_is_done_or_refused_in_the_words_of_the_table(office, state: BoxState) -> None:
    owner = Principal.person(OWNER)
    people = {Actor.OWNER: OWNER, Actor.COLLEAGUE: HELPER}  # the table has no act that tells privileged from owner
    browsers = {actor: await office.signed_in(address) for actor, address in people.items()}
    box = await made(office, owner, state)
    guest = await person_id(office, box)
    for actor, browser in browsers.items():
        await browser.get(f"/boxes/{box}")
        offered = browser.text
        for name, (act, fields) in FIELDS.items():
            sentence = refusal(state, act, actor)
            if not sentence:
                continue  # what is allowed has its own tests
            assert f'value="{name}"' not in offered and f"/boxes/{box}/{name}" not in offered, name
            path = name if name in ("close", "extend", "settings", "reopen", "delete", "recall", "add") else "person"
            await browser.post(f"/boxes/{box}/{path}", {**fields, "person": guest, "act": name})
            assert browser.status == 409 and sentence in unescape(browser.text), (name, actor)
            if path in ("recall", "delete"):  # the page that asks once more says it too
                await browser.get(f"/boxes/{box}/{path}")
                assert browser.status == 409 and sentence in unescape(browser.text), (name, actor)
            assert (await office.boxes.show(box, owner)).summary.state is state


async def made(office, owner: Principal, state: BoxState) -> str:
    box = await office.send(GUEST)
    await office.boxes.add(box, HELPER, owner, role=Role.COLLEAGUE)
    acts = {
        BoxState.CLOSED: office.boxes.close,
        BoxState.RECALLED: lambda *to: office.boxes.recall(to[0], "", to[1]),
        BoxState.DELETED: office.boxes.delete,
    }
    assert state not in acts or await acts[state](box, owner)
    return box


@pytest.mark.slow
async def test_of_two_who_act_at_once_one_wins_and_the_other_reads_why(office) -> None:
    box = await office.send(GUEST)
    await office.boxes.add(box, DEPUTY, Principal.person(OWNER), role=Role.PRIVILEGED)
    both = [await office.signed_in(box=box), await office.signed_in(DEPUTY, box)]
    guest = await person_id(office, box)
    await office.boxes.decline("default", guest, SEEN)
    await both[0].post(f"/boxes/{box}/person", {"person": guest, "act": "call"})
    assert both[0].status == 409 and "not meant for them" in both[0].text
    await both[0].get(f"/boxes/{box}")
    for path, fields, sentence in (
        ("add", {"email": "new@post.example", "role": "guest"}, "takes part already"),
        ("person", {"person": guest, "act": "remove"}, "was removed already"),
        ("close", {}, "closed already"),
        ("reopen", {"until": "2026-12-10"}, "still open"),
        ("recall", {"reason": "wrong"}, "taken back already"),
        ("delete", {}, "deleted already"),
    ):
        await asyncio.gather(*(browser.post(f"/boxes/{box}/{path}", fields) for browser in both))
        assert sorted(browser.status for browser in both) == [200, 409], path
        [loser] = [browser for browser in both if browser.status == 409]
        assert sentence in loser.text, path

"""A sender's box: what is shown, what can be done, and what others cannot do to it."""

import json
import re

import pytest
from aiohttp import FormData

from delivery.safebox.authority import Principal
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.store.boxes import Role

OWNER, GUEST, OTHER = "weber@example.com", "maria@post.example", "boss@example.com"
SEEN = Access(Way.CODE, "192.0.2.7", "Mozilla/5.0 (Windows NT 10.0) Firefox/130.0")


def form(browser, text: str, *files: tuple[str, bytes], csrf: str | None = None) -> FormData:
    data = FormData(quote_fields=False, default_to_multipart=True)
    data.add_field("csrf", browser.csrf if csrf is None else csrf)
    data.add_field("text", text)
    for name, content in files:
        data.add_field("files", content, filename=name, content_type="application/pdf")
    return data


async def person_id(office, box: str, address: str = GUEST) -> str:
    record = await office.boxes.show(box, Principal.person(OWNER))
    return next(one.participant_id for one in (*record.summary.guests, *record.summary.staff) if one.address == address)


async def state(office, box: str) -> str:
    return (await office.boxes.show(box, Principal.person(OWNER))).summary.state


async def test_the_box_shows_what_was_written_and_what_became_of_it(office) -> None:
    box = await office.send(GUEST, subject="Results of Tuesday")
    guest = await person_id(office, box)
    opened = await office.boxes.open_box("default", guest, SEEN)
    [document] = [one for message in opened.messages for one in message.documents]
    await office.boxes.downloaded("default", guest, (document.id,), SEEN)
    await office.boxes.download_ended("default", guest, document.id, SEEN, start=0, stop=100, size=document.size)
    browser = await office.signed_in(box=box)
    assert (browser.status, browser.path) == (200, f"/boxes/{box}")  # the sign-in leads on to what was asked for
    for words in ("Results of Tuesday", "SECRETTEXT", "Report.pdf", "Opened on 21 November", "in part, 100 bytes"):
        assert words in browser.text
    assert "Firefox on Windows, 192.0.2.7" in browser.text and "Security profile" in browser.text
    await browser.get(f"/boxes/{box}/documents/{document.id}")
    assert browser.body == b"%PDF " * 100 and "attachment" in browser.response.headers["Content-Disposition"]


async def test_close_extend_and_reopen(office) -> None:
    box = await office.send(GUEST)
    browser = await office.signed_in(box=box)
    day = re.search(r'name="until" type="date" value="([^"]+)"', browser.text)[1]
    await browser.post(f"/boxes/{box}/extend", {"until": day})
    assert browser.status == 200 and "stays open longer" in browser.text
    for wrong in ("", "soon", "9999-12-31", "0001-01-01", "2026-11-01"):
        await browser.post(f"/boxes/{box}/extend", {"until": wrong})
        assert browser.status in (409, 422) and 'role="alert"' in browser.text
    await browser.post(f"/boxes/{box}/close")
    assert await state(office, box) == "closed" and "/write" not in browser.text
    await browser.post(f"/boxes/{box}/close")
    assert browser.status == 409 and "The message is closed already." in browser.text
    day = re.search(r'name="until" type="date" value="([^"]+)"', browser.text)[1]
    before = len(office.mails(GUEST))
    await browser.post(f"/boxes/{box}/reopen", {"until": day, "tell": "yes"})
    assert await state(office, box) == "open" and len(office.mails(GUEST)) == before + 1


async def test_write_and_attach_more(office) -> None:
    box = await office.send(GUEST)
    browser = await office.signed_in(box=box)
    await browser.post(f"/boxes/{box}/write", form(browser, "One thing more.", ("Extra.pdf", b"%PDF more")))
    assert browser.status == 200 and "One thing more." in browser.text and "Extra.pdf" in browser.text
    guest = await person_id(office, box)
    assert "One thing more." in (await office.boxes.open_box("default", guest, SEEN)).messages[-1].text
    await browser.post(f"/boxes/{box}/write", form(browser, "  "))
    assert browser.status == 422
    await browser.post(f"/boxes/{box}/write", form(browser, "stolen", csrf="x"))
    assert browser.status == 403
    await browser.get(f"/boxes/{box}")
    stale = form(browser, "Too late")
    await office.boxes.close(box, Principal.person(OWNER))
    await browser.post(f"/boxes/{box}/write", stale)
    assert browser.status == 409 and "was not sent" in browser.text


async def test_recall_tells_what_it_could_not_take_back(office) -> None:
    box = await office.send(GUEST, "john@post.example")
    guest = await person_id(office, box)
    opened = await office.boxes.open_box("default", guest, SEEN)
    browser = await office.signed_in(box=box)
    await browser.get(f"/boxes/{box}/recall")
    assert "has read it" in browser.text and "has seen nothing of it" in browser.text
    assert await state(office, box) == "open"  # asking changes nothing
    document = opened.messages[0].documents[0].id
    await browser.get(f"/boxes/{box}/recall?document={document}")
    assert "Report.pdf" in browser.text
    await browser.post(f"/boxes/{box}/recall", {"document": document, "reason": "An old version"})
    assert browser.status == 200 and "What became of it" in browser.text
    await browser.get(f"/boxes/{box}/recall?guest={guest}")
    await browser.post(f"/boxes/{box}/recall", {"guest": guest, "reason": "Wrong Maria"})
    assert (await office.boxes.invitation("default", guest)).recall_reason == "Wrong Maria"
    await browser.get(f"/boxes/{box}/recall")
    await browser.post(f"/boxes/{box}/recall", {"reason": "All of it"})
    assert await state(office, box) == "recalled" and "has read it" in browser.text
    await browser.get(f"/boxes/{box}")
    assert browser.status == 200 and "SECRETTEXT" not in browser.text and "Your results" in browser.text


async def test_deletion_is_asked_once_more(office) -> None:
    box = await office.send(GUEST)
    browser = await office.signed_in(box=box)
    await browser.get(f"/boxes/{box}/delete")
    assert await state(office, box) == "open" and "Nobody can undo this." in browser.text
    await browser.post(f"/boxes/{box}/delete")
    assert await state(office, box) == "deleted" and "SECRETTEXT" not in browser.text
    await browser.get(f"/boxes/{box}/delete")
    assert browser.status == 409 and "deleted already" in browser.text


async def test_people_are_added_called_unlocked_and_removed(office) -> None:
    box = await office.send(GUEST)
    browser = await office.signed_in(box=box)
    await browser.post(f"/boxes/{box}/add", {"email": "john@post.example", "name": "John", "role": "guest"})
    assert browser.status == 200 and "John" in browser.text and office.mails("john@post.example")
    await browser.post(f"/boxes/{box}/add", {"email": "john@post.example", "role": "privileged"})
    assert browser.status == 409 and "Only people of the organisation" in browser.text
    await browser.post(f"/boxes/{box}/add", {"email": "nonsense", "role": "guest"})
    assert browser.status == 409
    guest = await person_id(office, box)
    await office.boxes.lock("default", guest, SEEN)
    await browser.get(f"/boxes/{box}")
    assert "Many wrong codes were typed in" in browser.text
    await browser.post(f"/boxes/{box}/person", {"person": guest, "act": "unlock"})
    assert browser.status == 200 and not (await office.boxes.invitation("default", guest)).locked
    before = len(office.mails(GUEST))
    await browser.post(f"/boxes/{box}/person", {"person": guest, "act": "call"})
    assert len(office.mails(GUEST)) == before + 1
    await browser.post(f"/boxes/{box}/person", {"person": guest, "act": "release"})
    assert browser.status == 409
    await browser.post(f"/boxes/{box}/person", {"person": guest, "act": "remove"})
    assert (await office.boxes.invitation("default", guest)).removed and "Removed on" in browser.text
    await browser.post(f"/boxes/{box}/person", {"person": guest, "act": "no such act"})
    assert browser.status == 404


async def test_a_told_number_is_confirmed(office) -> None:
    office.profiles["standard"] = Profile.model_validate({"signin": {"ways": ["code", "sms"]}})
    box = await office.send(GUEST)
    guest = await person_id(office, box)
    await office.boxes.tell_phone("default", guest, "+41791234567", SEEN)
    browser = await office.signed_in(box=box)
    assert "+41791234567" in browser.text
    await browser.post(f"/boxes/{box}/person", {"person": guest, "act": "confirm", "phone": "+41791234567"})
    assert (await office.boxes.invitation("default", guest)).phone == "+41791234567"


async def test_what_the_profile_forbids_is_not_offered_and_not_done(office) -> None:
    forbids = {"life": {"manual_close": False, "manual_deletion": False, "extension": False}}
    office.profiles["standard"] = Profile.model_validate({**forbids, "participants": {"may_add": False}})
    box = await office.send(GUEST)
    browser = await office.signed_in(box=box)
    for act in ("close", "extend", "add", "delete"):
        assert f"/boxes/{box}/{act}" not in browser.text
    await browser.post(f"/boxes/{box}/close")
    assert browser.status == 409 and "lets nobody close it early" in browser.text


async def test_colleagues_read_and_privileged_act(office) -> None:
    box = await office.send(GUEST)
    await office.boxes.add(box, OTHER, Principal.person(OWNER), role=Role.COLLEAGUE)
    browser = await office.signed_in(OTHER, box)
    assert browser.status == 200 and "SECRETTEXT" in browser.text and f"/boxes/{box}/close" not in browser.text
    await browser.post(f"/boxes/{box}/close")
    assert browser.status == 409 and "Only the sender" in browser.text
    await office.boxes.add(box, OTHER, Principal.person(OWNER), role=Role.PRIVILEGED)
    await browser.get(f"/boxes/{box}")
    await browser.post(f"/boxes/{box}/close")
    assert await state(office, box) == "closed"
    await office.boxes.remove(box, OTHER, Principal.person(OWNER), role=Role.PRIVILEGED)
    await office.boxes.remove(box, OTHER, Principal.person(OWNER), role=Role.COLLEAGUE)
    await browser.get(f"/boxes/{box}")
    assert browser.status == 404


async def test_somebody_elses_box_is_the_same_as_none(office) -> None:
    box = await office.send(GUEST)
    guest = await person_id(office, box)
    browser = await office.signed_in(OTHER)
    token, unknown = browser.csrf, "0" * len(box)
    for path in ("", "/recall", "/delete", "/documents/x"):
        await browser.get(f"/boxes/{box}{path}")
        theirs = (browser.status, browser.text.replace(box, ""))
        await browser.get(f"/boxes/{unknown}{path}")
        assert theirs == (browser.status, browser.text.replace(unknown, "")) and browser.status == 404
    fields = {"csrf": token, "until": "2026-12-24", "person": guest, "act": "remove", "email": "x@post.example"}
    for act in ("close", "extend", "reopen", "delete", "recall", "add", "person"):
        await browser.go("POST", f"/boxes/{box}/{act}", data=fields)
        assert browser.status == 404, act
    await browser.go("POST", f"/boxes/{box}/write", data=form(browser, "mine now", csrf=token))
    assert browser.status == 404
    assert await state(office, box) == "open" and not (await office.boxes.invitation("default", guest)).removed


async def test_no_form_works_without_its_token_and_no_get_acts(office) -> None:
    box = await office.send(GUEST)
    guest = await person_id(office, box)
    browser = await office.signed_in(box=box)
    before = len(office.events())
    fields = {"until": "2026-12-24", "person": guest, "act": "remove", "email": "x@post.example"}
    for act in ("close", "extend", "reopen", "delete", "recall", "add", "person"):
        await browser.go("POST", f"/boxes/{box}/{act}", data=fields)
        assert browser.status == 403, act
        await browser.go("GET", f"/boxes/{box}/{act}")
    await browser.get(f"/boxes/{box}?done=<script>")
    assert "<script>" not in browser.text and 'role="status"' not in browser.text
    assert len(office.events()) == before and await state(office, box) == "open"


@pytest.mark.slow  # 27 boxes
async def test_lists_are_paged_and_filtered(office) -> None:
    ids = [await office.send(GUEST, subject=f"Letter {number:02d}") for number in range(27)]
    await office.boxes.close(ids[0], Principal.person(OWNER))
    browser = await office.signed_in()
    assert "Letter 26" in browser.text and "Letter 01" not in browser.text and "1 to 25 of 27" in browser.text
    await browser.get("/boxes?page=2")
    assert "Letter 01" in browser.text and "26 to 27 of 27" in browser.text
    await browser.get("/boxes?show=closed")
    assert "Letter 00" in browser.text and "Letter 01" not in browser.text
    for odd in ("?page=0", "?page=x", "?page=99999999999", "?show=x"):
        await browser.get(f"/boxes{odd}")
        assert browser.status == 200


async def test_the_record_is_there_from_closing_on_and_outlives_the_content(office) -> None:
    box = await office.send(GUEST)
    guest = await person_id(office, box)
    await office.boxes.open_box("default", guest, SEEN)
    browser = await office.signed_in(box=box)
    await browser.get(f"/boxes/{box}/record")
    assert browser.path == f"/boxes/{box}"  # not yet
    await office.boxes.close(box, Principal.person(OWNER))
    await browser.get(f"/boxes/{box}/record")
    assert browser.status == 200 and "Opened the message" in browser.text and "Report.pdf" in browser.text
    await office.boxes.delete(box, Principal.person(OWNER))
    await browser.get(f"/boxes/{box}/record")
    assert browser.status == 200 and "The content was deleted" in browser.text and "SECRETTEXT" not in browser.text
    assert "Report.pdf" in browser.text and "SHA-256" in browser.text, "what it held is kept, not what stood in it"
    await browser.get(f"/boxes/{box}/record.json")
    record = json.loads(browser.text)
    assert record["state"] == "deleted" and record["participants"][0]["address"] == GUEST
    assert [(one["name"], len(one["sha256"])) for one in record["documents"]] == [("Report.pdf", 64)]
    read = next(event for event in record["events"] if event["kind"] == "box.read")
    assert read["who"] == GUEST and read["at"]["utc"] == "2026-11-21T10:14:00+00:00" and read["network"] == "192.0.2.7"
    stranger = await office.signed_in(OTHER)
    for path in ("record", "record.json"):
        await stranger.get(f"/boxes/{box}/{path}")
        assert stranger.status == 404

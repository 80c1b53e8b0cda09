"""A sender reads and keeps copies of their own box, and sees it as a guest does; nobody opened anything by that."""

import io
import zipfile
from email import message_from_bytes, policy

import pytest
from aiohttp import FormData

from delivery.safebox.authority import Principal
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.store.boxes import Role

OWNER, GUEST, OTHER = "weber@example.com", "maria@post.example", "john@post.example"
SEEN = Access(Way.CODE, "192.0.2.7", "Firefox")
HTML = '<p>Dear <b style="color:red">all</b><script>alert(1)</script></p><img src="cid:logo"><img src="https://x.example/p">'


async def person_id(office, box: str, address: str = GUEST) -> str:
    record = await office.boxes.show(box, Principal.person(OWNER))
    return next(one.participant_id for one in record.summary.guests if one.address == address)


async def answer(office, guest: str, text: str, name: str = "Answer.pdf") -> None:
    draft = await office.boxes.begin_answer("default", guest, SEEN)
    await draft.add_document(name, "application/pdf")
    await draft.write(b"%PDF mine")
    await draft.finish_document()
    await draft.send(text)


async def test_the_whole_mail_and_all_documents_are_kept_as_copies(office) -> None:
    box = await office.send(GUEST)
    await answer(office, await person_id(office, box), "Thank you", "Report.pdf")
    browser = await office.signed_in(box=box)
    assert f"/boxes/{box}/message.eml" in browser.text and f"/boxes/{box}/documents.zip" in browser.text
    before = len(office.events())
    await browser.get(f"/boxes/{box}/message.eml")
    mail = message_from_bytes(browser.body, policy=policy.default)
    assert mail["Subject"] == "Your results" and "SECRETTEXT" in mail.get_body(("plain",)).get_content()
    assert browser.response.headers["Content-Type"] == "message/rfc822"
    await browser.get(f"/boxes/{box}/message.eml", headers={"Range": "bytes=0-3"})
    assert browser.status == 206 and len(browser.body) == 4
    await browser.get(f"/boxes/{box}/documents.zip")
    with zipfile.ZipFile(io.BytesIO(browser.body)) as packed:
        assert packed.namelist() == ["Report.pdf", "Report (2).pdf"] and packed.read("Report (2).pdf") == b"%PDF mine"
    assert len(office.events()) == before  # it is theirs: nothing to record


async def test_the_formatted_form_stands_in_a_frame_without_script(office) -> None:
    box = await office.send(GUEST, html=HTML)
    browser = await office.signed_in(box=box)
    page = browser.text
    [frame] = [part.split('"')[0] for part in page.split('src="') if "/formatted/" in part.split('"')[0]]
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page and "<script>alert" not in page
    [picture] = [part.split('"')[0] for part in page.split('src="') if "/pictures/" in part.split('"')[0]]
    await browser.get(picture)
    assert browser.body == b"\x89PNG dots"
    await browser.get(frame)
    assert "color:red" in browser.text and "data:image/png;base64," in browser.text
    assert "script" not in browser.text and "x.example" not in browser.text
    policy_said = browser.response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy_said and "sandbox" in policy_said and "https:" not in policy_said
    await browser.get(f"{frame}?pictures=guessed")
    assert "x.example" not in browser.text
    await browser.get(f"/boxes/{box}")
    await browser.post(f"/boxes/{box}/pictures", {"message": frame.rpartition("/")[2]})
    shown = next(part.split('"')[0] for part in browser.text.split('src="') if "?pictures=" in part.split('"')[0])
    await browser.get(shown)
    assert "https://x.example/p" in browser.text


async def test_the_guests_view_is_marked_and_leaves_no_trace(office) -> None:
    box = await office.send(GUEST, OTHER, html=HTML)
    maria, john = await person_id(office, box), await person_id(office, box, OTHER)
    await answer(office, john, "JOHNS ANSWER", "Johns.pdf")
    browser = await office.signed_in(box=box)
    assert f"/boxes/{box}/as/{maria}" in browser.text and "JOHNS ANSWER" in browser.text
    before, here = len(office.events()), f"/boxes/{box}/as/{maria}"
    for path in (here, f"{here}?sent=1"):
        await browser.get(path)
        assert browser.status == 200 and "This is what" in browser.text and "nothing here counts" in browser.text
        assert "JOHNS ANSWER" not in browser.text and "Johns.pdf" not in browser.text and OTHER not in browser.text
        assert (
            'action="/m/' not in browser.text and "/not-for-me" not in browser.text and "<textarea" not in browser.text
        )
    opened = await office.boxes.open_for(box, Principal.person(OWNER))
    mine, johns = (message.documents[-1].id for message in opened.messages)
    for path in (f"documents/{mine}", "documents.zip", "message.eml", f"formatted/{opened.messages[0].id}"):
        await browser.get(f"{here}/{path}")
        assert browser.status == 200, path
    await browser.get(f"{here}/documents/{johns}")  # not what she sees
    assert browser.status == 404
    await browser.get(f"{here}/formatted/{opened.messages[1].id}")
    assert browser.status == 404
    assert len(office.events()) == before
    assert (await office.boxes.invitation("default", maria)).guest_state == "invited"


@pytest.mark.slow
async def test_the_guests_view_says_what_stands_before_it_and_what_is_over(office) -> None:
    consent = {"consent": {"version": "1", "texts": {"en": "I agree."}}}
    office.profiles["standard"] = Profile.model_validate({"participants": consent})
    box = await office.send(GUEST, OTHER)
    guest = await person_id(office, box)
    browser = await office.signed_in(box=box)
    await office.boxes.lock("default", guest, SEEN)
    await browser.get(f"/boxes/{box}/as/{guest}")
    assert "Many wrong codes were typed in" in browser.text and "asked to accept the text" in browser.text
    assert "SECRETTEXT" in browser.text
    await office.boxes.recall_guest(box, GUEST, "Wrong Maria", Principal.person(OWNER))
    await browser.get(f"/boxes/{box}/as/{guest}")
    assert browser.status == 200 and "Wrong Maria" in browser.text and "SECRETTEXT" not in browser.text
    await office.boxes.remove(box, OTHER, Principal.person(OWNER))
    other = await person_id(office, box, OTHER)
    await browser.get(f"/boxes/{box}/as/{other}")
    assert "You no longer take part" in browser.text
    await office.boxes.delete(box, Principal.person(OWNER))
    await browser.get(f"/boxes/{box}/as/{guest}")
    assert (
        browser.status == 200
        and "can no longer be read" in browser.text
        and "<form" not in browser.text.partition("<main")[2].partition("</main")[0]
    )


@pytest.mark.slow
async def test_who_writes_to_themselves_is_owner_and_guest(office) -> None:
    box = await office.send(OWNER, GUEST)
    myself = await person_id(office, box, OWNER)
    browser = await office.signed_in(box=box)
    await browser.get(f"/boxes/{box}/as/{myself}")
    assert browser.status == 200 and "SECRETTEXT" in browser.text
    assert not [one for one in office.events() if one["kind"] == "box.read"]
    assert await office.boxes.open_box("default", myself, SEEN) is not None  # by their own link they are a guest
    assert [one for one in office.events() if one["kind"] == "box.read"]


@pytest.mark.slow  # 18 pages
async def test_nobody_else_sees_any_of_it(office) -> None:
    box, elsewhere = await office.send(GUEST), await office.send(OTHER, owner="boss@example.com")
    guest = await person_id(office, box)
    browser = await office.signed_in("boss@example.com")
    for what in ("", "/documents.zip", "/message.eml", "/formatted/x", "/pictures/x", "/documents/x"):
        for path in (f"/boxes/{box}{what}", f"/boxes/{box}/as/{guest}{what}", f"/boxes/{elsewhere}/as/{guest}{what}"):
            await browser.get(path)
            assert browser.status == 404, path


@pytest.mark.slow
async def test_a_copy_ends_with_the_part_in_the_box(office) -> None:
    box = await office.send(GUEST)
    await office.boxes.add(box, "boss@example.com", Principal.person(OWNER), role=Role.COLLEAGUE)
    browser = await office.signed_in("boss@example.com", box)
    for path in ("documents.zip", "message.eml"):
        await browser.get(f"/boxes/{box}/{path}")
        assert browser.status == 200
    opened = await office.boxes.open_for(box, Principal.person(OWNER))
    await office.boxes.recall_document(box, opened.messages[0].documents[0].id, "", Principal.person(OWNER))
    for path in ("documents.zip", "message.eml"):  # what was taken back is in it
        await browser.get(f"/boxes/{box}/{path}")
        assert browser.status == 404
    form = FormData({"csrf": browser.csrf, "message": "x"})
    await office.boxes.remove(box, "boss@example.com", Principal.person(OWNER), role=Role.COLLEAGUE)
    await browser.go("POST", f"/boxes/{box}/pictures", data=form)
    assert browser.status in (403, 404)

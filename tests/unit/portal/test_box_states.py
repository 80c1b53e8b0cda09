"""Pages for what a message can become: closed, taken back in part, ended for one; and consent before reading."""

import asyncio
from dataclasses import replace

import pytest

from delivery.safebox.participants import Person
from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, GuestState, Role

CONSENT = Profile.model_validate(
    {
        "participants": {
            "consent": {"version": "2026-01", "texts": {"en": "Keep it <secret>.\n\nTwice.", "de": "Geheim."}}
        }
    }
)


async def test_nothing_is_shown_before_the_text_is_accepted(portal, box, guest) -> None:
    box.change(profile=CONSENT, consent_wanted=True)
    document = box.add_document("secret.pdf", b"x")
    await guest.open_by_code(portal.boxes, box)
    assert guest.path == f"{box.here}/consent"
    assert "Keep it &lt;secret&gt;." in guest.text and "<p>Twice.</p>" in guest.text
    assert "all is well" not in guest.text
    for inner in (f"{box.here}/documents/{document.id}", f"{box.here}/documents.zip", f"{box.here}/message.eml"):
        await guest.get(inner)
        assert guest.path == f"{box.here}/consent"
    assert not [act for act in portal.boxes.acts if act[0] in ("read", "downloaded")]
    assert await guest.post(f"{box.here}/consent", {"version": "2026-01"}) == 422
    assert "tick the box" in guest.text and "<title>Error" in guest.text
    await guest.post(f"{box.here}/consent", {"version": "2025-12", "accepts": "yes"})
    assert guest.path == f"{box.here}/consent"  # the version that was shown is not the one in force
    assert await guest.post(f"{box.here}/consent", {"version": "2026-01", "accepts": "yes"}) == 200
    assert guest.path == box.here and "all is well" in guest.text
    await guest.get(f"{box.here}/consent")
    assert guest.path == box.here


async def test_the_text_is_in_the_readers_language_where_there_is_one(portal, box, guest) -> None:
    box.change(profile=CONSENT, consent_wanted=True)
    await guest.open_by_code(portal.boxes, box)
    await guest.get(f"{box.here}/consent", headers={"Accept-Language": "xx, de-CH;q=0.9, en;q=0.5"})
    assert 'lang="de"' in guest.text and "Geheim." in guest.text


async def test_who_does_not_accept_may_still_say_that_it_was_not_for_them(portal, box, guest) -> None:
    box.change(profile=CONSENT, consent_wanted=True)
    await guest.open_by_code(portal.boxes, box)
    assert await guest.get(f"{box.here}/not-for-me") == 200
    assert await guest.post(f"{box.here}/not-for-me", {}) == 410


async def test_who_was_removed_learns_that_and_sees_nothing(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    box.change(removed=True)
    for path in (box.here, box.path):
        assert await guest.get(path) == 410
        assert "You no longer take part in this message" in guest.text
        assert "all is well" not in guest.text


async def test_a_document_that_was_taken_back_shows_its_reason(portal, box, guest) -> None:
    box.add_document("wrong.pdf", b"x", recalled_at=portal.clock.now, recall_reason="The wrong <file>.")
    kept = box.add_document("right.pdf", b"y" * 5)
    await guest.open_by_code(portal.boxes, box)
    assert "The sender took this document back on" in guest.text and "The wrong &lt;file&gt;." in guest.text
    [line] = [row for row in guest.text.splitlines() if "wrong.pdf" in row]
    assert "Download" not in line
    await guest.get(f"{box.here}/documents.zip")
    assert ("downloaded", kept.id) in portal.boxes.acts


async def test_a_closed_message_can_be_asked_to_be_opened_again(portal, box, guest) -> None:
    box.change(state=BoxState.CLOSED)
    await guest.open_by_code(portal.boxes, box)
    assert "Ask the sender to open it again" in guest.text
    assert await guest.post(f"{box.here}/ask", {"note": " One more thing. "}) == 200
    assert portal.boxes.notes == ["One more thing."]
    assert "We have told the sender." in guest.text and "Ask the sender to open it again" not in guest.text
    box.change(state=BoxState.OPEN)
    await guest.post(f"{box.here}/ask", {"note": "again"})
    assert len(portal.boxes.notes) == 1  # it is open: there is nothing to ask for


@pytest.mark.parametrize("life", [{"reopening": False}, {"retention": "none"}])
async def test_what_cannot_be_opened_again_is_not_asked_for(portal, box, guest, life) -> None:
    box.change(state=BoxState.CLOSED, profile=Profile.model_validate({"life": life}))
    await guest.open_by_code(portal.boxes, box)
    assert "Ask the sender" not in guest.text


async def test_settings_are_told_in_plain_words(portal, box, guest) -> None:
    await guest.open_by_code(portal.boxes, box)
    assert "If others got it too" in guest.text
    assert "A reply keeps it open for 7 days" in guest.text
    assert "The sender gets an e-mail when you first open it." in guest.text
    said = {"participants": {"replies": "all", "others": "visible"}, "notice": {"opened": "every"}}
    box.change(profile=Profile.model_validate(said), deletes_at=None)
    await guest.get(box.here)
    for shown in ("reads every reply", "each time you open it", "until the sender deletes it"):
        assert shown in guest.text


@pytest.mark.parametrize("role", [Role.PRIVILEGED, Role.COLLEAGUE])
async def test_who_helps_the_sender_is_told_that_they_see_everybody(portal, box, guest, role) -> None:
    box.change(role=role)
    await guest.open_by_code(portal.boxes, box)
    assert "You see everybody who got it. They do not see each other." in guest.text
    assert "If others got it" not in guest.text


async def test_roles_are_named_and_an_alias_hides_the_address(portal, box, guest) -> None:
    box.other_guest = Person("x", "Records", "records@example.com", Role.COLLEAGUE, GuestState.READ)
    await guest.open_by_code(portal.boxes, box)
    assert "a colleague of the sender" in guest.text
    box.other_guest = Person("x", "Advisor", "", Role.GUEST, GuestState.READ)
    box.messages.append(replace(box.messages[0], id="m2", author=box.other_guest, is_original=False))
    assert await guest.get(box.here) == 200
    assert "Advisor" in guest.text


async def test_a_followed_link_is_noted_and_opens_nothing(portal, box, guest) -> None:
    await guest.get(box.path)
    assert [who for who, _ in portal.boxes.fetches] == [box.invitation.participant_id]
    assert not portal.boxes.acts


async def test_how_far_a_download_came_is_noted(portal, box, guest) -> None:
    document = box.add_document("r.pdf", b"x" * 1000)
    await guest.open_by_code(portal.boxes, box)
    path = f"{box.here}/documents/{document.id}"
    await guest.get(path)
    await guest.get(path, headers={"Range": "bytes=0-99"})
    await guest.get(path, headers={"Range": "bytes=100-199"})  # a piece in the middle tells nothing
    await guest.get(path, headers={"Range": "bytes=100-999"})
    async with asyncio.timeout(5):
        while len(portal.boxes.ends) < 3:  # each is written once the last byte is out
            await asyncio.sleep(0.005)
    assert portal.boxes.ends == [(document.id, start, stop, 1000) for start, stop in ((0, 1000), (0, 100), (100, 1000))]

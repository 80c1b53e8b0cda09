"""A mail becomes a box: who is in which, once, and nobody learns of a blind copy."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.header import Header as EmailHeader
from email.message import EmailMessage

import pytest

from delivery.couriers.courier import Deferred, Refused, Stored
from delivery.safebox.acting import NOBODY
from delivery.safebox.authority import ActResult, Principal
from delivery.safebox.inplace import shown_in_place
from delivery.safebox.participants import Way
from delivery.safebox.profile import Profile
from delivery.store.boxes import GuestState
from policy.decision import Changes

ADMIN = Principal.admin("admin")

WriteMail = Callable[..., bytes]


async def test_a_mail_is_kept_and_its_guest_invited(world, write_mail: WriteMail) -> None:
    outcomes = await world.keep(write_mail(files=[("a.pdf", b"%PDF")]), ["bob@guest.example"])
    assert [type(outcome) for outcome in outcomes] == [Stored]
    [notice] = world.posted()
    assert notice.recipient == "bob@guest.example"
    assert notice.kind == "notice"
    assert not notice.inside
    assert notice.sender == "alice@example.com"  # no domain for bounces: they go to the owner
    invitation = await world.boxes.by_link("default", notice.link.rpartition("/")[2])
    assert invitation is not None
    assert invitation.sender_name == "Alice Muster"
    assert invitation.guest_name == "Bob Guest"
    assert invitation.document_count == 1
    assert invitation.subject is None
    assert invitation.guest_state is GuestState.INVITED
    assert world.events()[-3:] == ["box.created", "box.joined", "notice.enqueued"]


@pytest.mark.parametrize("name", ["ceo@example.com", "ceo\uff20example.com", "Call ceo@example.com"])
async def test_a_name_that_is_an_address_is_no_name(world, name: str) -> None:
    """A guest who reads an address reads the sender's own."""
    message = EmailMessage()
    message["From"] = EmailHeader(name, "utf-8").encode() + " <alice@example.com>"
    message["To"] = "bob@guest.example"
    message.set_content("text")
    await world.keep(message.as_bytes(), ["bob@guest.example"])
    [notice] = world.posted()
    assert "ceo" not in notice.text and "alice@example.com has written to you" in notice.text


async def test_who_answers_for_mail_from_nobody_goes_by_no_other_name(world, write_mail: WriteMail) -> None:
    delivery = world.delivery(write_mail(), ["bob@guest.example"])
    message = replace(delivery.message, sender=None, owner="postmaster@example.com")
    await world.end(list((await world.courier.deliver(replace(delivery, message=message))).values()))
    [notice] = world.posted()
    assert "Alice" not in notice.text and "postmaster@example.com has written to you" in notice.text


async def test_pictures_shown_in_place_are_not_counted_as_documents(world) -> None:
    message = EmailMessage()
    message["To"] = "bob@guest.example"
    message.set_content("text")
    message.add_alternative('<img src="cid:pic@x">', subtype="html")
    message.get_payload()[1].add_related(b"PNG", "image", "png", cid="<pic@x>")
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
    await world.keep(message.as_bytes(), ["bob@guest.example"])
    assert "with 1 document." in world.posted()[0].text
    guest = await world.guest()
    assert (await world.boxes.invitation("default", guest)).document_count == 1
    opened = await world.boxes.open_box("default", guest, world.code)
    assert sorted(document.kind for document in opened.messages[0].documents) == ["pdf", "picture"]


def test_which_pictures_html_shows() -> None:
    shown = shown_in_place(
        "<IMG alt='a>b' SRC = 'CID:one@x'><img src=cid:two%40x><img src=\"cid:three&#64;x\"> cid:text"
    )
    assert shown == {"one@x", "two@x", "three@x"}


async def test_what_is_not_shown_in_place_is_counted_as_the_letter_lists_it(world) -> None:
    message = EmailMessage()
    message["To"] = "bob@guest.example"
    message.set_content("text")
    message.add_alternative('<img src="cid:p1%40x"><img src="cid:drawing"> <p>cid:p</p>', subtype="html")
    html = message.get_payload()[1]
    html.add_related(b"PNG", "image", "png", cid="<p1@x>")
    html.add_related(b"PNG", "image", "png", cid="<p>", filename="listed.png")
    html.add_related(b"<svg/>", "image", "svg+xml", cid="<drawing>", filename="listed.svg")
    await world.keep(message.as_bytes(), ["bob@guest.example"])
    assert "with 2 documents." in world.posted()[0].text


async def test_guests_of_one_mail_share_a_box(world, write_mail: WriteMail) -> None:
    raw = write_mail(to="bob@guest.example, carol@else.example")
    await world.keep(raw, ["bob@guest.example", "carol@else.example"])
    assert len(world.rows("select id from boxes")) == 1
    assert len(world.posted()) == 2


async def test_a_blind_copy_is_a_box_of_its_own_and_named_nowhere(world, write_mail: WriteMail) -> None:
    raw = write_mail(Bcc="Eve <eve@hidden.example>", Resent_Bcc="eve@hidden.example")
    await world.keep(raw, ["bob@guest.example", "eve@hidden.example", "dan@hidden.example"])
    assert len(world.rows("select id from boxes")) == 3
    bob = await world.guest()
    opened = await world.boxes.open_box("default", bob, world.code)
    assert opened is not None
    assert "hidden.example" not in repr([opened.messages, [p.address for p in opened.people], opened.messages[0].to])
    original = await world.boxes.original("default", bob)
    assert original is not None
    whole = b"".join(original.read(0, original.size))
    original.close()
    assert b"SECRETTEXT" in whole
    assert b"hidden" not in whole
    assert b"bcc" not in whole.lower()
    eve = await world.guest("eve@hidden.example")
    seen = await world.boxes.open_box("default", eve, world.code)
    assert seen is not None
    assert {p.address for p in seen.people} == {"alice@example.com", "eve@hidden.example"}


async def test_the_same_address_twice_is_invited_once(world, write_mail: WriteMail) -> None:
    await world.keep(write_mail(), ["bob@guest.example", "Bob@GUEST.example"])
    assert len(world.posted()) == 1


async def test_a_retry_after_everything_happened_changes_nothing(world, write_mail: WriteMail) -> None:
    for _ in range(2):
        await world.keep(write_mail(), ["bob@guest.example"], message_id="m1")
    assert len(world.rows("select id from boxes")) == 1
    assert len(world.posted()) == 1


async def test_two_couriers_at_once_make_one_box(world, write_mail: WriteMail) -> None:
    raw = write_mail(to="bob@guest.example, carol@else.example", files=[("big.pdf", b"x" * 200_000)])
    both = await asyncio.gather(
        world.courier.deliver(world.delivery(raw, ["bob@guest.example"], message_id="m1")),
        world.courier.deliver(
            world.delivery(raw, ["carol@else.example"], message_id="m1", changes=Changes(subject="[x] Your results"))
        ),
    )
    for outcomes in both:
        await world.end(list(outcomes.values()))
    assert len(world.rows("select id from boxes")) == 1
    assert len(world.rows("select id from box_documents")) == 1
    for address in ("bob@guest.example", "carol@else.example"):  # the loser's secrets are under the winner's key
        invitation = (await world.boxes.for_address("default", address))[0].invitation
        assert await world.boxes.by_reference("default", invitation.reference.lower().replace("-", " "))
        assert await world.boxes.open_box("default", invitation.participant_id, world.code)


async def test_a_crash_before_the_end_leaves_nothing_but_blobs(world, write_mail: WriteMail) -> None:
    raw = write_mail(files=[("big.pdf", b"x" * 200_000)])
    await world.courier.deliver(world.delivery(raw, ["bob@guest.example"], message_id="m1"))
    assert not world.rows("select id from boxes")
    assert len(world.files()) == 2
    await world.keep(raw, ["bob@guest.example"], message_id="m1")
    assert len(world.rows("select id from boxes")) == 1


async def test_other_profiles_are_other_boxes_and_unknown_ones_wait(build, write_mail: WriteMail) -> None:
    strict = Profile.model_validate({"signin": {"account": "obligatory"}, "notice": {"subject": True}})
    world = build(profiles={"standard": Profile(), "strict": strict})
    await world.keep(write_mail(), ["bob@guest.example"], message_id="m1", profile="strict")
    [outcome] = await world.keep(write_mail(), ["carol@else.example"], message_id="m1", profile="gone")
    assert isinstance(outcome, Deferred)
    [notice] = world.posted()
    assert "Subject: Your results of Tuesday" in notice.text
    assert "sign in with an account" in " ".join(notice.text.split())
    invitation = await world.boxes.invitation("default", await world.guest())
    assert invitation is not None
    assert invitation.needs_account
    assert not invitation.opened_by(Way.CODE)


async def test_a_box_taken_back_takes_no_more_guests(world, write_mail: WriteMail) -> None:
    raw = write_mail(to="bob@guest.example, carol@else.example")
    await world.keep(raw, ["bob@guest.example"], message_id="m1")
    box = world.rows("select id from boxes")[0].id
    late = await world.courier.deliver(world.delivery(raw, ["carol@else.example"], message_id="m1"))
    assert await world.boxes.recall(box, "wrong file", ADMIN)
    await world.end(list(late.values()))  # prepared before the recall: she is in the record, but not called
    assert [one.recipient for one in world.posted()] == ["bob@guest.example", "alice@example.com"]
    [outcome] = await world.keep(raw, ["dan@else.example, carol@else.example".partition(",")[0]], message_id="m2")
    assert isinstance(outcome, Stored)
    [refused] = await world.keep(raw, ["carol@else.example"], message_id="m1")
    assert isinstance(refused, Refused)


async def test_a_fallback_is_told_to_the_owner_and_opens_by_no_mailed_code(world, write_mail: WriteMail) -> None:
    await world.keep(write_mail(), ["bob@guest.example"], fell_back=True)
    bob = await world.guest()
    to_owner = world.posted("alice@example.com")[0]
    assert to_owner.inside
    assert "sealgate box release" in to_owner.text
    assert "call the sender" in " ".join(world.posted("bob@guest.example")[0].text.split())
    assert not await world.boxes.send_code("default", bob, "123456", timedelta(minutes=15), world.code)
    assert await world.boxes.open_box("default", bob, world.code) is None
    assert await world.boxes.open_box("default", bob, world.account) is None  # an account made after the box
    box = (await world.boxes.list())[0]
    assert await world.boxes.release(box.id, "Bob@Guest.Example", ADMIN)
    assert not await world.boxes.release(box.id, "bob@guest.example", ADMIN)
    assert await world.boxes.release(box.id, "nobody@guest.example", ADMIN) == ActResult(False, NOBODY)
    assert await world.boxes.open_box("default", bob, world.code)


@pytest.mark.parametrize("address", ['"a b"@guest.example', "j\u00f6@guest.example"])
async def test_odd_addresses_are_invited_too(world, write_mail: WriteMail, address: str) -> None:
    await world.keep(write_mail(), [address])
    assert [one.recipient for one in world.posted()] == [address]


async def test_an_address_no_header_can_hold_is_refused(world, write_mail: WriteMail) -> None:
    [outcome] = await world.keep(write_mail(), ["a,b@guest.example"])
    assert isinstance(outcome, Refused)


async def test_nothing_lies_in_the_clear(kept) -> None:
    kept.db.write_now(lambda conn: None)
    found = b"".join(path.read_bytes() for path in kept.folder.rglob("*") if path.is_file())
    for secret in (b"SECRETTEXT", b"SECRETNAME", b"SECRETFILE", b"Your results", b"Bob Guest"):
        assert secret not in found


async def test_what_the_sender_asked_for_is_frozen_into_the_box(build, write_mail: WriteMail) -> None:
    world = build(profiles={"standard": Profile.model_validate({"adjust": {"open_for": {"to": "60 days"}}})})
    changes = Changes(subject="Results", wishes=("7d", "standard", "no-reply", "sooner"))
    await world.keep(write_mail(subject="[secure 7d] Results"), ["bob@guest.example"], changes=changes)
    [box] = await world.boxes.list()
    assert (box.closes_at - box.created_at).days == 7
    invitation = await world.boxes.invitation("default", await world.guest())
    assert invitation.answerable  # not the sender's to change
    opened = await world.boxes.open_box("default", invitation.participant_id, world.code)
    assert opened.subject == "Results"

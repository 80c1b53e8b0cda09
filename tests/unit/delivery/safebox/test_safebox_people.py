"""Who takes part: roles, added and removed, consent, answers among all, blind copies, and whose box it is."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from delivery.safebox.authority import Principal
from delivery.safebox.participants import Way
from delivery.safebox.profile import Profile
from delivery.store.boxes import Role

NS = "default"
ADMIN = Principal.admin("root")
ALICE = Principal.person("alice@example.com")
BOB = "bob@guest.example"
TO_ALL = {"participants": {"replies": "all", "others": "visible"}}


async def boxed(world, raw, recipients=(BOB,)) -> str:
    await world.keep(raw, list(recipients))
    return (await world.boxes.list())[0].id


async def answer(world, participant: str, text: str) -> bool:
    draft = await world.boxes.begin_answer(NS, participant, world.code)
    return draft is not None and await draft.send(text) is not None


async def texts(world, participant: str) -> list[str]:
    opened = await world.boxes.open_box(NS, participant, world.code)
    return [message.text.strip() for message in opened.messages]


@pytest.mark.slow
async def test_people_of_the_profile_take_part_in_every_box(build, write_mail) -> None:
    said = {"privileged": ["Dana <dana@example.com>"], "colleagues": ["records@example.com", "dana@example.com"]}
    world = build(profiles={"standard": Profile.model_validate({"participants": said})})
    box = await boxed(world, write_mail())
    [summary] = await world.boxes.list()
    assert {(one.address, one.role) for one in summary.staff} == {
        ("dana@example.com", Role.PRIVILEGED),
        ("records@example.com", Role.COLLEAGUE),
    }
    assert len(world.posted("dana@example.com")) == 1
    await world.keep(write_mail(to="x@else.example"), ["x@else.example"], message_id="m2")
    dana, records = Principal.person("DANA@example.com"), Principal.person("records@example.com")
    assert len(await world.boxes.list_of(NS, dana)) == len(await world.boxes.list_of(NS, ALICE)) == 2
    assert not await world.boxes.close(box, records)  # a colleague changes nothing
    assert (await world.boxes.show(box, records)).summary.id == box
    assert await world.boxes.close(box, dana)


async def test_someone_elses_box_is_the_same_as_none(kept) -> None:
    box = (await kept.boxes.list())[0].id
    for stranger in (Principal.person("eve@example.com"), Principal.person(BOB)):  # a guest keeps nothing
        assert await kept.boxes.show(box, stranger) is None
        assert await kept.boxes.activity(box, stranger) is None
        assert await kept.boxes.fates(box, stranger) is None
        assert await kept.boxes.open_for(box, stranger) is None
        assert await kept.boxes.begin_message(box, stranger, kept.code) is None
        for act in (
            kept.boxes.close(box, stranger),
            kept.boxes.extend(box, stranger, kept.clock.now),
            kept.boxes.delete(box, stranger),
            kept.boxes.recall(box, "", stranger),
            kept.boxes.recall_guest(box, BOB, "", stranger),
            kept.boxes.recall_document(box, "x", "", stranger),
            kept.boxes.add(box, "c@else.example", stranger),
            kept.boxes.remove(box, BOB, stranger),
            kept.boxes.resend_notice(box, BOB, stranger),
            kept.boxes.unlock_guest(box, BOB, stranger),
            kept.boxes.proof_of(box, BOB, stranger),
        ):
            assert await act is None
    assert await kept.boxes.list_of(NS, Principal.person(BOB)) == ()
    assert await kept.boxes.show("nothing", ALICE) is None


@pytest.mark.slow
async def test_removed_is_out_at_once_and_may_come_back(kept) -> None:
    box, bob = (await kept.boxes.list())[0].id, await kept.guest()
    link = kept.posted(BOB)[0].link.rpartition("/")[2]
    assert await kept.boxes.remove(box, "Bob@Guest.Example", ALICE)
    assert not await kept.boxes.remove(box, BOB, ALICE)
    assert (await kept.boxes.by_link(NS, link)).removed
    assert await kept.boxes.open_box(NS, bob, kept.code) is None
    assert await kept.boxes.begin_answer(NS, bob, kept.code) is None
    assert not await kept.boxes.decline(NS, bob, kept.code)
    assert (await kept.boxes.resend_notice(box, BOB, ALICE)).sentence == "This person no longer takes part."
    assert await kept.boxes.add(box, BOB, ALICE)
    assert await kept.boxes.open_box(NS, bob, kept.code)
    assert len(kept.posted(BOB)) == 2
    assert kept.events().count("box.joined") == 2


async def test_added_while_open_and_not_twice(kept) -> None:
    box = (await kept.boxes.list())[0].id
    carol = "Carol@else.example"
    said = await asyncio.gather(*(kept.boxes.add(box, carol, ALICE, name="Carol") for _ in range(2)))
    assert sorted(bool(one) for one in said) == [False, True]
    assert not await kept.boxes.add(box, "carol@ELSE.example", ALICE)
    assert not await kept.boxes.add(box, "no address", ALICE)
    assert not await kept.boxes.add(box, "x@example.com", ALICE, role=Role.OWNER)
    assert "organisation" in (await kept.boxes.add(box, "x@else.example", ALICE, role=Role.PRIVILEGED)).sentence
    [invitation] = kept.posted("Carol@else.example")
    assert "Carol" in invitation.text
    assert await kept.boxes.open_box(NS, await kept.guest(carol), kept.code)
    assert await kept.boxes.close(box, ALICE)
    assert "open it again" in (await kept.boxes.add(box, "d@else.example", ALICE)).sentence


async def test_a_profile_may_let_nobody_be_added(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate({"participants": {"may_add": False}})})
    box = await boxed(world, write_mail())
    assert not await world.boxes.add(box, "c@else.example", ALICE)
    assert not await world.boxes.add(box, "c@else.example", ALICE, force=True)  # only an admin insists
    assert await world.boxes.add(box, "c@else.example", ADMIN, force=True)


async def test_among_all_everybody_reads_and_is_told(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate(TO_ALL)})
    raw = write_mail(to=f"{BOB}, carol@else.example")
    await world.keep(raw, [BOB, "carol@else.example"])
    bob, carol = await world.guest(), await world.guest("carol@else.example")
    opened = await world.boxes.open_box(NS, bob, world.code)
    assert {one.address for one in opened.reply_to} == {"alice@example.com", "carol@else.example"}
    assert await answer(world, bob, "hello all")
    assert (await texts(world, carol))[-1] == "hello all"
    assert world.posted("carol@else.example")[-1].mail["Subject"].startswith("There is more")
    assert len(world.posted(BOB)) == 1
    assert [one.kind for one in world.posted("alice@example.com")].count("answer") == 1


@pytest.mark.slow
async def test_otherwise_an_answer_stays_with_the_owners_side(build, write_mail) -> None:
    said = {"others": "visible", "colleagues": ["records@example.com"]}
    world = build(profiles={"standard": Profile.model_validate({"participants": said})})
    await world.keep(write_mail(to=f"{BOB}, carol@else.example"), [BOB, "carol@else.example"])
    bob, carol, records = [await world.guest(one) for one in (BOB, "carol@else.example", "records@example.com")]
    assert await answer(world, bob, "for you alone")
    assert "for you alone" not in await texts(world, carol)
    assert "for you alone" in await texts(world, records)
    assert len(world.posted("carol@else.example")) == 1
    assert len(world.posted("records@example.com")) == 2
    assert await answer(world, records, "noted")
    assert "noted" not in await texts(world, bob)


async def test_what_the_owner_writes_everybody_reads(build, write_mail) -> None:
    world = build()
    await world.keep(write_mail(to=f"{BOB}, carol@else.example"), [BOB, "carol@else.example"])
    box = (await world.boxes.list())[0].id
    draft = await world.boxes.begin_message(box, ALICE, replace(world.account, way=Way.CODE))
    await draft.add_document("more.txt", "text/plain")
    await draft.write(b"more")
    await draft.finish_document()
    assert await draft.send("One thing more.")
    for address in (BOB, "carol@else.example"):
        assert (await texts(world, await world.guest(address)))[-1] == "One thing more."
        assert len(world.posted(address)) == 2
    seen = await world.boxes.open_for(box, ALICE)
    assert [message.text.strip() for message in seen.messages][-1] == "One thing more."
    [document] = seen.messages[-1].documents
    reader = await world.boxes.document_for(box, document.id, ALICE)
    assert b"".join(reader.read(0, reader.size)) == b"more"
    assert await world.boxes.document_for(box, document.id, Principal.person(BOB)) is None


async def test_who_writes_to_themselves_is_owner_and_guest(world, write_mail) -> None:
    box = await boxed(world, write_mail(to="alice@example.com"), ["alice@example.com"])
    mine = await world.guest("alice@example.com")
    assert await world.boxes.open_box(NS, mine, world.code)
    assert await world.boxes.open_for(box, ALICE)
    assert [one.role for one in await world.boxes.activity(box, ALICE)] == [Role.GUEST]
    assert await world.boxes.remove(box, "alice@example.com", ALICE)  # the guest, never the owner
    assert await world.boxes.close(box, ALICE)


@pytest.mark.slow
async def test_nobody_learns_of_a_blind_copy_even_among_all(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate(TO_ALL)})
    await world.keep(write_mail(), [BOB, "hidden@else.example"])
    bob, hidden = await world.guest(), await world.guest("hidden@else.example")
    seen = await world.boxes.open_box(NS, bob, world.code)
    assert {one.address for one in seen.people} == {"alice@example.com", BOB}
    assert await answer(world, hidden, "psst")
    assert "psst" not in await texts(world, bob)
    assert {one.address for one in (await world.boxes.open_box(NS, hidden, world.code)).people} == {
        "alice@example.com",
        "hidden@else.example",
    }


@pytest.mark.slow
async def test_an_alias_stands_for_name_and_address(build, write_mail) -> None:
    said = {"participants": {**TO_ALL["participants"], "alias": "The office"}}
    world = build(profiles={"standard": Profile.model_validate(said)})
    box = await boxed(world, write_mail())
    assert await world.boxes.add(box, "carol@else.example", ALICE, name="Carol", alias="Advisor")
    seen = await world.boxes.open_box(NS, await world.guest(), world.code)
    people = {(one.name, one.address) for one in seen.people}
    assert ("Advisor", "") in people and ("The office", "alice@example.com") in people
    assert "Carol" not in repr(people) and "carol" not in repr(people)
    assert "The office" in str(world.posted(BOB)[0].mail["From"]) and "Alice" not in world.posted(BOB)[0].text
    assert await world.boxes.send_code(NS, await world.guest(), "123456", timedelta(minutes=15), world.code)
    assert "Alice" not in world.posted(BOB)[-1].text
    assert "carol@else.example" in {one.address for one in (await world.boxes.open_for(box, ALICE)).people}


async def test_consent_comes_before_content(build, write_mail) -> None:
    consent = {"version": "2", "texts": {"en": "Agreed?"}}
    world = build(profiles={"standard": Profile.model_validate({"participants": {"consent": consent}})})
    await boxed(world, write_mail(files=[("a.pdf", b"x")]))
    bob = await world.guest()
    assert (await world.boxes.invitation(NS, bob)).consent_wanted
    assert await world.boxes.open_box(NS, bob, world.code) is None
    assert await world.boxes.open_box(NS, bob, None) is None
    assert await world.boxes.original(NS, bob) is None
    assert not await world.boxes.downloaded(NS, bob, (), world.code, original=True)
    assert await world.boxes.begin_answer(NS, bob, world.code) is None
    assert not await world.boxes.consent(NS, bob, "1", world.code)
    assert not await world.boxes.consent(NS, bob, "2", replace(world.code, way=Way.LINK))
    assert await world.boxes.consent(NS, bob, "2", world.code)
    assert await world.boxes.consent(NS, bob, "2", world.code)  # again is no matter, and is written once
    assert await world.boxes.open_box(NS, bob, world.code)
    assert world.events().count("box.consented") == 1
    [track] = await world.boxes.activity((await world.boxes.list())[0].id, ADMIN)
    assert (track.consented_version, track.consented_at) == ("2", world.clock.now)

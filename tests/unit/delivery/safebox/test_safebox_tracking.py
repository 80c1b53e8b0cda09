"""What is known of each guest, who is told of it, and what a recall could and could not take back."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import text

from delivery.items import Destination, NewItem, NewMessage
from delivery.safebox.authority import Principal
from delivery.safebox.opening import Withdrawn
from delivery.safebox.participants import Way
from delivery.safebox.profile import Profile
from delivery.safebox.recalling import Reached
from delivery.safebox.tracking import Download
from delivery.store.boxes import BoxState, Role
from policy.decision import Route

NS = "default"
ALICE = Principal.person("alice@example.com")
BOB = "bob@guest.example"


async def boxed(world, write_mail, people=(BOB,), files=(("r.pdf", b"x" * 1000),)) -> str:
    await world.keep(write_mail(to=", ".join(people), files=files), list(people), message_id="m1")
    return (await world.boxes.list())[0].id


async def documents(world, guest: str) -> list[str]:
    opened = await world.boxes.open_for((await world.boxes.list())[0].id, ALICE)
    return [document.id for message in opened.messages for document in message.documents]


async def test_each_guests_side_is_told(world, write_mail) -> None:
    box = await boxed(world, write_mail)
    bob = await world.guest()
    link = replace(world.code, way=Way.LINK, agent="Scanner")
    for _ in range(3):
        await world.boxes.fetched(NS, bob, link)  # once an hour for each network
    await world.boxes.fetched(NS, bob, replace(link, network="198.51.100.9"))
    for host in (1, 2):  # one /64 is one network
        await world.boxes.fetched(NS, bob, replace(link, network=f"2001:db8::{host}"))
    world.clock.pass_(hours=1)
    await world.boxes.open_box(NS, bob, world.code)
    await world.boxes.open_box(NS, bob, world.code)
    [document] = await documents(world, bob)
    await world.boxes.downloaded(NS, bob, (document,), world.code)
    await world.boxes.download_ended(NS, bob, document, world.code, start=0, stop=400, size=1000)
    draft = await world.boxes.begin_answer(NS, bob, world.code)
    await draft.send("thanks")
    [track] = await world.boxes.activity(box, ALICE)
    assert [(one.network, one.agent) for one in track.links_fetched] == [
        ("192.0.2.7", "Scanner"),
        ("198.51.100.9", "Scanner"),
        ("2001:db8::1", "Scanner"),
    ]
    assert [(one.at, one.way, one.network, one.agent) for one in track.opened] == [
        (world.clock.now, "code", "192.0.2.7", "Browser")
    ] * 2
    assert track.downloads == (Download(document, world.clock.now, "192.0.2.7", 400, False),)
    assert track.replied == (world.clock.now,)
    await world.boxes.download_ended(NS, bob, document, world.code, start=400, stop=1000, size=1000)
    [track] = await world.boxes.activity(box, ALICE)
    assert [(one.sent_bytes, one.whole) for one in track.downloads] == [(1000, True)]
    await world.boxes.downloaded(NS, bob, (), world.code, original=True)
    [track] = await world.boxes.activity(box, ALICE)
    assert [(one.document_id, one.whole) for one in track.downloads] == [(document, True), ("", None)]


@pytest.mark.parametrize(("told", "mails"), [("first", [1, 1, 1]), ("every", [1, 1, 2]), ("never", [0, 0, 0])])
async def test_the_owner_is_told_as_the_profile_says(build, write_mail, told: str, mails: list[int]) -> None:
    world = build(profiles={"standard": Profile.model_validate({"notice": {"opened": told}})})
    await boxed(world, write_mail)
    bob, seen = await world.guest(), []
    for hours in (0, 0, 1):  # a page that is loaded again at once is the same opening
        world.clock.pass_(hours=hours)
        await world.boxes.open_box(NS, bob, world.code)
        seen.append(len(world.posted("alice@example.com")))
    assert seen == mails
    for mail in world.posted("alice@example.com"):
        assert mail.mail["In-Reply-To"] == "<original@example.com>"


async def test_a_recall_tells_what_it_could_not_take_back(world, write_mail) -> None:
    people = [BOB, "b@x.example", "c@x.example", "d@x.example"]
    box = await boxed(world, write_mail, people)
    reads, takes, looks = [await world.guest(one) for one in people[:3]]
    await world.boxes.open_box(NS, reads, world.code)
    await world.boxes.open_box(NS, takes, world.code)
    await world.boxes.fetched(NS, looks, world.code)
    await world.boxes.downloaded(NS, takes, tuple(await documents(world, takes)), world.code)
    mail = NewMessage(NS, "alice@example.com", "alice@example.com", "s", b"\r\n", world.clock.now, id="m1")
    await world.queue.accept(mail, [NewItem("e@x.example", Destination(Route.RELAY))])
    assert Reached.WAITING in {fate.reached for fate in await world.boxes.fates(box, ALICE)}
    await world.db.write(lambda conn: conn.execute(text("update items set state = 'sent' where kind = 'mail'")))
    said = await world.boxes.recall(box, "The wrong week.", ALICE)
    assert {fate.address: fate.reached for fate in said.fates} == {
        BOB: Reached.OPENED,
        "b@x.example": Reached.DOWNLOADED,
        "c@x.example": Reached.LINK,
        "d@x.example": Reached.NEVER,
        "e@x.example": Reached.RELAYED,
    }
    [kept] = [fate for fate in said.fates if fate.documents]
    assert kept.documents == ("r.pdf",)
    assert [fate.is_beyond for fate in said.fates] == [True, True, False, False, True]
    mail = world.posted("alice@example.com")[-1]
    told = " ".join(mail.text.split())
    assert "b@x.example has had it since" in told and "downloaded: r.pdf." in told
    assert "e@x.example got it by ordinary mail" in told
    assert mail.mail["In-Reply-To"] == "<original@example.com>"
    assert (await world.boxes.invitation(NS, reads)).recall_reason == "The wrong week."


async def test_of_a_blind_copy_by_another_way_only_the_sender_learns(world, write_mail) -> None:
    await world.keep(write_mail(to=f"{BOB}, Named <named@x.example>"), [BOB], message_id="m1")
    box = (await world.boxes.list())[0].id
    assert await world.boxes.add(box, "dana@example.com", ALICE, role=Role.PRIVILEGED)
    mail = NewMessage(NS, "alice@example.com", "alice@example.com", "s", b"\r\n", world.clock.now, id="m1")
    others = [NewItem(one, Destination(Route.RELAY)) for one in ("named@x.example", "blind@x.example")]
    await world.queue.accept(mail, others)
    dana = Principal.person("dana@example.com")

    def beyond(fates) -> set[str]:
        return {fate.address for fate in fates if fate.reached is Reached.WAITING}

    assert beyond(await world.boxes.fates(box, dana)) == {"named@x.example"}
    assert beyond(await world.boxes.fates(box, ALICE)) == {"named@x.example", "blind@x.example"}
    assert beyond((await world.boxes.recall(box, "", dana)).fates) == {"named@x.example"}
    assert "blind@x.example" in world.posted("alice@example.com")[-1].text, "the sender hears of it whoever did it"


@pytest.mark.slow
async def test_one_guest_is_taken_back_from_and_the_others_read_on(world, write_mail) -> None:
    box = await boxed(world, write_mail, [BOB, "b@x.example"])
    bob, other = await world.guest(), await world.guest("b@x.example")
    assert await world.boxes.recall_guest(box, BOB, "Not for you.", ALICE)
    assert not await world.boxes.recall_guest(box, BOB, "", ALICE)
    assert not await world.boxes.recall_guest(box, "nobody@x.example", "", ALICE)
    seen = await world.boxes.invitation(NS, bob)
    assert (seen.state, seen.recall_reason, seen.recalled_at) == (BoxState.RECALLED, "Not for you.", world.clock.now)
    assert await world.boxes.open_box(NS, bob, world.code) is None
    assert await world.boxes.original(NS, bob) is None
    assert await world.boxes.begin_answer(NS, bob, world.code) is None
    assert await world.boxes.open_box(NS, other, world.code)
    assert (await world.boxes.list())[0].state is BoxState.OPEN


@pytest.mark.slow
async def test_one_document_is_taken_back_and_the_rest_stays(world, write_mail, monkeypatch) -> None:
    monkeypatch.setattr("delivery.safebox.opening._LOOK_AGAIN", 1)
    box = await boxed(world, write_mail, files=[("wrong.pdf", b"x" * 300_000), ("right.pdf", b"y")])
    bob = await world.guest()
    wrong, right = await documents(world, bob)
    running = (await world.boxes.document(NS, bob, wrong)).read(0, 300_000)
    assert next(running)
    said = await world.boxes.recall_document(box, wrong, "Another patient.", ALICE)
    assert said and [fate.reached for fate in said.fates] == [Reached.NEVER]
    assert "already" in (await world.boxes.recall_document(box, wrong, "", ALICE)).sentence
    assert "no such document" in (await world.boxes.recall_document(box, "x", "", ALICE)).sentence
    with pytest.raises(Withdrawn):
        list(running)
    assert await world.boxes.document(NS, bob, wrong) is None
    assert await world.boxes.document_for(box, wrong, ALICE) is None
    assert await world.boxes.original(NS, bob) is None  # it is in the whole mail
    assert not await world.boxes.downloaded(NS, bob, (right, wrong), world.code)
    reader = await world.boxes.document(NS, bob, right)
    assert b"".join(reader.read(0, reader.size)) == b"y"
    opened = await world.boxes.open_box(NS, bob, world.code)
    [letter] = opened.messages
    assert [(one.name, one.recall_reason, bool(one.recalled_at)) for one in letter.documents] == [
        ("wrong.pdf", "Another patient.", True),
        ("right.pdf", "", False),
    ]
    assert letter.original_size is None


@pytest.mark.slow
async def test_what_is_gone_is_told_without_its_names(world, write_mail) -> None:
    box = await boxed(world, write_mail)
    bob = await world.guest()
    await world.boxes.downloaded(NS, bob, tuple(await documents(world, bob)), world.code)
    assert await world.boxes.delete(box, ALICE)
    [fate] = await world.boxes.fates(box, ALICE)
    assert fate.documents == ("a document",)
    [track] = await world.boxes.activity(box, ALICE)
    assert len(track.downloads) == 1


async def test_what_is_opened_while_a_recall_is_written_is_in_it(world, write_mail, monkeypatch) -> None:
    """The mail that tells the sender is in the recall's own transaction, and tells how it was then."""
    box = await boxed(world, write_mail)
    bob = await world.guest()
    composed, compose = [], world.boxes._desk.composer.recalled

    def opened_meanwhile(about, what, lines, now):
        if not composed:
            asyncio.run(world.boxes.open_box(NS, bob, world.code))
        composed.append([reached for _, reached, _, _ in lines])
        return compose(about, what, lines, now)

    monkeypatch.setattr(world.boxes._desk.composer, "recalled", opened_meanwhile, raising=False)
    said = await world.boxes.recall(box, "", ALICE)
    assert composed == [[Reached.NEVER], [Reached.OPENED]]
    assert [fate.reached for fate in said.fates] == [Reached.OPENED]
    told = "select count(*) from items where rule = 'notice: recalled'"
    assert await world.db.read(lambda conn: conn.execute(text(told)).scalar()) == 1

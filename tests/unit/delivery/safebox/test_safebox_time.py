"""What time and hands do to a box: reminders, extension, opening again, days of standing still."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from delivery.items import Reply, State
from delivery.safebox.authority import By
from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, GuestState

NS = "default"
ADMIN = By.admin("root")
ALICE = By.person("alice@example.com")
BOB = "bob@guest.example"


async def one(world):
    return (await world.boxes.list())[0]


def reminders(world, address: str = BOB) -> int:
    return sum("still waits for you" in str(mail.mail["Subject"]) for mail in world.posted(address))


async def test_who_has_not_opened_it_is_reminded_twice_at_most(kept) -> None:
    assert await kept.boxes.keep_house(kept.clock.now) == 0
    kept.clock.pass_(days=23)
    assert sum(await asyncio.gather(*(kept.boxes.keep_house(kept.clock.now) for _ in range(3)))) == 1
    assert reminders(kept) == 1
    [mail] = [mail for mail in kept.posted(BOB) if "still waits" in str(mail.mail["Subject"])]
    assert await kept.boxes.by_link(NS, mail.link.rpartition("/")[2])  # a link of its own
    kept.clock.pass_(days=6)
    await kept.boxes.keep_house(kept.clock.now)
    assert reminders(kept) == 2
    box = await one(kept)
    assert await kept.boxes.extend(box.id, ALICE, kept.clock.now + timedelta(days=20))
    kept.clock.pass_(days=13)
    await kept.boxes.keep_house(kept.clock.now)
    assert reminders(kept) == 2  # an extension brings no third one
    assert kept.events().count("box.reminded") == 2


@pytest.mark.slow
async def test_who_opened_declined_or_left_is_not_reminded(build, write_mail) -> None:
    world = build()
    people = [BOB, "b@x.example", "c@x.example", "d@x.example", "e@x.example"]
    await world.keep(write_mail(to=", ".join(people)), people)
    box = (await one(world)).id
    opened, declined, _, _, waits = [await world.guest(address) for address in people]
    await world.boxes.open_box(NS, opened, world.code)
    await world.boxes.decline(NS, declined, world.code)
    await world.boxes.remove(box, people[2], ALICE)
    await world.boxes.recall_guest(box, people[3], "", ALICE)
    work = await world.boxes.bounces.ended(world.item(waits), State.SENT, Reply(250, "2.0.0", "ok"))
    await world.db.write(lambda conn: work(conn, world.clock.now))
    world.clock.pass_(days=23)
    await world.boxes.keep_house(world.clock.now)
    assert [reminders(world, address) for address in people] == [0, 0, 0, 0, 1]


async def test_reminders_missed_while_nothing_ran_are_not_made_up_for(kept) -> None:
    kept.clock.pass_(days=29, hours=12)  # both times have passed
    assert await kept.boxes.keep_house(kept.clock.now) == 1
    assert reminders(kept) == 1
    assert await kept.boxes.keep_house(kept.clock.now) == 0


@pytest.mark.slow
async def test_after_weeks_of_standing_still_all_is_done_once(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate({"life": {"open_for": "1 day", "retention": "1 day"}})})
    for number in range(3):
        await world.keep(write_mail(), [BOB], message_id=f"m{number}")
    world.clock.pass_(days=1, hours=12)
    assert await world.boxes.keep_house(world.clock.now) == 3
    await world.keep(write_mail(), [BOB], message_id="later")
    world.clock.pass_(days=40)
    assert await world.boxes.keep_house(world.clock.now) == 4  # the last one was never seen closed
    assert await world.boxes.keep_house(world.clock.now) == 0
    assert {box.state for box in await world.boxes.list()} == {BoxState.DELETED}
    assert not world.files()
    assert reminders(world) == 0


@pytest.mark.slow
async def test_more_than_one_batch_is_done_in_one_round(build, write_mail, monkeypatch) -> None:
    monkeypatch.setattr("delivery.safebox.clockwork._BATCH", 2)
    world = build(profiles={"standard": Profile.model_validate({"life": {"open_for": "1 day"}})})
    for number in range(5):
        await world.keep(write_mail(), [BOB], message_id=f"m{number}")
    world.clock.pass_(days=2)
    assert await world.boxes.keep_house(world.clock.now) == 5


async def test_extension_stays_within_the_profile(kept) -> None:
    box = await one(kept)
    assert "no longer" in (await kept.boxes.extend(box.id, ALICE, box.closes_at)).sentence
    assert "at most" in (await kept.boxes.extend(box.id, ALICE, box.created_at + timedelta(days=366))).sentence
    until = box.closes_at + timedelta(days=10)
    both = await asyncio.gather(*(kept.boxes.extend(box.id, ALICE, until) for _ in range(2)))
    assert sorted(bool(said) for said in both) == [False, True]
    after = await one(kept)
    assert (after.closes_at, after.deletes_at) == (until, until + timedelta(days=30))
    assert await kept.boxes.extend(box.id, ADMIN, box.created_at + timedelta(days=400), force=True)


@pytest.mark.slow
async def test_a_late_answer_keeps_it_open_no_longer_than_the_longest(build, write_mail) -> None:
    life = {"open_for": "10 days", "late_reply": "7 days", "longest": "12 days"}
    world = build(profiles={"standard": Profile.model_validate({"life": life})})
    await world.keep(write_mail(), [BOB])
    made = (await one(world)).created_at
    world.clock.pass_(days=9)
    draft = await world.boxes.begin_answer(NS, await world.guest(), world.code)
    assert await draft.send("late")
    assert (await one(world)).closes_at == made + timedelta(days=12)


async def test_opened_again_within_the_retention(kept) -> None:
    box, bob = await one(kept), await kept.guest()
    assert "still open" in (await kept.boxes.reopen_box(box.id, ALICE)).sentence
    kept.clock.pass_(days=31)  # closed by its hour, though nobody wrote it down
    assert await kept.boxes.ask_again(NS, bob, "please", kept.code)
    [asked] = kept.posted("alice@example.com")
    assert str(asked.mail["Subject"]).startswith("Please open again")
    both = await asyncio.gather(*(kept.boxes.reopen_box(box.id, ALICE) for _ in range(2)))
    assert sorted(bool(said) for said in both) == [False, True]
    assert await kept.boxes.tell_all(box.id, ALICE)
    assert len(kept.posted(BOB)) == 2
    assert (await kept.boxes.invitation(NS, bob)).answerable
    assert await kept.boxes.keep_house(kept.clock.now) == 0
    kept.clock.pass_(days=61)
    await kept.boxes.keep_house(kept.clock.now)
    assert "gone for good" in (await kept.boxes.reopen_box(box.id, ALICE)).sentence
    assert await kept.boxes.ask_again(NS, bob, "please", kept.code)
    assert str(kept.posted("alice@example.com")[-1].mail["Subject"]).startswith("Please send again")


async def test_what_a_profile_forbids_is_a_sentence(build, write_mail) -> None:
    life = {"extension": False, "reopening": False, "manual_close": False, "manual_deletion": False}
    world = build(profiles={"standard": Profile.model_validate({"life": life})})
    await world.keep(write_mail(), [BOB])
    box = await one(world)
    later = box.closes_at + timedelta(days=1)
    for said in (
        await world.boxes.extend(box.id, ALICE, later),
        await world.boxes.close(box.id, ALICE),
        await world.boxes.delete(box.id, ALICE, force=True),
    ):
        assert not said and said.sentence.startswith("Its security profile")
    assert await world.boxes.close(box.id, ADMIN, force=True)
    assert not await world.boxes.reopen_box(box.id, ALICE)
    assert await world.boxes.reopen_box(box.id, ADMIN, force=True)


@pytest.mark.slow
async def test_retention_none_deletes_with_closing(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate({"life": {"retention": "none"}})})
    await world.keep(write_mail(), [BOB])
    box = await one(world)
    assert await world.boxes.close(box.id, ALICE)
    assert (await one(world)).state is BoxState.DELETED
    assert await world.boxes.keep_house(world.clock.now) == 1
    assert world.rows("select dek_wrapped from boxes")[0].dek_wrapped is None


@pytest.mark.slow
async def test_kept_forever_goes_by_hand_alone(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate({"life": {"retention": "forever"}})})
    await world.keep(write_mail(), [BOB])
    world.clock.pass_(days=9000)
    assert await world.boxes.keep_house(world.clock.now) == 1
    assert await world.boxes.open_box(NS, await world.guest(), world.code)
    assert await world.boxes.delete((await one(world)).id, ALICE)


@pytest.mark.slow
async def test_a_bounced_guest_is_not_reminded(kept) -> None:
    bob = await kept.guest()
    work = await kept.boxes.bounces.ended(kept.item(bob), State.BOUNCED, Reply(550, "5.1.1", "no"))
    await kept.db.write(lambda conn: work(conn, kept.clock.now))
    assert (await kept.boxes.invitation(NS, bob)).guest_state is GuestState.BOUNCED
    kept.clock.pass_(days=23)
    assert await kept.boxes.keep_house(kept.clock.now) == 0


@pytest.mark.slow
async def test_one_box_that_does_not_open_keeps_no_other_from_its_reminders(build, write_mail) -> None:
    world = build()
    for number in range(2):
        await world.keep(write_mail(), [BOB], message_id=f"m{number}")
    first = world.rows("select id from boxes order by id")[0].id
    spoil = text("update boxes set subject_sealed = :spoilt where id = :id")
    await world.db.write(lambda conn: conn.execute(spoil, {"spoilt": b"\0" * 60, "id": first}))
    world.clock.pass_(days=23)
    assert await world.boxes.keep_house(world.clock.now) == 1
    assert reminders(world) == 1

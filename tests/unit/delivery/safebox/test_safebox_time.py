"""What time and hands do to a box: reminders, extension, opening again, days of standing still."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from delivery.items import Reply, State
from delivery.safebox.authority import Principal
from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, GuestState

NS = "default"
ADMIN = Principal.admin("root")
ALICE = Principal.person("alice@example.com")
BOB = "bob@guest.example"


async def one(world):
    return (await world.boxes.list())[0]


def reminders(world, address: str = BOB) -> int:
    return sum("still waits for you" in str(mail.mail["Subject"]) for mail in world.posted(address))


async def test_who_has_not_opened_it_is_reminded_twice_at_most(kept) -> None:
    assert await kept.boxes.do_due_chores(kept.clock.now) == 0
    kept.clock.pass_(days=23)
    assert sum(await asyncio.gather(*(kept.boxes.do_due_chores(kept.clock.now) for _ in range(3)))) == 1
    assert reminders(kept) == 1
    [mail] = [mail for mail in kept.posted(BOB) if "still waits" in str(mail.mail["Subject"])]
    assert await kept.boxes.by_link(NS, mail.link.rpartition("/")[2])  # a link of its own
    kept.clock.pass_(days=6)
    await kept.boxes.do_due_chores(kept.clock.now)
    assert reminders(kept) == 2
    box = await one(kept)
    assert await kept.boxes.extend(box.id, ALICE, kept.clock.now + timedelta(days=20))
    kept.clock.pass_(days=13)
    await kept.boxes.do_due_chores(kept.clock.now)
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
    await world.boxes.do_due_chores(world.clock.now)
    assert [reminders(world, address) for address in people] == [0, 0, 0, 0, 1]


async def test_reminders_missed_while_nothing_ran_are_not_made_up_for(kept) -> None:
    kept.clock.pass_(days=29, hours=12)  # both times have passed
    assert await kept.boxes.do_due_chores(kept.clock.now) == 1
    assert reminders(kept) == 1
    assert await kept.boxes.do_due_chores(kept.clock.now) == 0


@pytest.mark.slow
async def test_after_weeks_of_standing_still_all_is_done_once(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate({"life": {"open_for": "1 day", "retention": "1 day"}})})
    for number in range(3):
        await world.keep(write_mail(), [BOB], message_id=f"m{number}")
    world.clock.pass_(days=1, hours=12)
    assert await world.boxes.do_due_chores(world.clock.now) == 3
    await world.keep(write_mail(), [BOB], message_id="later")
    world.clock.pass_(days=40)
    assert await world.boxes.do_due_chores(world.clock.now) == 4  # the last one was never seen closed
    assert await world.boxes.do_due_chores(world.clock.now) == 0
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
    assert await world.boxes.do_due_chores(world.clock.now) == 5


def told(world, address: str, what: str) -> list[str]:
    """The texts of the notices of one kind, in order."""
    subjects = {"closed": "is closed, ", "expiring": "is kept until", "owner_closed": "Closed: "}
    mails = (mail for mail in world.posted(address) if subjects[what] in str(mail.mail["Subject"]))
    return [" ".join(mail.text.split()) for mail in mails]


async def test_guests_are_told_once_that_it_closed_and_that_it_goes(kept) -> None:
    kept.clock.pass_(days=30)
    await asyncio.gather(*(kept.boxes.do_due_chores(kept.clock.now) for _ in range(3)))
    [closed] = told(kept, BOB, "closed")
    assert "at the end of its time. It takes no more answers. You have not opened it yet." in closed
    assert "until 20 January 2027, 10:15 UTC" in closed and "ask the sender to open it again" in closed
    [owner] = told(kept, "alice@example.com", "owner_closed")
    assert "These people have not opened it: - bob@guest.example" in owner
    [link] = [mail.link for mail in kept.posted(BOB) if "is closed" in str(mail.mail["Subject"])]
    assert await kept.boxes.by_link(NS, link.rpartition("/")[2])
    kept.clock.pass_(days=26, hours=23)
    assert await kept.boxes.do_due_chores(kept.clock.now) == 0
    kept.clock.pass_(hours=1)
    assert sum(await asyncio.gather(*(kept.boxes.do_due_chores(kept.clock.now) for _ in range(3)))) == 1
    [expiring] = told(kept, BOB, "expiring")
    assert "can be read until 20 January 2027" in expiring and "or its documents, you can save them" in expiring
    kept.clock.pass_(days=3)
    await kept.boxes.do_due_chores(kept.clock.now)
    assert len(kept.posted()) == 1 + 2 + 1  # invitation, closed for both, expiring
    assert (await one(kept)).state is BoxState.DELETED
    assert not kept.rows("select 1 from boxes where expiring_at is not null or remind_at is not null")


@pytest.mark.slow
async def test_closed_by_hand_is_told_to_others_than_who_did_it(build, write_mail) -> None:
    people = {"privileged": ["Dana <dana@example.com>"]}
    world = build(profiles={"standard": Profile.model_validate({"participants": people})})
    guests = [BOB, "b@x.example", "c@x.example", "alice@example.com"]
    for number, by in enumerate((ALICE, Principal.person("dana@example.com"), ADMIN)):
        await world.keep(write_mail(to=", ".join(guests)), guests, message_id=f"m{number}")
        box = (await one(world)).id
        await world.boxes.decline(NS, await world.guest("b@x.example"), world.code)
        await world.boxes.remove(box, "c@x.example", ALICE)
        both = await asyncio.gather(*(world.boxes.close(box, by) for _ in range(2)))
        assert sorted(bool(said) for said in both) == [False, True]
        await world.boxes.do_due_chores(world.clock.now)
    assert len(told(world, BOB, "closed")) == 3
    assert all("earlier than it was to be" in text for text in told(world, BOB, "closed"))
    assert not told(world, "b@x.example", "closed") and not told(world, "c@x.example", "closed")
    assert len(told(world, "alice@example.com", "closed")) == 2  # her own copy; not of what she closed herself
    assert not told(world, "dana@example.com", "closed")
    told_alice = told(world, "alice@example.com", "owner_closed")
    assert [("dana@example.com" in text, "an administrator" in text) for text in told_alice] == [
        (True, False),
        (False, True),
    ]
    assert not world.rows("select 1 from boxes where state = 'open'")


@pytest.mark.slow
async def test_the_owner_is_told_of_an_end_where_there_is_something_to_do(build, write_mail) -> None:
    world = build(mail_bytes=2000)
    for number in range(2):
        await world.keep(write_mail(), [BOB], message_id=f"m{number}")
        bob = await world.guest()
        assert await world.boxes.open_box(NS, bob, world.code)
    draft = await world.boxes.begin_answer(NS, bob, world.code)
    await draft.add_document("a.bin")
    await draft.write(b"a" * 4000)
    await draft.finish_document()
    assert await draft.send("see what is attached")
    world.clock.pass_(days=31)
    await world.boxes.do_due_chores(world.clock.now)
    assert len(told(world, BOB, "closed")) == 2
    [text] = told(world, "alice@example.com", "owner_closed")
    assert "1 file of an answer" in text and "not opened" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("notice", "bobs", "alices"),
    [
        ({"closed": "nobody", "expiring": "none", "reminders": []}, 1, 0),
        ({"closed": "guests", "expiring": "none", "reminders": []}, 2, 0),
        ({"closed": "owner", "expiring": "10 days", "reminders": []}, 2, 1),
    ],
)
async def test_a_profile_silences_it(build, write_mail, notice, bobs, alices) -> None:
    world = build(profiles={"standard": Profile.model_validate({"notice": notice})})
    await world.keep(write_mail(), [BOB])
    for _ in range(61):
        world.clock.pass_(days=1)
        await world.boxes.do_due_chores(world.clock.now)
    assert (len(world.posted(BOB)), len(world.posted("alice@example.com"))) == (bobs, alices)


@pytest.mark.slow
async def test_content_that_goes_with_closing_is_told_of_while_it_is_open(build, write_mail) -> None:
    life = {"retention": "none", "open_for": "20 days"}
    world = build(profiles={"standard": Profile.model_validate({"life": life})})
    people = [BOB, "b@x.example"]
    await world.keep(write_mail(to=", ".join(people)), people)
    assert await world.boxes.open_box(NS, await world.guest(), world.code)
    world.clock.pass_(days=17)
    await world.boxes.do_due_chores(world.clock.now)
    assert len(told(world, BOB, "expiring")) == 1
    assert not told(world, "b@x.example", "expiring") and reminders(world, "b@x.example") == 1
    world.clock.pass_(days=9)
    assert sum(await asyncio.gather(*(world.boxes.do_due_chores(world.clock.now) for _ in range(2)))) == 1
    assert (await one(world)).state is BoxState.DELETED
    assert ["Its content was deleted" in text for text in told(world, BOB, "closed")] == [True]
    assert ["had not opened it" in text for text in told(world, "b@x.example", "closed")] == [True]
    assert len(told(world, "alice@example.com", "owner_closed")) == 1
    link = world.posted("b@x.example")[-1].link
    assert (await world.boxes.by_link(NS, link.rpartition("/")[2])).asks


@pytest.mark.slow
async def test_an_end_that_moves_is_told_anew_and_one_taken_back_never(build, write_mail) -> None:
    world = build()
    for number in range(2):
        await world.keep(write_mail(), [BOB], message_id=f"m{number}")
    taken, moved = (await world.boxes.list())[:2]
    world.clock.pass_(days=31)
    await world.boxes.do_due_chores(world.clock.now)
    assert await world.boxes.recall(taken.id, "", ALICE)
    assert await world.boxes.reopen_box(moved.id, ALICE)
    world.clock.pass_(days=57)
    await world.boxes.do_due_chores(world.clock.now)
    assert (len(told(world, BOB, "closed")), len(told(world, BOB, "expiring"))) == (3, 1)
    assert await world.boxes.reopen_box(moved.id, ALICE)
    world.clock.pass_(days=50, hours=1)  # nothing ran when it was to be told: late, and still true
    await world.boxes.do_due_chores(world.clock.now)
    assert len(told(world, BOB, "closed")) == 4
    assert len(told(world, BOB, "expiring")) == 1


@pytest.mark.slow
async def test_a_box_that_cannot_be_told_of_closes_all_the_same(build, write_mail) -> None:
    world = build()
    await world.keep(write_mail(), [BOB])
    spoil = text("update boxes set subject_sealed = :spoilt")
    await world.db.write(lambda conn: conn.execute(spoil, {"spoilt": b"\0" * 60}))
    world.clock.pass_(days=30)
    assert await world.boxes.do_due_chores(world.clock.now) == 1
    assert (await one(world)).state is BoxState.CLOSED
    assert world.events().count("box.closed") == 1 and len(world.posted(BOB)) == 1


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
    assert await kept.boxes.notify_all(box.id, ALICE)
    assert len(kept.posted(BOB)) == 2
    assert (await kept.boxes.invitation(NS, bob)).answerable
    assert await kept.boxes.do_due_chores(kept.clock.now) == 0
    kept.clock.pass_(days=61)
    await kept.boxes.do_due_chores(kept.clock.now)
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
    assert await world.boxes.do_due_chores(world.clock.now) == 1
    assert world.rows("select dek_wrapped from boxes")[0].dek_wrapped is None


@pytest.mark.slow
async def test_kept_forever_goes_by_hand_alone(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate({"life": {"retention": "forever"}})})
    await world.keep(write_mail(), [BOB])
    world.clock.pass_(days=9000)
    assert await world.boxes.do_due_chores(world.clock.now) == 1
    assert await world.boxes.open_box(NS, await world.guest(), world.code)
    assert await world.boxes.delete((await one(world)).id, ALICE)


@pytest.mark.slow
async def test_a_bounced_guest_is_not_reminded(kept) -> None:
    bob = await kept.guest()
    work = await kept.boxes.bounces.ended(kept.item(bob), State.BOUNCED, Reply(550, "5.1.1", "no"))
    await kept.db.write(lambda conn: work(conn, kept.clock.now))
    assert (await kept.boxes.invitation(NS, bob)).guest_state is GuestState.BOUNCED
    kept.clock.pass_(days=23)
    assert await kept.boxes.do_due_chores(kept.clock.now) == 0


@pytest.mark.slow
async def test_one_box_that_does_not_open_keeps_no_other_from_its_reminders(build, write_mail) -> None:
    world = build()
    for number in range(2):
        await world.keep(write_mail(), [BOB], message_id=f"m{number}")
    first = world.rows("select id from boxes order by id")[0].id
    spoil = text("update boxes set subject_sealed = :spoilt where id = :id")
    await world.db.write(lambda conn: conn.execute(spoil, {"spoilt": b"\0" * 60, "id": first}))
    world.clock.pass_(days=23)
    assert await world.boxes.do_due_chores(world.clock.now) == 1
    assert reminders(world) == 1

"""What owners, admins and time do; and that what is deleted is gone."""

import hashlib
import re
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import text

from delivery.items import Reply, State
from delivery.safebox.auditrecord import record_as_json
from delivery.safebox.authority import ActResult, Principal
from delivery.safebox.lifecycle import ACTS, GUEST_MOVES, MOVES, Act, Actor, may, refusal, state_at, table
from delivery.safebox.profile import Profile
from delivery.store.audit import export
from delivery.store.boxes import BoxState, GuestState
from delivery.store.erasing import erase_documents, erase_person
from delivery.store.messages import referenced_blobs
from delivery.trail.keeping import TrailKeeper
from delivery.trail.proof import verify

ADMIN = Principal.admin("admin")

NS = "default"
DOCS = Path(__file__).parents[4] / "docs" / "safebox.md"


def test_every_state_ends_deleted_and_nothing_comes_back() -> None:
    assert set(MOVES) == set(BoxState)
    assert set(ACTS) == set(Act)
    assert not MOVES[BoxState.DELETED]
    assert [act for act in Act if may(BoxState.DELETED, act)] == [Act.ASK, Act.SEE]
    assert all(state is BoxState.CLOSED for state, targets in MOVES.items() if BoxState.OPEN in targets)
    assert all(BoxState.DELETED in MOVES[state] for state in BoxState if state is not BoxState.DELETED)
    assert set(GUEST_MOVES) == set(GuestState)
    assert not GUEST_MOVES[GuestState.DECLINED]


def test_the_table_answers_everything_with_a_sentence() -> None:
    for state in BoxState:
        for act in Act:
            for actor in Actor:
                sentence = refusal(state, act, actor)
                assert bool(sentence) == (actor not in ACTS[act].by or not may(state, act))
                assert not sentence or (sentence[0].isupper() and sentence.endswith("."))
    guest = [act for act in Act if not refusal(BoxState.OPEN, act, Actor.GUEST)]
    assert guest == [Act.READ, Act.ANSWER, Act.DECLINE, Act.INVITE, Act.UNLOCK]
    keeps = [{act for act in Act if actor in ACTS[act].by} for actor in (Actor.OWNER, Actor.PRIVILEGED)]
    assert keeps[1] - keeps[0] == {Act.DECLINE, Act.ASK}  # invited as guests are
    assert keeps[0] <= keeps[1]
    assert refusal(BoxState.RECALLED, Act.READ, Actor.OWNER)
    assert refusal(BoxState.CLOSED, Act.ANSWER, Actor.GUEST)


def test_the_docs_show_the_table_of_the_code() -> None:
    assert f"\n{table()}\n" in DOCS.read_text()


def test_the_docs_draw_the_same_states() -> None:
    drawn = set(re.findall(r"^\s+(\w+) -> (\w+)", DOCS.read_text(), re.MULTILINE))
    moves = {(source.value, target.value) for source, targets in MOVES.items() for target in targets}
    assert drawn == moves


def test_the_docs_name_every_setting_of_a_profile() -> None:
    text = DOCS.read_text()
    for group, section in Profile.model_fields.items():
        fields = getattr(section.annotation, "model_fields", {})  # what comes later has none
        assert fields or f"`{group}`" in text or section.annotation is type(None)
        for name in fields:
            assert f"`{group}.{name}`" in text


async def test_time_closes_and_deletes_once(kept) -> None:
    one = (await kept.boxes.for_address(NS, "bob@guest.example"))[0].invitation
    assert await kept.boxes.do_due_chores(kept.clock.now) == 0
    kept.clock.pass_(days=30)
    assert (await kept.boxes.invitation(NS, one.participant_id)).state is BoxState.CLOSED  # though nobody wrote it
    late = await kept.boxes.begin_answer(NS, one.participant_id, kept.code)
    assert late.is_late and await late.send("too late") is None
    assert await kept.boxes.do_due_chores(kept.clock.now) == 1
    assert await kept.boxes.do_due_chores(kept.clock.now) == 0
    assert await kept.boxes.open_box(NS, one.participant_id, kept.code)
    kept.clock.pass_(days=30)
    assert await kept.boxes.open_box(NS, one.participant_id, kept.code) is None
    assert await kept.boxes.do_due_chores(kept.clock.now) == 1
    assert await kept.boxes.do_due_chores(kept.clock.now) == 0
    gone = await kept.boxes.invitation(NS, one.participant_id)
    assert gone.state is BoxState.DELETED
    assert gone.sender_name == gone.sender_address == "alice@example.com"
    assert kept.events()[-3:] == ["box.read", "notice.enqueued", "box.deleted"]


async def test_deleting_leaves_no_key_no_content_and_no_file(world, write_mail) -> None:
    await world.keep(write_mail(files=[("big.pdf", b"x" * 200_000), ("small.pdf", b"y")]), ["bob@guest.example"])
    box = (await world.boxes.list())[0]
    invitation = (await world.boxes.for_address(NS, "bob@guest.example"))[0].invitation
    draft = await world.boxes.begin_answer(NS, invitation.participant_id, world.code)
    await draft.add_document("answer.bin")
    await draft.write(b"z" * 200_000)
    await draft.finish_document()
    await draft.send("hello")
    [row] = world.rows("select blob from messages where blob is not null")
    names = {path.name for path in world.files()} - {row.blob}
    assert len(names) == 3
    assert world.db.read_now(lambda conn: referenced_blobs(conn, sorted(names))) == names
    assert await world.boxes.delete(box.id, ADMIN)
    assert not await world.boxes.delete(box.id, ADMIN)
    assert {path.name for path in world.files()} == {row.blob}  # the answer's mail waits for its delivery
    [left] = world.rows("select * from boxes")
    assert all(value is None for name, value in left._mapping.items() if name.startswith("dek_") or "sealed" in name)
    for name in ("participants", "box_messages", "box_documents"):
        for row in world.rows(f"select * from {name}"):  # a name of this test's own
            assert all(value is None for name, value in row._mapping.items() if "sealed" in name or "blob" in name)
    record = await world.boxes.show(box.id, ADMIN)
    assert record.summary.state is BoxState.DELETED
    assert (record.messages, record.documents) == (2, 3)
    assert [kind for _, kind, _ in record.events][-1] == "box.deleted"
    assert world.db.read_now(lambda conn: referenced_blobs(conn, sorted(names))) == set()


@pytest.mark.parametrize("by_hand", [True, False])
async def test_the_record_keeps_names_and_digests_until_they_are_erased(world, write_mail, by_hand: bool) -> None:
    await world.keep(write_mail(files=[("Letter to Jane.pdf", b"x" * 200_000)]), ["bob@guest.example"])
    [box] = await world.boxes.list()
    [letter] = await world.boxes.for_address(NS, "bob@guest.example")
    draft = await world.boxes.begin_answer(NS, letter.invitation.participant_id, world.code)
    for name, content in (("Jane's answer.txt", b"short"), ("Jane's scan.bin", b"z" * 200_000)):
        await draft.add_document(name)
        for at in range(0, len(content), 50_000):
            await draft.write(content[at : at + 50_000])
        await draft.finish_document()
    await draft.send("hello")
    digests = {hashlib.sha256(content).hexdigest() for content in (b"x" * 200_000, b"short", b"z" * 200_000)}
    await world.boxes.close(box.id, ADMIN)
    before = (await world.boxes.audit_record(box.id, ADMIN)).documents
    assert {one.sha256 for one in before} == digests and all("Jane" in one.name for one in before)
    if by_hand:
        assert await world.boxes.delete(box.id, ADMIN)
    else:
        world.clock.pass_(days=40)
        assert await world.boxes.do_due_chores(world.clock()) == 1
    assert (await world.boxes.audit_record(box.id, ADMIN)).documents == before
    assert not any("Jane" in str(value) for row in world.rows("select * from audit_events") for value in row)
    told = [event for event in world.db.read_now(lambda conn: [*export(conn, world.vault)]) if event["sealed"]]
    assert [event["kind"] for event in told] == ["box.deleted"] and "document" not in str(told[0]["persons"])
    opened = world.db.read_now(lambda conn: [*export(conn, world.vault, reveal=True)])
    [private] = [event["private"] for event in opened if "private" in event]
    assert {one["name"] for one in private.values()} == {one.name for one in before}

    keeper = TrailKeeper(world.db, world.vault, world.clock, every=timedelta(minutes=5))
    assert await keeper.turn()
    await keeper._let_go()
    assert world.db.write_now(lambda conn: erase_person(conn, NS, "BOB@guest.example")) > 1
    left = (await world.boxes.audit_record(box.id, ADMIN)).documents
    assert sorted(one.name for one in left) == ["", "", "Letter to Jane.pdf"], "what the guest wrote is forgotten"
    assert [one.size for one in left] == [one.size for one in before]
    assert world.db.write_now(lambda conn: erase_documents(conn, NS, box.id)) == 1
    assert not any(one.name or one.sha256 for one in (await world.boxes.audit_record(box.id, ADMIN)).documents)
    assert world.db.read_now(lambda conn: verify(conn, world.vault, world.clock())).holds


async def test_a_record_tells_times_in_the_zone_its_box_was_made_with(build, write_mail) -> None:
    world = build(profiles={"standard": Profile.model_validate({"zone": "Asia/Kolkata"})})
    await world.keep(write_mail(), ["bob@guest.example"])
    [box] = await world.boxes.list()
    await world.boxes.close(box.id, ADMIN)
    record = record_as_json(await world.boxes.audit_record(box.id, ADMIN))
    assert record["zone"] == "Asia/Kolkata"
    assert record["created_at"] == {"utc": "2026-11-21T10:15:02+00:00", "local": "2026-11-21T15:45:02+05:30"}


async def test_a_document_that_does_not_open_keeps_no_box_from_its_deletion(world, write_mail) -> None:
    await world.keep(write_mail(files=[("one.pdf", b"x"), ("two.pdf", b"y")]), ["bob@guest.example"])
    [box] = await world.boxes.list()
    [first, _] = world.rows("select id from box_documents order by position")
    spoil = text("update box_documents set facts_sealed = x'00' where id = :id")
    world.db.write_now(lambda conn: conn.execute(spoil, {"id": first.id}))
    assert await world.boxes.delete(box.id, ADMIN)
    record = await world.boxes.audit_record(box.id, ADMIN)
    assert [one.name for one in record.documents] == ["", "two.pdf"]


async def test_a_box_whose_key_is_lost_can_be_deleted_all_the_same(kept) -> None:
    [box] = await kept.boxes.list()
    spoil = text("update boxes set dek_key_id = 'gone' where id = :id")
    kept.db.write_now(lambda conn: conn.execute(spoil, {"id": box.id}))
    assert await kept.boxes.delete(box.id, ADMIN)
    assert not any(one.name for one in (await kept.boxes.audit_record(box.id, ADMIN)).documents)


async def test_a_profile_may_forbid_acts_by_hand(build, write_mail) -> None:
    firm = Profile.model_validate({"life": {"manual_close": False, "manual_deletion": False, "retention": "forever"}})
    world = build(profiles={"firm": firm})
    await world.keep(write_mail(), ["bob@guest.example"], profile="firm")
    box = (await world.boxes.list())[0]
    assert box.deletes_at is None
    assert not await world.boxes.close(box.id, ADMIN)
    assert not await world.boxes.delete(box.id, ADMIN)
    assert await world.boxes.close(box.id, ADMIN, force=True)
    assert await world.boxes.delete(box.id, ADMIN, force=True)


@pytest.mark.parametrize(("first", "then"), list(product(["recall", "close", "delete"], repeat=2)))
async def test_acts_follow_the_table(kept, first: str, then: str) -> None:
    box = (await kept.boxes.list())[0]
    targets = {"recall": BoxState.RECALLED, "close": BoxState.CLOSED, "delete": BoxState.DELETED}

    async def act(name: str) -> ActResult | None:
        if name == "recall":
            return await kept.boxes.recall(box.id, "", ADMIN)
        return await getattr(kept.boxes, name)(box.id, ADMIN)

    assert await act(first)
    assert bool(await act(then)) is (targets[then] in MOVES[targets[first]])


def test_a_state_is_what_time_has_it(kept) -> None:
    now = kept.clock.now
    later = now + timedelta(days=1)
    assert state_at(BoxState.OPEN, later, None, now) is BoxState.OPEN
    assert state_at(BoxState.OPEN, now, None, now) is BoxState.CLOSED
    assert state_at(BoxState.RECALLED, now, later, now) is BoxState.RECALLED
    assert state_at(BoxState.RECALLED, now, now, now) is BoxState.DELETED


# --- notices that come back ------------------------------------------------------------------------------------------


async def end(world, state: State, reply: Reply) -> None:
    item = world.item(await world.guest())
    work = await world.boxes.bounces.ended(item, state, reply)
    assert work is not None
    await world.db.write(lambda conn: work(conn, world.clock.now))


async def state(world) -> GuestState:
    return (await world.boxes.for_address(NS, "bob@guest.example"))[0].invitation.guest_state


async def test_a_notice_that_arrives_and_one_that_bounces(kept) -> None:
    await end(kept, State.SENT, Reply(250, "2.0.0", "ok"))
    assert await state(kept) is GuestState.NOTIFIED
    for _ in range(2):
        await end(kept, State.BOUNCED, Reply(550, "5.1.1", "no such user"))
    assert await state(kept) is GuestState.BOUNCED
    [told] = kept.posted("alice@example.com")
    assert told.sender is None
    assert "550 5.1.1 no such user" in told.text
    assert kept.events().count("notice.bounced") == 2


async def test_a_bounce_after_reading_tells_nobody(kept) -> None:
    await kept.boxes.open_box(NS, await kept.guest(), kept.code)
    await end(kept, State.BOUNCED, Reply(550, "5.0.0", "late"))
    assert await state(kept) is GuestState.READ
    assert [one.mail["Subject"].split(":")[0] for one in kept.posted("alice@example.com")] == ["Read"]


DSN = b"""From: MAILER-DAEMON@guest.example\r
Subject: Undelivered\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status; boundary=x\r
\r
--x\r
Content-Type: text/plain\r
\r
Sorry.\r
--x\r
Content-Type: message/delivery-status\r
\r
Reporting-MTA: dns; mx.guest.example\r
\r
Final-Recipient: rfc822; bob@guest.example\r
Action: ACTION\r
Status: 5.1.1\r
Diagnostic-Code: smtp; 550 5.1.1 unknown\r
--x--\r
"""


async def test_bounces_come_back_to_addresses_only_we_can_make(build, write_mail) -> None:
    world = build(bounces="bounces.example.com")
    await world.keep(write_mail(), ["bob@guest.example"])
    address = world.posted()[0].sender
    assert address.endswith("@bounces.example.com")
    failed = DSN.replace(b"ACTION", b"failed")
    swapped = address.replace("a", "b") if "a" in address.rpartition("-")[2] else address.replace("-", "-a", 1)
    assert not await world.boxes.take_bounce(swapped, failed)
    assert not await world.boxes.is_return_address(swapped)
    assert await world.boxes.is_return_address(address)
    assert not await world.boxes.take_bounce("bounce-x@bounces.example.com", failed)
    assert not await world.boxes.take_bounce(address.replace("bounces.", "other."), failed)
    assert await state(world) is GuestState.INVITED
    assert await world.boxes.take_bounce(address, DSN.replace(b"ACTION", b"delayed"))
    assert await world.boxes.take_bounce(address, b"Subject: I am away\r\n\r\nSee you.\r\n")
    assert await state(world) is GuestState.INVITED
    for _ in range(2):
        assert await world.boxes.take_bounce(address.upper(), failed)
    assert await state(world) is GuestState.BOUNCED
    [told] = world.posted("alice@example.com")
    assert "5.1.1" in told.text

"""SafeBoxes on each database: once, scoped, and gone when they are deleted."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from delivery.couriers.courier import Delivery, Stored
from delivery.couriers.safebox import SafeBoxCourier
from delivery.items import Destination, Item, OpenMessage, State
from delivery.notices.compose import Composer
from delivery.notices.facts import NoticeSender
from delivery.queue import Queue
from delivery.safebox.auditrecord import AuditRecord
from delivery.safebox.authority import Principal
from delivery.safebox.box import SafeBoxes
from delivery.safebox.contents import ListedInvitation
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.safebox.receiving import OffsetMismatch, UploadReceiver
from delivery.safebox.uploading import Writer
from delivery.safebox.uploads import UploadGone
from delivery.settings import QueueSettings
from delivery.store.box_lists import BoxFilter
from delivery.store.boxes import BoxState, told_lately
from delivery.store.database import Database
from keys.tokens import new_id
from policy.decision import Changes, Route

ADMIN = Principal.admin("admin")

RELAY = Destination(Route.RELAY)
CODE = Access(Way.CODE, "192.0.2.7")
GUESTS = [f"guest{number}@post.example" for number in range(8)]


def boxes_over(store: Any) -> SafeBoxes:
    voice = NoticeSender.of("Mail <m@example.com>", hostname="gate.example.com", portal_url="https://s.example.com")
    return SafeBoxes(store.db, store.vault, store.blobs, store.queue, composer=Composer(voice), clock=store.clock)


def letter() -> bytes:
    mail = EmailMessage()
    mail["From"] = "Alice <alice@example.com>"
    mail["To"] = ", ".join(GUESTS)
    mail["Subject"] = "Results"
    mail.set_content("text")
    mail.add_attachment(b"x" * 100_000, maintype="application", subtype="pdf", filename="a.pdf")
    return mail.as_bytes()


class Lease:
    async def confirm(self) -> bool:
        return True


def delivery(store: Any, recipient: str, message_id: str = "m1") -> Delivery:
    now = store.clock()
    message = OpenMessage(message_id, "default", "alice@example.com", "alice@example.com", letter(), now)
    item = Item(
        id=new_id(),
        message_id=message_id,
        namespace="default",
        recipient=recipient,
        destination=Destination(Route.SAFEBOX),
        state=State.LEASED,
        attempts=0,
        created_at=now,
        next_at=now,
        expires_at=now + timedelta(days=5),
        rule="test",
        decision_id="d",
        changes=Changes(),
    )
    return Delivery(message, (item,), item.destination, Lease())


@pytest.fixture
async def boxes(store: Any) -> SafeBoxes:
    """One box, made by eight couriers at the same moment."""
    service = boxes_over(store)
    courier = SafeBoxCourier(service, {"standard": Profile()})

    await asyncio.gather(*(bring(store, courier, delivery(store, recipient)) for recipient in GUESTS))
    return service


async def bring(store: Any, courier: SafeBoxCourier, what: Delivery) -> None:
    [outcome] = (await courier.deliver(what)).values()
    assert isinstance(outcome, Stored)
    await store.db.write(lambda conn: outcome.work(conn, store.clock()))


async def test_eight_couriers_make_one_box(boxes: SafeBoxes) -> None:
    [box] = await boxes.list()
    assert {guest.address for guest in box.guests} == set(GUESTS)
    for address in GUESTS:
        [one] = await boxes.for_address("default", address)
        opened = await boxes.open_box("default", one.invitation.participant_id, CODE)
        assert opened is not None
        assert [document.name for document in opened.messages[0].documents] == ["a.pdf"]
        assert await boxes.by_reference("default", one.invitation.reference) is not None


async def test_a_recall_and_an_answer_at_once_leave_no_answer_behind_the_recall(boxes: SafeBoxes) -> None:
    [one] = await boxes.for_address("default", GUESTS[0])
    guest, box = one.invitation.participant_id, one.invitation.box_id
    draft = await boxes.begin_answer("default", guest, CODE)
    assert draft is not None
    recalled, answered = await asyncio.gather(boxes.recall(box, "why", ADMIN), draft.send("late?"))
    record = await boxes.show(box, ADMIN)
    assert recalled
    assert record is not None
    kinds = [kind for _, kind, _ in record.events]
    assert record.messages == (2 if answered else 1)
    assert ("box.answered" in kinds) is (answered is not None)
    if answered:
        assert kinds.index("box.answered") < kinds.index("box.recalled")


async def test_an_answer_that_comes_four_times_at_once_from_one_form_is_one(boxes: SafeBoxes) -> None:
    [one], [other] = [await boxes.for_address("default", address) for address in GUESTS[2:4]]
    form = new_id()

    async def send(text: str, by: ListedInvitation = one) -> str:
        draft = await boxes.begin_answer("default", by.invitation.participant_id, CODE)
        assert draft is not None
        await draft.add_document("scan.pdf")
        await draft.write(b"%PDF" * 50_000)
        await draft.finish_document()
        answered = await draft.send(text, form_id=form)
        assert answered is not None
        return answered.message_id

    told = await asyncio.gather(*(send(text) for text in ("here", "here", "here", "here", "and another")))
    assert len(set(told)) == 2
    record = await boxes.show(one.invitation.box_id, ADMIN)
    assert record is not None and record.messages == 3 and record.documents == 3
    assert [kind for _, kind, _ in record.events].count("box.answered") == 2
    assert await send("here", other) not in told, "somebody else's is never taken for it"


async def test_an_upload_grows_and_is_sent_once_whoever_is_faster(boxes: SafeBoxes, store: Any) -> None:
    [one] = await boxes.for_address("default", GUESTS[1])
    guest = one.invitation.participant_id
    writer = Writer("default", CODE, participant_id=guest)
    announced = (boxes.begin_upload(writer, name="a.txt", content_type="", modified="", size=10) for _ in range(4))
    upload = next(one for one in await asyncio.gather(*announced) if one is not None)

    async def bring(receiving: UploadReceiver | None, content: bytes) -> int:
        assert receiving is not None
        try:
            await receiving.write(content)
            await receiving.keep()
        except OffsetMismatch:
            return 0
        return len(content)

    at_once = [await boxes.receive(writer, upload.id) for _ in range(4)]
    assert sum(await asyncio.gather(*(bring(one, b"01234") for one in at_once))) == 5
    assert await bring(await boxes.receive(writer, upload.id), b"56789") == 5
    drafts = [await boxes.begin_answer("default", guest, CODE) for _ in range(3)]

    async def send(draft: Any) -> int:
        try:
            await draft.add_upload(upload.id)
            return int(await draft.send("here") is not None)
        except UploadGone:
            return 0
        finally:
            await draft.abort()

    assert sum(await asyncio.gather(*(send(draft) for draft in drafts))) == 1
    assert len(await boxes.uploads(writer)) == 3
    store.clock.advance(days=1)
    assert sum(await asyncio.gather(*(boxes.drop_unsent(store.clock(), 2) for _ in range(3)))) == 3


async def test_every_move_happens_once(boxes: SafeBoxes, store: Any) -> None:
    [box] = await boxes.list()
    store.clock.advance(days=31)
    assert sum(await asyncio.gather(*(boxes.do_due_chores(store.clock()) for _ in range(4)))) == 1
    store.clock.advance(days=30)
    assert sum(await asyncio.gather(*(boxes.do_due_chores(store.clock()) for _ in range(4)))) == 1
    record = await boxes.show(box.id, ADMIN)
    assert record is not None
    assert record.summary.state is BoxState.DELETED
    assert [kind for _, kind, _ in record.events].count("box.deleted") == 1


@pytest.fixture
async def elsewhere(store: Any, store_url: str) -> AsyncIterator[SafeBoxes]:
    """The same boxes, as another process has them."""
    with Database.open(store_url) as db:
        queue = Queue(db, store.vault, store.blobs, QueueSettings(), store.clock, destination_for=lambda _: RELAY)
        voice = NoticeSender.of("Mail <m@example.com>", hostname="gate.example.com", portal_url="https://s.example.com")
        yield SafeBoxes(db, store.vault, store.blobs, queue, composer=Composer(voice), clock=store.clock)


async def test_of_two_acts_at_once_one_wins_and_the_other_learns(
    boxes: SafeBoxes, elsewhere: SafeBoxes, store: Any
) -> None:
    [box] = await boxes.list()
    for _ in range(3):
        until = (await boxes.list())[0].closes_at + timedelta(days=1)
        said = await asyncio.gather(*(each.extend(box.id, ADMIN, until) for each in (boxes, elsewhere)))
        assert sorted(bool(one) for one in said) == [False, True]
    new = "new@post.example"
    said = await asyncio.gather(*(each.add(box.id, new, ADMIN) for each in (boxes, elsewhere)))
    assert sorted(bool(one) for one in said) == [False, True]
    said = await asyncio.gather(*(each.remove(box.id, new, ADMIN) for each in (boxes, elsewhere)))
    assert sorted(bool(one) for one in said) == [False, True]
    said = await asyncio.gather(boxes.close(box.id, ADMIN), elsewhere.add(box.id, "late@post.example", ADMIN))
    record = await boxes.show(box.id, ADMIN)
    assert record is not None
    kinds = [kind for _, kind, _ in record.events]
    assert said[0]
    assert not said[1] or kinds.index("box.closed") > max(i for i, kind in enumerate(kinds) if kind == "box.joined")
    said = await asyncio.gather(boxes.reopen_box(box.id, ADMIN), elsewhere.recall(box.id, "", ADMIN))
    assert (await boxes.list())[0].state is BoxState.RECALLED
    assert said[1]


async def test_reminders_go_out_once_whoever_sends_them(boxes: SafeBoxes, elsewhere: SafeBoxes, store: Any) -> None:
    [box] = await boxes.list()
    store.clock.advance(days=24)
    both = (boxes, elsewhere)
    assert sum(await asyncio.gather(*(each.do_due_chores(store.clock()) for each in both for _ in range(2)))) == 1
    record = await boxes.show(box.id, ADMIN)
    assert record is not None
    assert [kind for _, kind, _ in record.events].count("box.reminded") == len(GUESTS)
    before = [kind for _, kind, _ in record.events].count("notice.enqueued")
    for days in (7, 27):  # it closes, and is soon to go
        store.clock.advance(days=days)
        assert sum(await asyncio.gather(*(each.do_due_chores(store.clock()) for each in both for _ in range(2)))) == 1
    record = await boxes.show(box.id, ADMIN)
    assert record is not None
    told = [kind for _, kind, _ in record.events].count("notice.enqueued") - before
    assert told == len(GUESTS) + 1 + len(GUESTS)  # closed, to the owner too; expiring


async def test_what_was_told_lately_is_told_once(store: Any) -> None:
    now = store.clock()

    def tell(conn: Any) -> bool:
        return told_lately(conn, "default", "told:x:1", now - timedelta(days=1), now)

    assert sorted(await asyncio.gather(*(store.db.write(tell) for _ in range(6)))) == [False] + [True] * 5


async def test_a_senders_list_goes_by_the_state_that_time_has(store: Any, boxes: SafeBoxes) -> None:
    alice, other = Principal.person("Alice@example.com"), Principal.person(GUESTS[0])
    [box] = (await boxes.boxes_of("default", alice, BoxFilter.OPEN)).boxes
    assert (box.subject, len(box.guests)) == ("Results", len(GUESTS))
    for shown in (BoxFilter.CLOSED, BoxFilter.RECALLED, BoxFilter.DELETED):
        assert not (await boxes.boxes_of("default", alice, shown)).boxes
    assert (await boxes.boxes_of("default", other)).counts[BoxFilter.ALL] == 0  # a guest keeps nothing here
    assert (await boxes.boxes_of("default", alice, skip=1)).boxes == ()
    store.clock.now = box.summary.closes_at + timedelta(seconds=1)  # nobody has written down that its hour has come
    counts = (await boxes.boxes_of("default", alice)).counts
    assert (counts[BoxFilter.OPEN], counts[BoxFilter.CLOSED], counts[BoxFilter.ALL]) == (0, 1, 1)
    assert isinstance(await boxes.audit_record(box.summary.id, alice), AuditRecord)


async def test_a_senders_list_begins_with_what_somebody_did_last(store: Any, boxes: SafeBoxes) -> None:
    alice = Principal.person("alice@example.com")
    courier = SafeBoxCourier(boxes, {"standard": Profile()})
    for number in (2, 3, 4):
        store.clock.advance(minutes=1)
        for recipient in GUESTS[:2]:
            await bring(store, courier, delivery(store, recipient, f"m{number}"))
    newest = [one.summary.id for one in (await boxes.boxes_of("default", alice)).boxes]
    fourth, third, second, first = newest
    ids = {one.id: one.guests[0].participant_id for one in await boxes.list()}

    async def after(act: Any) -> list[str]:
        store.clock.advance(minutes=1)
        assert await act
        pages = [await boxes.boxes_of("default", alice, BoxFilter.ALL, most=1, skip=skip) for skip in range(4)]
        return [one.summary.id for page in pages for one in page.boxes]

    assert await after(boxes.open_box("default", ids[second], CODE)) == [second, fourth, third, first]
    assert await after(boxes.lock("default", ids[first], CODE)) == [first, second, fourth, third]
    assert await after(boxes.close(third, alice)) == [third, first, second, fourth]
    assert (await after(boxes.remove(fourth, GUESTS[1], alice)))[:2] == [fourth, third]
    await boxes.mark_seen(first, alice, await boxes.news(first, alice))  # to look at it is no act
    await boxes.fetched("default", ids[second], CODE)  # nor is a scanner's visit
    store.clock.advance(days=61)
    await boxes.do_due_chores(store.clock())  # nor what time does
    shown = [one.summary.id for one in (await boxes.boxes_of("default", alice, BoxFilter.DELETED)).boxes]
    assert shown == [fourth, third, first, second]


async def test_what_is_new_is_counted_once_however_many_act_at_once(
    boxes: SafeBoxes, elsewhere: SafeBoxes, store: Any
) -> None:
    alice = Principal.person("alice@example.com")
    [box] = await boxes.list()
    ids = {one.address: one.participant_id for one in box.guests}
    await boxes.lock("default", ids[GUESTS[0]], CODE)
    drafts = [await boxes.begin_answer("default", ids[address], CODE) for address in GUESTS[:4]]
    acts = [each.open_box("default", guest, CODE) for each in (boxes, elsewhere) for guest in ids.values()]
    acts += [draft.send("yes") for draft in drafts if draft is not None]
    acts += [boxes.unlock_guest(box.id, GUESTS[0], alice), elsewhere.resend_notice(box.id, GUESTS[1], alice)]
    await asyncio.gather(*acts)
    seen = await boxes.news(box.id, alice)
    assert seen is not None
    # who answered before they were seen to open it is no reader any more: an answer says more
    assert (seen.new.replies, seen.new.asks) == (4, 0)
    assert 4 <= seen.new.openings <= len(GUESTS)
    await boxes.lock("default", ids[GUESTS[5]], CODE)
    page = await elsewhere.boxes_of("default", alice, BoxFilter.HELP)
    assert [(one.news, one.helpless) for one in page.boxes] == [(seen.new, 1)]
    assert (page.counts[BoxFilter.NEW], page.counts[BoxFilter.HELP], page.counts[BoxFilter.OPEN]) == (1, 1, 1)
    await asyncio.gather(*(each.mark_seen(box.id, alice, seen) for each in (boxes, elsewhere) for _ in range(3)))
    assert not (await boxes.boxes_of("default", alice, BoxFilter.NEW)).boxes

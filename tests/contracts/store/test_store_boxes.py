"""SafeBoxes on each database: once, scoped, and gone when they are deleted."""

import asyncio
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest

from delivery.couriers.courier import Delivery, Stored
from delivery.couriers.safebox import SafeBoxCourier
from delivery.items import Destination, Item, OpenMessage, State
from delivery.notices.compose import Composer, Voice
from delivery.safebox.authority import By
from delivery.safebox.box import SafeBoxes
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, told_lately
from keys.tokens import new_id
from policy.decision import Changes, Route

ADMIN = By.admin("admin")

CODE = Access(Way.CODE, "192.0.2.7")
GUESTS = [f"guest{number}@post.example" for number in range(8)]


def boxes_over(store: Any) -> SafeBoxes:
    voice = Voice.of("Mail <m@example.com>", hostname="gate.example.com", portal_url="https://s.example.com")
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


def delivery(store: Any, recipient: str) -> Delivery:
    now = store.clock()
    message = OpenMessage("m1", "default", "alice@example.com", "alice@example.com", letter(), now)
    item = Item(
        id=new_id(),
        message_id="m1",
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

    async def bring(recipient: str) -> None:
        [outcome] = (await courier.deliver(delivery(store, recipient))).values()
        assert isinstance(outcome, Stored)
        await store.db.write(lambda conn: outcome.work(conn, store.clock()))

    await asyncio.gather(*(bring(recipient) for recipient in GUESTS))
    return service


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


async def test_every_move_happens_once(boxes: SafeBoxes, store: Any) -> None:
    [box] = await boxes.list()
    store.clock.advance(days=31)
    assert sum(await asyncio.gather(*(boxes.keep_house(store.clock()) for _ in range(4)))) == 1
    store.clock.advance(days=30)
    assert sum(await asyncio.gather(*(boxes.keep_house(store.clock()) for _ in range(4)))) == 1
    record = await boxes.show(box.id, ADMIN)
    assert record is not None
    assert record.summary.state is BoxState.DELETED
    assert [kind for _, kind, _ in record.events].count("box.deleted") == 1


async def test_what_was_told_lately_is_told_once(store: Any) -> None:
    now = store.clock()

    def tell(conn: Any) -> bool:
        return told_lately(conn, "default", "told:x:1", now - timedelta(days=1), now)

    assert sorted(await asyncio.gather(*(store.db.write(tell) for _ in range(6)))) == [False] + [True] * 5

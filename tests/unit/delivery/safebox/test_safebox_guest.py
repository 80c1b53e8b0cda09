"""What guests do: find, read, download, answer, decline; and what no guest of another box or namespace ever sees."""

import asyncio
import threading
from datetime import timedelta

import pytest

from delivery.safebox.answers import finish_in_thread
from delivery.safebox.authority import Principal
from delivery.safebox.limits import AnswerRefused, TooMuch
from delivery.safebox.opening import Withdrawn
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.store.boxes import BoxState, GuestState

ADMIN = Principal.admin("admin")

NS = "default"


async def invited(world, address: str = "bob@guest.example"):
    return (await world.boxes.for_address(NS, address))[0].invitation


async def test_foreign_wrong_and_unknown_are_all_none(kept) -> None:
    one = await invited(kept)
    token = kept.posted()[0].link.rpartition("/")[2]
    boxes = kept.boxes
    assert await boxes.by_link(NS, token) == one
    assert await boxes.by_link("other", token) is None
    assert await boxes.by_link(NS, token[:-1]) is None
    assert await boxes.by_reference(NS, f" {one.reference.lower()} ") == one
    assert await boxes.by_reference("other", one.reference) is None
    assert await boxes.by_reference(NS, "0000-0000-0000") is None
    assert await boxes.by_reference(NS, "\u202e" * 5000) is None
    assert await boxes.invitation("other", one.participant_id) is None
    assert await boxes.open_box("other", one.participant_id, kept.code) is None
    assert await boxes.for_address("other", "bob@guest.example") == ()
    assert await boxes.show(one.box_id, ADMIN, "other") is None
    assert await boxes.recall(one.box_id, "", ADMIN, "other") is None
    assert await boxes.delete(one.box_id, ADMIN, "other") is None
    assert await boxes.document("other", one.participant_id, "x") is None
    opened = await boxes.open_box(NS, one.participant_id, kept.code)
    assert opened is not None
    owner = next(person for person in opened.people if not person.is_reader)
    assert await boxes.invitation(NS, owner.id) is None  # owners have no way in by guests' doors


async def test_looking_changes_nothing(kept) -> None:
    before = kept.rows("select * from participants"), kept.events()
    one = await invited(kept)
    await kept.boxes.by_reference(NS, one.reference)
    assert (kept.rows("select * from participants"), kept.events()) == before


async def test_reading_is_recorded_and_gives_everything(kept) -> None:
    one = await invited(kept)
    opened = await kept.boxes.open_box(NS, one.participant_id, kept.code)
    assert opened is not None
    assert opened.subject == "Your results of Tuesday"
    [letter] = opened.messages
    assert letter.is_original
    assert letter.text.strip() == "Dear Bob, SECRETTEXT inside."
    assert letter.author.name == "Alice Muster"
    [document] = letter.documents
    assert (document.name, document.type, document.kind) == ("SECRETNAME report.pdf", "application/pdf", "pdf")
    assert [person.address for person in opened.reply_to] == ["alice@example.com"]
    assert kept.events()[-2:] == ["box.read", "notice.enqueued"]
    assert (await invited(kept)).guest_state is GuestState.READ
    await kept.boxes.open_box(NS, one.participant_id, None)  # the page again
    assert kept.events().count("box.read") == 1


async def test_documents_come_in_pieces_and_ranges(kept) -> None:
    one = await invited(kept)
    opened = await kept.boxes.open_box(NS, one.participant_id, kept.code)
    assert opened is not None
    document = opened.messages[0].documents[0]
    reader = await kept.boxes.document(NS, one.participant_id, document.id)
    assert reader is not None
    content = b"%PDF SECRETFILE " * 20
    assert reader.size == document.size == len(content)
    assert b"".join(reader.read(5, 25)) == content[5:25]
    assert await kept.boxes.downloaded(NS, one.participant_id, (document.id,), kept.code)
    opened = await kept.boxes.open_box(NS, one.participant_id, kept.code)
    assert opened is not None
    assert opened.messages[0].documents[0].downloaded_at == kept.clock.now
    assert await kept.boxes.document(NS, one.participant_id, "0" * 26) is None


@pytest.mark.slow
async def test_recall_denies_at_once_and_shows_its_reason(world, write_mail) -> None:
    await world.keep(write_mail(files=[("big.pdf", bytes(20 * 2**20))]), ["bob@guest.example"])
    one = await invited(world)
    opened = await world.boxes.open_box(NS, one.participant_id, world.code)
    document = opened.messages[0].documents[0]
    running = await world.boxes.document(NS, one.participant_id, document.id)
    pieces = running.read(0, running.size)
    next(pieces)
    assert await world.boxes.recall(one.box_id, "The wrong week.", Principal.person("alice@example.com"))
    assert not await world.boxes.recall(one.box_id, "again", Principal.person("alice@example.com"))
    with pytest.raises(Withdrawn):
        list(pieces)
    running.close()
    assert await world.boxes.open_box(NS, one.participant_id, world.code) is None
    assert await world.boxes.document(NS, one.participant_id, document.id) is None
    assert await world.boxes.original(NS, one.participant_id) is None
    assert not await world.boxes.downloaded(NS, one.participant_id, (document.id,), world.code)
    assert await world.boxes.begin_answer(NS, one.participant_id, world.code) is None
    assert not await world.boxes.send_code(NS, one.participant_id, "1", timedelta(minutes=1), world.code)
    now = await world.boxes.invitation(NS, one.participant_id)
    assert (now.state, now.recall_reason, now.sender_name) == (BoxState.RECALLED, "The wrong week.", "Alice Muster")


async def test_an_answer_reaches_the_owner_in_thread(kept) -> None:
    one = await invited(kept)
    draft = await kept.boxes.begin_answer(NS, one.participant_id, kept.code)
    await draft.add_document("../../photo \u202egnp.exe", "image/png")
    await draft.write(b"\x89PNG" * 10)
    await draft.finish_document()
    await draft.add_document("large.bin")
    for _ in range(20):
        await draft.write(b"y" * 10_000)
    await draft.finish_document()
    answered = await draft.send("Thank you, ANSWERTEXT.\nBob")
    assert answered is not None
    assert not answered.stays_in_box
    answer = kept.posted("alice@example.com")[0]
    assert (answer.kind, answer.inside) == ("answer", True)
    assert answer.mail["Subject"] == "Re: Your results of Tuesday"
    assert answer.mail["In-Reply-To"] == answer.mail["References"] == "<original@example.com>"
    assert answer.mail["Auto-Submitted"] is None
    assert answer.mail["From"].addresses[0].addr_spec == "secure@example.com"
    assert answer.mail["Reply-To"].addresses[0].addr_spec == "bob@guest.example"
    assert "ANSWERTEXT" in answer.text
    files = {part.get_filename(): part.get_content() for part in answer.mail.iter_attachments()}
    assert files == {"photo gnp.exe": b"\x89PNG" * 10, "large.bin": b"y" * 200_000}
    opened = await kept.boxes.open_box(NS, one.participant_id, kept.code)
    mine = opened.messages[1]
    assert mine.author.is_reader
    assert mine.text == "Thank you, ANSWERTEXT.\nBob"
    assert [document.name for document in mine.documents] == ["photo gnp.exe", "large.bin"]
    reader = await kept.boxes.document(NS, one.participant_id, mine.documents[1].id)
    assert b"".join(reader.read(0, reader.size)) == b"y" * 200_000
    reader.close()
    assert (await invited(kept)).guest_state is GuestState.ANSWERED
    with pytest.raises(ValueError, match="once"):
        await draft.send("twice")


async def test_other_guests_do_not_see_an_answer(world, write_mail) -> None:
    await world.keep(
        write_mail(to="bob@guest.example, carol@else.example"), ["bob@guest.example", "carol@else.example"]
    )
    bob, carol = await invited(world), await invited(world, "carol@else.example")
    draft = await world.boxes.begin_answer(NS, bob.participant_id, world.code)
    await draft.add_document("mine.txt")
    await draft.write(b"private")
    await draft.finish_document()
    await draft.send("for alice alone")
    bobs = await world.boxes.open_box(NS, bob.participant_id, world.code)
    carols = await world.boxes.open_box(NS, carol.participant_id, world.code)
    assert len(carols.messages) == 1
    assert "bob@guest.example" not in [person.address for person in carols.people]
    foreign = bobs.messages[1].documents[0].id
    assert await world.boxes.document(NS, carol.participant_id, foreign) is None


async def test_what_is_too_large_for_a_mail_stays_and_the_mail_says_so(build, write_mail) -> None:
    world = build(mail_bytes=140_000)
    await world.keep(write_mail(), ["bob@guest.example"])
    one = await invited(world)
    draft = await world.boxes.begin_answer(NS, one.participant_id, world.code)
    for name, size in (("small.txt", 1000), ("huge.bin", 120_000)):
        await draft.add_document(name)
        await draft.write(b"z" * size)
        await draft.finish_document()
    assert (await draft.send("see files")).stays_in_box
    answer = world.posted("alice@example.com")[0]
    assert [part.get_filename() for part in answer.mail.iter_attachments()] == ["small.txt"]
    assert "huge.bin, 120 KB" in answer.text


async def test_limits_are_named_early_and_abort_leaves_nothing(build, write_mail) -> None:
    narrow = Profile.model_validate({"uploads": {"files": 1, "each": "100 KB", "together": "150 KB"}})
    world = build(profiles={"standard": narrow})
    await world.keep(write_mail(), ["bob@guest.example"])
    one = await invited(world)
    before = world.files()
    draft = await world.boxes.begin_answer(NS, one.participant_id, world.code)
    await draft.add_document("a.bin")
    await draft.write(b"a" * 90_000)
    with pytest.raises(AnswerRefused) as refused:
        await draft.write(b"a" * 20_000)
    assert (refused.value.limit, refused.value.allowed, refused.value.name) == (
        TooMuch.DOCUMENT_BYTES,
        100_000,
        "a.bin",
    )
    await draft.finish_document()
    with pytest.raises(AnswerRefused) as refused:
        await draft.add_document("b.bin")
    assert refused.value.limit is TooMuch.DOCUMENTS
    with pytest.raises(AnswerRefused) as refused:
        await draft.send("x" * 100_001)
    assert refused.value.limit is TooMuch.TEXT
    assert len(world.files()) == len(before) + 1
    await draft.abort()
    await draft.abort()
    assert world.files() == before


async def test_an_answer_that_comes_too_late_is_not_kept(kept) -> None:
    one = await invited(kept)
    draft = await kept.boxes.begin_answer(NS, one.participant_id, kept.code)
    await draft.add_document("a.bin")
    await draft.write(b"a" * 90_000)
    await draft.finish_document()
    files = len(kept.files())
    await kept.boxes.close(one.box_id, ADMIN)
    assert await draft.send("late") is None
    assert len(kept.files()) == files - 1
    assert not [one for one in kept.posted("alice@example.com") if one.kind == "answer"]
    assert await kept.boxes.open_box(NS, one.participant_id, kept.code)  # closed: still readable


async def test_a_late_answer_keeps_the_box_open(kept) -> None:
    one = await invited(kept)
    kept.clock.pass_(days=29)
    draft = await kept.boxes.begin_answer(NS, one.participant_id, kept.code)
    assert await draft.send("just in time")
    later = await invited(kept)
    assert later.closes_at == kept.clock.now + timedelta(days=7)
    assert later.deletes_at - later.closes_at == one.deletes_at - one.closes_at


async def test_not_meant_for_me(kept) -> None:
    one = await invited(kept)
    assert await kept.boxes.decline(NS, one.participant_id, kept.code)
    assert not await kept.boxes.decline(NS, one.participant_id, kept.code)
    assert await kept.boxes.open_box(NS, one.participant_id, kept.code) is None
    assert not await kept.boxes.resend(NS, one.participant_id, kept.code)
    [told] = kept.posted("alice@example.com")
    assert "was not meant for them" in " ".join(told.text.split())
    assert told.sender is None


async def test_declined_by_link_opens_again_for_who_proves_to_be_the_guest(kept) -> None:
    one = await invited(kept)
    by_link = Access(Way.LINK)
    assert await kept.boxes.open_box(NS, one.participant_id, by_link) is None, "a link opens nothing"
    assert await kept.boxes.decline(NS, one.participant_id, by_link)
    declined = await kept.boxes.invitation(NS, one.participant_id)
    assert declined.reopens and declined.takes_codes and not declined.readable
    assert await kept.boxes.open_box(NS, one.participant_id, kept.code) is None
    assert not await kept.boxes.reopen(NS, one.participant_id, by_link)
    assert await kept.boxes.send_code(NS, one.participant_id, "123456", timedelta(minutes=15), by_link)
    assert await kept.boxes.reopen(NS, one.participant_id, kept.code)
    assert await kept.boxes.open_box(NS, one.participant_id, kept.code) is not None
    assert await kept.boxes.decline(NS, one.participant_id, kept.code)
    assert not await kept.boxes.reopen(NS, one.participant_id, kept.code), "declined by the guest is declined for good"


async def test_locks_are_told_once_a_day(kept) -> None:
    one = await invited(kept)
    for _ in range(3):
        assert await kept.boxes.lock(NS, one.participant_id, kept.code)
        assert not await kept.boxes.lock(NS, one.participant_id, kept.code)
        assert (await invited(kept)).locked
        assert await kept.boxes.unlock(NS, one.participant_id, kept.account)
        assert not (await invited(kept)).locked
    assert len(kept.posted("alice@example.com")) == 1
    kept.clock.pass_(days=1, seconds=1)
    assert await kept.boxes.lock(NS, one.participant_id, kept.code)
    assert len(kept.posted("alice@example.com")) == 2
    assert await kept.boxes.unlock_guest(one.box_id, "bob@guest.example", ADMIN)


async def test_a_code_is_mailed_and_lasts_no_longer_than_it_counts(kept) -> None:
    one = await invited(kept)
    assert await kept.boxes.send_code(NS, one.participant_id, "048213", timedelta(minutes=15), kept.code)
    code = kept.posted("bob@guest.example")[-1]
    assert "    048213" in code.text.splitlines()
    assert "192.0.2.7" in code.text
    assert "read it out" in code.text
    assert "048213" not in code.mail["Subject"]
    assert code.lasts == timedelta(minutes=15)
    assert code.sender is None
    assert kept.events()[-1] == "code.sent"
    assert b"048213" not in b"".join(path.read_bytes() for path in kept.folder.rglob("*") if path.is_file())


async def test_a_resent_notice_brings_a_new_link_and_the_old_one_lives(kept) -> None:
    one = await invited(kept)
    first = kept.posted()[0].link
    assert await kept.boxes.resend(NS, one.participant_id, kept.code)
    second = kept.posted()[-1]
    assert second.link != first
    assert one.reference in second.text
    for link in (first, second.link):
        found = await kept.boxes.by_link(NS, link.rpartition("/")[2])
        assert found is not None
        assert found.participant_id == one.participant_id


async def test_who_wants_a_receipt_gets_one(world, write_mail) -> None:
    await world.keep(write_mail(Disposition_Notification_To="alice@example.com"), ["bob@guest.example"])
    one = await invited(world)
    for _ in range(2):
        await world.boxes.open_box(NS, one.participant_id, world.code)
    [receipt] = world.posted("alice@example.com")
    assert receipt.mail["Subject"] == "Read: Your results of Tuesday"


async def test_a_guest_asks_for_a_closed_message_again(kept) -> None:
    one = await invited(kept)
    assert not await kept.boxes.ask_again(NS, one.participant_id, "please", kept.code)
    await kept.boxes.delete(one.box_id, ADMIN)
    for _ in range(2):
        assert await kept.boxes.ask_again(NS, one.participant_id, "please\r\nBcc: x@y", kept.code)
    [asked] = kept.posted("alice@example.com")
    assert "    please" in asked.text.splitlines()
    assert asked.mail["Bcc"] is None


async def test_a_guest_hears_once_a_day_that_their_account_is_locked(kept) -> None:
    one = (await kept.boxes.for_address(NS, "bob@guest.example"))[0].invitation

    async def tell(*, by_second: bool = False) -> bool:
        until = kept.clock() + timedelta(minutes=15)
        return await kept.boxes.signin_locked(NS, one.participant_id, "acc1", kept.code, until, by_second=by_second)

    assert [await tell(), await tell(), await tell(by_second=True)] == [True, False, True]
    first, second = [mail for mail in kept.posted("bob@guest.example") if "paused" in str(mail.mail["Subject"])]
    assert "wrong password was typed" in first.text and "192.0.2.7" in first.text and "10:30 UTC" in first.text
    assert "right password was typed" in second.text and "choose a new" in second.text
    assert not any("http" in mail.text for mail in (first, second)), "nothing to click on"
    kept.clock.pass_(hours=25)
    assert await tell()


async def test_who_is_cancelled_waits_for_the_thread() -> None:
    begun, goes_on, done = threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        goes_on.wait(5)
        done.append("written")

    running = asyncio.ensure_future(finish_in_thread(work))
    await asyncio.to_thread(begun.wait, 5)
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert done == ["written"]

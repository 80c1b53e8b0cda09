"""Senders who are none of ours any more: their domain was given up, and their mailbox is elsewhere."""

from dataclasses import replace

from delivery.safebox.authority import Principal

NS, ELSEWHERE, BOB = "default", "alice@sold.example", "bob@guest.example"


async def sent_from_elsewhere(world, write_mail) -> str:
    """The id of the guest in a box of theirs."""
    raw = write_mail(files=[("SECRETNAME.pdf", b"%PDF")], Disposition_Notification_To=ELSEWHERE)
    delivery = world.delivery(raw, [BOB])
    message = replace(delivery.message, sender=ELSEWHERE, owner=ELSEWHERE)
    await world.end(list((await world.courier.deliver(replace(delivery, message=message))).values()))
    return await world.guest(BOB)


async def test_what_a_guest_answers_is_kept_in_a_safebox(world, write_mail) -> None:
    """No ordinary mail brings it to them: it would carry what guests write, and quote, over the internet."""
    bob = await sent_from_elsewhere(world, write_mail)
    draft = await world.boxes.begin_answer(NS, bob, world.code)
    assert await draft.send("Thank you, ANSWERTEXT.")
    [answer] = world.rows("select * from items where kind = 'answer'")
    assert (answer.route, answer.recipient, answer.inside) == ("safebox", ELSEWHERE, False)
    opened, _ = await world.queue.open_items(answer.message_id)
    assert opened.owner == "secure@example.com"
    kept = await world.courier.deliver(replace(world.delivery(b"", [ELSEWHERE]), message=opened))
    await world.end(list(kept.values()))
    theirs = await world.boxes.open_box(NS, await world.guest(ELSEWHERE), world.code)
    assert "ANSWERTEXT" in theirs.messages[0].text and theirs.subject == "Re: Your results of Tuesday"
    [notice] = world.posted(ELSEWHERE)[1:]
    assert "/b/" in notice.text and b"ANSWERTEXT" not in notice.raw


async def test_what_they_are_told_names_nothing_of_it(world, write_mail) -> None:
    bob = await sent_from_elsewhere(world, write_mail)
    opened = await world.boxes.open_box(NS, bob, world.code)  # they asked to be told of it
    [document] = opened.messages[0].documents
    assert await world.boxes.downloaded(NS, bob, (document.id,), world.code)
    await world.boxes.download_ended(NS, bob, document.id, world.code, start=0, stop=document.size, size=document.size)
    admin, box_id = Principal.admin("admin"), opened.invitation.box_id
    assert await world.boxes.close(box_id, admin)
    assert await world.boxes.ask_again(NS, bob, "A WORD of mine", world.code)
    assert await world.boxes.recall(box_id, "", admin)
    told = [one.text + one.mail["Subject"] for one in world.posted(ELSEWHERE)]
    assert len(told) == 4, told  # opened, closed, asked for again, taken back
    for text in told:
        assert not any(word in text for word in ("results of", "SECRETNAME", "WORD", "/boxes/")), text

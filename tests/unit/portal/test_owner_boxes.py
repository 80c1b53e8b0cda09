"""The list of a sender's boxes: what is new for each who keeps them, who needs help, every state."""

import re

import pytest

from delivery.safebox.authority import Principal
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.store.boxes import Role

OWNER, DEPUTY, GUEST, OTHER = "weber@example.com", "boss@example.com", "maria@post.example", "john@post.example"
SEEN = Access(Way.CODE, "192.0.2.7", "Firefox")


async def guest_of(office, box: str, address: str = GUEST) -> str:
    record = await office.boxes.show(box, Principal.person(OWNER))
    return next(one.participant_id for one in record.summary.guests if one.address == address)


async def reply(office, guest: str, text: str = "Thank you") -> None:
    draft = await office.boxes.begin_answer("default", guest, SEEN)
    assert await draft.send(text) is not None


async def news(office, box: str, address: str = OWNER) -> tuple[int, int, int]:
    new = (await office.boxes.news(box, Principal.person(address))).new
    return new.replies, new.openings, new.asks


def marks(browser) -> list[str]:
    return re.findall(r'<span class="unread">([^<]*)</span>', browser.text)


async def test_what_is_new_is_told_until_it_was_seen(office) -> None:
    box = await office.send(GUEST, OTHER)
    maria, john = await guest_of(office, box), await guest_of(office, box, OTHER)
    await office.boxes.add(box, DEPUTY, Principal.person(OWNER), role=Role.PRIVILEGED)
    browser = await office.signed_in()
    assert marks(browser) == [] and 'class="is-unread"' not in browser.text
    for guest in (maria, maria, john):  # only the first opening of each counts
        await office.boxes.open_box("default", guest, SEEN)
    await reply(office, maria)
    await browser.get("/boxes?show=new")
    assert marks(browser) == ["1 new reply", "2 new readers"] and 'class="is-unread"' in browser.text
    await browser.go("HEAD", f"/boxes/{box}")
    assert await news(office, box) == (1, 2, 0)  # nobody saw it
    await browser.get(f"/boxes/{box}")
    assert marks(browser) == ["1 new reply", "2 new readers", "New"]
    await browser.get(f"/boxes/{box}")
    assert marks(browser) == []
    await browser.get("/boxes?show=new")
    assert "There is nothing in this list" in browser.text
    assert await news(office, box, DEPUTY) == (1, 2, 0)  # each who keeps it has looked for themselves
    await office.boxes.close(box, Principal.person(OWNER))
    await office.boxes.ask_again("default", john, "", SEEN)
    await browser.get("/boxes")
    assert marks(browser) == ["1 asks to open it again"]


async def test_what_one_writes_is_news_to_the_others(office) -> None:
    box = await office.send(GUEST)
    await office.boxes.add(box, DEPUTY, Principal.person(OWNER), role=Role.PRIVILEGED)
    draft = await office.boxes.begin_message(box, Principal.person(OWNER), SEEN)
    await draft.send("More")
    assert await news(office, box) == (0, 0, 0) and await news(office, box, DEPUTY) == (1, 0, 0)


async def test_what_comes_between_looking_and_telling_stays_new(office) -> None:
    box = await office.send(GUEST)
    guest = await guest_of(office, box)
    saw = await office.boxes.news(box, Principal.person(OWNER))
    await reply(office, guest)  # while the page is made
    await office.boxes.mark_seen(box, Principal.person(OWNER), saw)
    assert await news(office, box) == (1, 0, 0)
    newer = await office.boxes.news(box, Principal.person(OWNER))
    await office.boxes.mark_seen(box, Principal.person(OWNER), newer)
    await office.boxes.mark_seen(box, Principal.person(OWNER), saw)  # another window, slower
    assert await news(office, box) == (0, 0, 0)
    assert await office.boxes.news(box, Principal.person(DEPUTY)) is None


@pytest.mark.slow  # nine boxes
async def test_every_state_has_its_list_and_who_needs_help_is_found(office) -> None:
    owner = Principal.person(OWNER)
    office.profiles["standard"] = Profile.model_validate(
        {"signin": {"ways": ["code", "sms"]}, "life": {"open_for": "9 days"}}
    )
    over = await office.send(GUEST, subject="Over")
    office.clock.go(days=8)
    boxes = {
        name: await office.send(GUEST, subject=name)
        for name in ("Quiet", "Locked", "Told", "Shut", "Back", "Gone", "Both")
    }
    office.clock.go(days=1, hours=1)  # the first is over, and nobody has written that down
    guests = {name: await guest_of(office, box) for name, box in boxes.items()}
    await office.boxes.lock("default", guests["Locked"], SEEN)
    await office.boxes.tell_phone("default", guests["Told"], "+41791234567", SEEN)
    await office.boxes.lock("default", guests["Back"], SEEN)  # taken back: nothing can be done
    await office.boxes.close(boxes["Shut"], owner)
    await office.boxes.recall(boxes["Back"], "", owner)
    await office.boxes.delete(boxes["Gone"], owner)
    await office.boxes.lock("default", guests["Both"], SEEN)
    await office.boxes.open_box("default", guests["Both"], Access(Way.COMMAND))
    lists = {
        "all": {*boxes, "Over"} - {"Gone"},
        "new": {"Both"},
        "help": {"Locked", "Told", "Both"},
        "open": {"Quiet", "Locked", "Told", "Both"},
        "closed": {"Over", "Shut"},
        "recalled": {"Back"},
        "deleted": set(),  # its subject went with it
    }
    browser = await office.signed_in()
    for shown, subjects in lists.items():
        await browser.get(f"/boxes?show={shown}")
        found = set(re.findall(r'<a class="whole" href="[^"]*">([^<]*)</a>', browser.text)) - {"A deleted message"}
        assert found == subjects, shown
        counted = re.search(rf'show={shown}"[^>]*>[^<]*<span class="num">(\d+)<', browser.text)
        assert int(counted[1]) == len(subjects) + (shown in ("all", "deleted")), shown
    await browser.get("/boxes?show=help")
    assert browser.text.count("1 needs help") == 3
    assert over in (await browser.get("/boxes?show=closed") and browser.text)

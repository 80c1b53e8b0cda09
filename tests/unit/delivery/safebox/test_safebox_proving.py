"""Telephones and questions of guests, over a real store: from the mail's header to the sealed row."""

from datetime import timedelta

import pytest

from delivery.safebox.asking import PhoneFrom
from delivery.safebox.authority import Principal
from delivery.safebox.participants import Access, Way
from delivery.safebox.profile import Profile
from delivery.store.accounts import Accounts
from delivery.store.codes import Asker, CodeRules, Try
from delivery.store.who import Who
from keys.tokens import digest

NS, BOB, CAROL = "default", "bob@guest.example", "carol@guest.example"
EVERY = {"standard": Profile.model_validate({"signin": {"ways": ["sms", "question"]}})}
LINK = Access(Way.LINK, "192.0.2.9", "Browser")
NUMBER = "+41791234567"
ADMIN = Principal.admin("admin")


@pytest.fixture
def asked(build, write_mail):
    async def keep(**headers: str):
        world = build(profiles=EVERY)
        await world.keep(write_mail(f"{BOB}, {CAROL}", **headers), [BOB, CAROL])
        return world

    return keep


async def test_what_the_sender_wrote_counts_for_each_guest(asked) -> None:
    world = await asked(
        X_Sealgate_Phone=f"{BOB}=+41 79 123 45 67", X_Sealgate_Question="Where?", X_Sealgate_Answer="In Davos"
    )
    bob = await world.boxes.invitation(NS, await world.guest(BOB))
    carol = await world.boxes.invitation(NS, await world.guest(CAROL))
    assert (bob.phone, bob.question, bob.wants_phone) == (NUMBER, "Where?", False)
    assert (carol.phone, carol.question, carol.wants_phone) == ("", "Where?", True)
    assert bob.opened_by(Way.SMS) and bob.opened_by(Way.QUESTION)
    assert not bob.opened_by(Way.CODE) and not bob.opened_by(Way.ACCOUNT) and not bob.opened_by(Way.LINK)
    assert await world.boxes.is_answer(NS, bob.participant_id, "in davos!")
    assert not await world.boxes.is_answer(NS, bob.participant_id, "in Chur")
    assert not await world.boxes.is_answer(NS, "nobody", "in davos!")
    stored = str(world.rows("select * from proofs"))
    assert "791234567" not in stored and "Where" not in stored and "argon2id" in stored


async def test_a_mailed_code_goes_to_who_may_be_kept_from_texts_and_answers(asked) -> None:
    world = await asked(X_Sealgate_Phone=f"{BOB}=+41 79 123 45 67")
    for address, sent in ((BOB, True), (CAROL, False)):  # of Carol no number is known, and nothing is asked
        guest = await world.guest(address)
        invitation = await world.boxes.invitation(NS, guest)
        assert not invitation.takes_codes and invitation.takes_mailbox is sent
        assert await world.boxes.send_code(NS, guest, "1234567890", timedelta(minutes=15), LINK) is sent
    assert "1234567890" in world.posted(BOB)[-1].text


async def test_a_guest_s_own_number_waits_for_the_owner(asked) -> None:
    world = await asked()
    carol = await world.guest(CAROL)
    assert await world.boxes.tell_phone(NS, carol, NUMBER, LINK)
    told = await world.boxes.invitation(NS, carol)
    assert told.phone_waits and not told.phone and not told.proves(Way.SMS)
    [notice] = world.posted("alice@example.com")
    assert f"--confirm {NUMBER}" in notice.text
    box = told.box_id
    known = await world.boxes.proof_of(box, CAROL, ADMIN)
    assert (known.phone, known.phone_from, known.is_confirmed) == (NUMBER, PhoneFrom.GUEST, False)
    assert (await world.boxes.confirm_phone(box, CAROL, "+41790000000", ADMIN)).done is False, "not what the owner saw"
    assert (await world.boxes.confirm_phone(box, CAROL, NUMBER, ADMIN)).done is True
    assert (await world.boxes.confirm_phone(box, CAROL, NUMBER, ADMIN)).done is False
    assert (await world.boxes.invitation(NS, carol)).proves(Way.SMS)
    assert await world.boxes.tell_phone(NS, carol, "+41790000000", LINK) is False, "none is wanted any more"
    assert not (await world.boxes.confirm_phone(box, "nobody@x.example", NUMBER, ADMIN)).done
    assert {"phone.told", "phone.confirmed"} <= set(world.events())


async def test_owners_set_what_they_know_and_deletion_takes_it(asked) -> None:
    world = await asked()
    bob = await world.boxes.invitation(NS, await world.guest(BOB))
    assert (await world.boxes.set_phone(bob.box_id, BOB, "+41 (0)79 123 45 67", ADMIN)).done
    assert (await world.boxes.set_question(bob.box_id, BOB, ADMIN, question=" Where? ", answer="In Davos")).done
    for question, answer in (("", "Davos"), ("x" * 201, "Davos"), ("Where?", "a-b"), ("Davos or Chur?", "DAVOS!")):
        assert not (await world.boxes.set_question(bob.box_id, BOB, ADMIN, question=question, answer=answer)).done
    assert not (await world.boxes.set_phone(bob.box_id, BOB, "079 123 45 67", ADMIN)).done
    known = await world.boxes.proof_of(bob.box_id, BOB, ADMIN)
    assert (known.phone, known.question, known.is_confirmed) == (NUMBER, "Where?", True)
    for sent in (True, False):
        await world.boxes.code_called(NS, bob.participant_id, Way.SMS, LINK, sent=sent)
    assert world.events()[-2:] == ["code.sent", "code.not_sent"]
    await world.boxes.delete(bob.box_id, ADMIN)
    assert world.rows("select * from proofs") == []
    assert await world.boxes.proof_of(bob.box_id, BOB, ADMIN) is not None
    assert (await world.boxes.set_phone(bob.box_id, BOB, NUMBER, ADMIN)).done is False
    assert {"phone.set", "question.set"} <= set(world.events())


async def test_a_directory_knows_what_the_sender_does_not_say(build, write_mail) -> None:
    world = build(profiles=EVERY)
    world.courier._phones = {BOB: "+4100000000", CAROL: NUMBER}
    await world.keep(write_mail(f"{BOB}, {CAROL}", X_Sealgate_Phone=f"{BOB}=+41799999999"), [BOB, CAROL])
    numbers = [(await world.boxes.invitation(NS, await world.guest(one))).phone for one in (BOB, CAROL)]
    assert numbers == ["+41799999999", NUMBER]


async def test_another_number_ends_what_went_to_the_one_before(asked) -> None:
    world = await asked(X_Sealgate_Phone="+41 79 123 45 67")
    bob = await world.boxes.invitation(NS, await world.guest(BOB))
    people = Accounts(world.db, world.vault)
    who, rules, now = Who(participant_id=bob.participant_id), CodeRules(), world.clock.now
    by_text, by_mail = (Asker(NS, bob.participant_id, digest(name)) for name in ("phone", "mail"))
    await people.keep_code(by_text, "123456", rules, now, "sms")
    await people.keep_code(by_mail, "123456", rules, now)
    for name in ("sms", "question"):
        await people.open_session(NS, digest(name), who, now, timedelta(hours=1), way=name)
    await world.boxes.set_phone(bob.box_id, BOB, "+41790000000", ADMIN)
    assert (await people.try_code(by_text, "123456", rules, who, now)).what is Try.SPENT
    assert (await people.try_code(by_mail, "123456", rules, who, now)).what is Try.OPENED
    left = [await people.session(NS, digest(name), now, timedelta(hours=1)) for name in ("sms", "question")]
    assert left[0] is None and left[1] is not None
    await world.boxes.set_question(bob.box_id, BOB, ADMIN, question="Where?", answer="In Davos")
    assert await people.session(NS, digest("question"), now, timedelta(hours=1)) is None

"""Accounts, codes, sessions and limits on each database: no limit is passed together, no namespace is crossed."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from delivery.store import boxes as box_rows
from delivery.store import proofs
from delivery.store.account_rows import proven_before
from delivery.store.accounts import Accounts
from delivery.store.boxes import told_lately
from delivery.store.codes import Asker, CodeAdmission, CodeRules, Try, clear_throttles, locked
from delivery.store.sessions import stands
from delivery.store.throttles import Attempt, Limit
from delivery.store.who import Who
from keys.tokens import digest, new_id

RULES = CodeRules()
IDLE, LIFETIME = timedelta(minutes=30), timedelta(hours=12)
ADDRESS = "Maria@post.example"


@pytest.fixture
def accounts(store: Any) -> Accounts:
    return Accounts(store.db, store.vault)


@pytest.fixture
async def guest(store: Any) -> str:
    """The id of a guest in a box of their own."""
    now, box_id, guest_id = store.clock(), new_id(), new_id()
    _, key = store.vault.new_dek("default", box_id.encode())
    box = box_rows.BoxRow(
        id=box_id, namespace="default", message_id="m", audience="all", profile_name="standard", profile={},
        owner="alice@example.com", owner_name_sealed=None, subject_sealed=None, owner_message_id_sealed=None,
        state=box_rows.BoxState.OPEN, by_fallback=False, created_at=now, closes_at=now + timedelta(days=30),
        acted_at=now, deletes_at=None, key=key,
    )  # fmt: skip
    person = box_rows.ParticipantRow(
        id=guest_id, box_id=box_id, namespace="default", address=ADDRESS, address_key=ADDRESS.lower(),
        name_sealed=None, role=box_rows.Role.GUEST, state=box_rows.GuestState.INVITED, reference=guest_id.encode(),
        reference_sealed=None, created_at=now,
    )  # fmt: skip
    await store.db.write(lambda conn: box_rows.insert_box(conn, box) and box_rows.insert_participant(conn, person))
    return guest_id


def who(guest: str) -> Who:
    return Who(participant_id=guest, network="192.0.2.1", agent="Browser")


async def test_twenty_right_codes_at_once_open_once(store, accounts, guest: str) -> None:
    asker = Asker("default", guest, digest("browser"))
    await accounts.keep_code(asker, "123456", RULES, store.clock())
    tries = await asyncio.gather(
        *(accounts.try_code(asker, "123456", RULES, who(guest), store.clock()) for _ in range(20))
    )
    assert Counter(tried.what for tried in tries) == {Try.OPENED: 1, Try.AGAIN: 19}
    assert (await store.kinds()).count("code.right") == 1
    store.clock.advance(minutes=2)
    assert (await accounts.try_code(asker, "123456", RULES, who(guest), store.clock())).what is Try.SPENT


async def test_wrong_codes_at_once_cannot_pass_the_limits(store, accounts, guest: str) -> None:
    asker = Asker("default", guest, digest("browser"))
    await accounts.keep_code(asker, "123456", RULES, store.clock())
    tries = await asyncio.gather(
        *(accounts.try_code(asker, "000000", RULES, who(guest), store.clock()) for _ in range(30))
    )
    counted = Counter(tried.what for tried in tries)
    assert counted[Try.WRONG] == 4 and counted[Try.LOCKED] == 26
    begun = await accounts.begin_code(asker, "123456", RULES, store.clock())
    assert begun == CodeAdmission(refused=store.clock() + timedelta(minutes=10))
    assert await accounts.begin_code(asker, "123456", RULES, store.clock(), long="1234567890") == CodeAdmission(
        is_long=True
    )
    tries = await asyncio.gather(
        *(accounts.try_code(asker, "1234567890", RULES, who(guest), store.clock()) for _ in range(20))
    )
    assert Counter(tried.what for tried in tries) == {Try.OPENED: 1, Try.AGAIN: 19}


async def test_twenty_wrong_codes_in_a_day_lock_for_good_until_unlocked(store, accounts, guest: str) -> None:
    seen = []
    for number in range(4):
        asker = Asker("default", guest, digest(f"browser {number}"))
        await accounts.keep_code(asker, "123456", RULES, store.clock())
        seen += [await accounts.try_code(asker, "000000", RULES, who(guest), store.clock()) for _ in range(5)]
        store.clock.advance(hours=2)
    assert seen[-1].what is Try.LOCKED_FOR_GOOD
    assert await accounts.begin_code(asker, "123456", RULES, store.clock()) == CodeAdmission(
        refused=Try.LOCKED_FOR_GOOD
    )
    await store.db.write(lambda conn: clear_throttles(conn, "default", guest))
    assert await accounts.begin_code(asker, "123456", RULES, store.clock()) == CodeAdmission()
    assert (await accounts.try_code(asker, "123456", RULES, who(guest), store.clock())).what is Try.OPENED


async def test_what_one_limit_refuses_counts_for_none_behind_it_and_keeps_no_code(store, accounts, guest: str) -> None:
    asker, now = Asker("default", guest, digest("browser")), store.clock()
    tight = Limit(1, timedelta(hours=1), timedelta(minutes=10))
    tries = (Attempt("net-ask", "192.0.2.1", tight), Attempt("asked-from", guest, tight))
    assert await accounts.begin_code(asker, "123456", RULES, now, tries) == CodeAdmission()
    assert await accounts.begin_code(asker, "654321", RULES, now, tries) == CodeAdmission(
        until=now + timedelta(minutes=10)
    )
    assert await accounts.limited("default", "asked-from", guest, now) is None
    assert (await accounts.try_code(asker, "123456", RULES, who(guest), now)).what is Try.OPENED


async def test_a_code_that_went_to_another_number_opens_nothing(store, accounts, guest: str) -> None:
    asker, now = Asker("default", guest, digest("browser")), store.clock()
    for is_long, code in ((False, "123456"), (True, "1234567890")):
        await accounts.keep_code(asker, code, RULES, now, "sms", number="+41791234567", is_long=is_long)
        assert (await accounts.try_code(asker, code, RULES, who(guest), now, number="+41790000000")).what is Try.WRONG
        tried = await accounts.try_code(asker, code, RULES, who(guest), now, number="+41791234567")
        assert (tried.what, tried.way) == (Try.OPENED, "sms")
        await accounts.keep_code(asker, code, RULES, now, "voice", number="+41791234567", is_long=is_long)
        await store.db.write(lambda conn: proofs.forget_calls(conn, "default", guest, now))
        tried = await accounts.try_code(asker, code, RULES, who(guest), now, number="+41791234567")
        assert tried.what is Try.SPENT, "the number was set anew"


async def test_a_code_counts_for_its_browser_guest_and_time(store, accounts, guest: str) -> None:
    asker = Asker("default", guest, digest("browser"))
    await accounts.keep_code(asker, "123456", RULES, store.clock())
    for other in (Asker("default", guest, digest("other")), Asker("default", "another", digest("browser"))):
        assert (await accounts.try_code(other, "123456", RULES, who(guest), store.clock())).what is Try.NONE
    await accounts.keep_code(asker, "654321", RULES, store.clock())
    assert (await accounts.try_code(asker, "123456", RULES, who(guest), store.clock())).what is Try.WRONG
    store.clock.advance(minutes=16)
    assert (await accounts.try_code(asker, "654321", RULES, who(guest), store.clock())).what is Try.SPENT
    assert await accounts.code_sent(asker, RULES, store.clock()) is None


async def test_a_limit_holds_for_tries_made_at_once_and_doubles(store, accounts) -> None:
    limit = Limit(3, timedelta(hours=1), timedelta(minutes=10))

    async def count() -> Any:
        return await accounts.count("default", "things", "somebody", limit, store.clock())

    until = await asyncio.gather(*(count() for _ in range(12)))
    assert until.count(None) == 3 and set(until) == {None, store.clock() + timedelta(minutes=10)}
    store.clock.advance(minutes=11)
    again = [await count() for _ in range(4)]
    assert again[3] == store.clock() + timedelta(minutes=20)
    store.vault.ensure("other")
    assert await accounts.count("other", "things", "somebody", limit, store.clock()) is None


async def test_what_a_clock_that_was_ahead_locked_is_open_once_it_is_right(store, accounts, guest: str) -> None:
    limit = Limit(2, timedelta(hours=1), timedelta(minutes=10))

    async def count() -> Any:
        return await accounts.count("default", "things", "somebody", limit, store.clock())

    asker = Asker("default", guest, digest("browser"))
    assert await count() is None
    store.clock.advance(days=365)
    for _ in range(RULES.tries_a_day):
        await accounts.keep_code(asker, "123456", RULES, store.clock())
        await accounts.try_code(asker, "000000", RULES, who(guest), store.clock())
    assert await count() is None and await count() is None and await count() is not None
    assert await store.db.write(lambda conn: told_lately(conn, "default", "it", store.clock(), store.clock())) is False
    store.clock.advance(days=-365)
    assert await accounts.limited("default", "things", "somebody", store.clock()) is None
    assert await count() is None
    before = store.clock() - timedelta(days=1)
    assert await store.db.write(lambda conn: told_lately(conn, "default", "it", before, store.clock())) is False
    assert await store.db.read(lambda conn: locked(conn, asker, RULES, store.clock())) is None


async def test_who_signed_in_while_the_clock_was_ahead_does_so_anew(store, accounts, guest: str) -> None:
    mine = digest("mine")
    store.clock.advance(days=365)
    await accounts.open_session("default", mine, who(guest), store.clock(), LIFETIME)
    assert await accounts.session("default", mine, store.clock(), IDLE) is not None
    store.clock.advance(days=-365)
    assert await accounts.session("default", mine, store.clock(), IDLE) is None, "it would last for a year"
    assert not await store.db.read(lambda conn: stands(conn, "default", mine, store.clock()))


async def test_sessions_end_as_they_should(store, accounts, guest: str) -> None:
    first, second = digest("first"), digest("second")
    await accounts.open_session("default", first, who(guest), store.clock(), LIFETIME)
    assert await accounts.session("other", first, store.clock(), IDLE) is None
    await accounts.open_session("default", second, who(guest), store.clock(), LIFETIME, replaces=first)
    assert await accounts.session("default", first, store.clock(), IDLE) is None
    found = await accounts.session("default", second, store.clock(), IDLE)
    assert found is not None and found.participant_id == guest and found.digest == second
    assert found.expires_at == store.clock() + LIFETIME, "times come back as they went in, in UTC"
    for _ in range(26):
        store.clock.advance(minutes=29)
        if await accounts.session("default", second, store.clock(), IDLE) is None:
            break
        await accounts.touch_session("default", second, store.clock())
    assert store.clock() - found.created_at > LIFETIME - timedelta(minutes=30)
    await accounts.sweep(store.clock() + LIFETIME)
    await accounts.end_session("default", second, who(guest), store.clock())
    assert "session.ended" not in await store.kinds(), "it was swept: there was nothing to end"


async def test_an_account_is_one_however_many_make_it_at_once(store, accounts, guest: str) -> None:
    made = await asyncio.gather(
        *(accounts.set_password("default", ADDRESS, f"hash {number}", who(guest), store.clock()) for number in range(8))
    )
    assert len({account.id for account in made}) == 1
    kinds = await store.kinds()
    assert kinds.count("account.created") == 1 and kinds.count("account.changed") == 7
    assert (await accounts.by_address("default", ADDRESS.upper())).id == made[0].id
    assert await accounts.by_address("other", ADDRESS) is None


async def test_a_new_password_ends_sessions_and_proves_anew(store, accounts, guest: str) -> None:
    account = await accounts.set_password("default", ADDRESS, "old", who(guest), store.clock())
    token = digest("token")
    await accounts.open_session("default", token, who(guest), store.clock(), LIFETIME, account_id=account.id)
    assert (await accounts.session("default", token, store.clock(), IDLE)).address == ADDRESS
    made_at = store.clock()
    store.clock.advance(minutes=5)
    await accounts.set_password("default", ADDRESS, "new", who(guest), store.clock())
    assert await accounts.session("default", token, store.clock(), IDLE) is None
    later = made_at + timedelta(minutes=1)
    assert not await store.db.read(lambda conn: proven_before(conn, "default", ADDRESS, later))


async def test_a_phrase_is_sealed(store, accounts, guest: str) -> None:
    account = await accounts.set_password("default", ADDRESS, "hash", who(guest), store.clock())
    await accounts.set_phrase("default", account.id, "green herons at noon", who(guest), store.clock())
    assert await accounts.phrase("default", ADDRESS) == "green herons at noon"
    await accounts.set_phrase("default", account.id, "", who(guest), store.clock())
    assert await accounts.phrase("default", ADDRESS) is None

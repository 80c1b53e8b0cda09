"""Passkeys, second factors, challenges and remembered browsers on each database: each counts once, however many ask."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from delivery.store.accounts import Accounts
from delivery.store.challenges import Challenged, Purpose
from delivery.store.credentials import Credentials
from delivery.store.devices import Device
from delivery.store.passkeys import MOST, Passkey
from delivery.store.who import Who
from keys import totp
from keys.tokens import digest

WHO, ADDRESS, NS = Who(network="192.0.2.1"), "maria@post.example", "default"


@pytest.fixture
def held(store: Any) -> Credentials:
    return Credentials(store.db, store.vault)


@pytest.fixture
async def account(store: Any) -> str:
    return (await Accounts(store.db, store.vault).set_password(NS, ADDRESS, "hash", WHO, store.clock())).id


async def signed_in(store: Any, name: str, account: str, **more: Any) -> bytes:
    """The digest of a session of the account, or None where nobody was let in."""
    token = digest(name)
    opened = await Accounts(store.db, store.vault).open_session(
        NS, token, WHO, store.clock(), timedelta(hours=1), account_id=account, way="account", **more
    )
    return token if opened is not None else b""


def key(number: int, now: Any) -> Any:
    return lambda owner: Passkey(bytes([number]) * 16, owner, b"key", 0, False, now)


async def confirmed(store: Any, held: Credentials, account: str, session: bytes, browser: str = "browser") -> bool:
    """Turn the second step on in a session."""
    asked = Challenged(NS, digest(browser), Purpose.ENROL)
    await held.begin_second_factor(asked, account, store.clock())
    secret = await held.beginning(asked, account, store.clock())
    code = totp.code_at(secret, totp.step_of(store.clock()))
    return await held.confirm_second_factor(asked, account, code, session, who=WHO, now=store.clock()) is not None


async def test_who_was_about_to_go_in_by_a_password_when_a_second_step_came_does_not(store, held, account) -> None:
    """The password was looked at, and no second step was asked for; before they are in, it is, and all others end."""
    people = Accounts(store.db, store.vault)
    seen = await people.by_address(NS, ADDRESS)
    assert await confirmed(store, held, account, await signed_in(store, "mine", account))
    assert not await signed_in(store, "late", account, proven_at=seen.proven_at)
    assert await signed_in(store, "second", account, proven_at=seen.proven_at, strong=True), "who proved it is let in"


async def test_who_was_about_to_go_in_by_a_passkey_when_it_was_removed_does_not(store, held, account) -> None:
    mine, now = await signed_in(store, "mine", account), store.clock()
    for number in (1, 2):
        assert await held.add_passkey(NS, ADDRESS, key(number, now), mine, who=WHO, now=now, proven=False)
    lost, kept = bytes([1]) * 16, bytes([2]) * 16
    assert await held.passkey_used(NS, await held.passkey(NS, lost), 0, now), "it signed"
    assert await held.remove_passkey(NS, account, lost, mine, who=WHO, now=now)
    assert not await signed_in(store, "late", account, strong=True, passkey=lost)
    assert await signed_in(store, "other", account, strong=True, passkey=kept)
    assert not await signed_in(store, "another", "another", strong=True, passkey=kept)


async def test_a_session_that_has_ended_adds_no_way_in(store, held, account) -> None:
    """It was looked at and stood; then the password was set anew, which ended it: nothing of it is kept."""
    stolen, now = await signed_in(store, "stolen", account), store.clock()
    await Accounts(store.db, store.vault).set_password(NS, ADDRESS, "new", WHO, now)
    assert await held.add_passkey(NS, ADDRESS, key(1, now), stolen, who=WHO, now=now, proven=False) is None
    assert await held.add_passkey(NS, ADDRESS, key(1, now), stolen, who=WHO, now=now, proven=True) is None
    assert not await confirmed(store, held, account, stolen)
    assert await held.passkeys(NS, account) == () and await held.second(NS, account) is None


async def test_a_code_alone_adds_no_passkey_to_an_account_whose_second_step_came_meanwhile(
    store, held, account
) -> None:
    now, code = store.clock(), digest("by code")
    people = Accounts(store.db, store.vault)
    await people.open_session(NS, code, WHO, now, timedelta(hours=1))
    assert await confirmed(store, held, account, await signed_in(store, "mine", account))
    assert await held.add_passkey(NS, ADDRESS, key(1, now), code, who=WHO, now=now, proven=True) is None
    assert await held.passkeys(NS, account) == ()


@pytest.mark.parametrize("way", ["password", "passkey"])
async def test_whoever_goes_in_while_it_is_ended_is_out_or_was_not_let_in(store, held, account, way: str) -> None:
    """Twenty at once, against the act that ends them all: whichever comes first, none is in behind it."""
    people, mine, now = Accounts(store.db, store.vault), await signed_in(store, "mine", account), store.clock()
    assert await held.add_passkey(NS, ADDRESS, key(1, now), mine, who=WHO, now=now, proven=False)
    lost, seen = bytes([1]) * 16, (await people.by_address(NS, ADDRESS)).proven_at

    async def end() -> None:
        if way == "passkey":
            assert await held.remove_passkey(NS, account, lost, mine, who=WHO, now=now)
        else:
            assert await confirmed(store, held, account, mine)

    shown: dict[str, Any] = {"passkey": lost, "strong": True} if way == "passkey" else {"proven_at": seen}
    entering = [signed_in(store, f"number {number}", account, **shown) for number in range(20)]
    await asyncio.gather(*entering[:10], end(), *entering[10:])
    hour = timedelta(hours=1)
    left = [await people.session(NS, digest(f"number {number}"), now, hour) for number in range(20)]
    assert left == [None] * 20
    assert await people.session(NS, mine, now, hour) is not None


async def test_an_account_changes_with_the_notice_of_it_or_not_at_all(store, held, account: str) -> None:
    """The notice cannot be put into the queue: the password, the passkey, the second step are as they were."""

    class CutOff(Exception):
        pass

    def also(_conn: Any) -> None:
        raise CutOff

    people, now = Accounts(store.db, store.vault), store.clock()
    mine = await signed_in(store, "mine", account)
    assert await held.add_passkey(NS, ADDRESS, key(1, now), mine, who=WHO, now=now, proven=False)
    asked = Challenged(NS, digest("browser"), Purpose.ENROL)
    await held.begin_second_factor(asked, account, now)
    code = totp.code_at(await held.beginning(asked, account, now), totp.step_of(now))
    for act in (
        people.set_password(NS, ADDRESS, "new", WHO, now, also=also),
        people.set_password(NS, "karl@post.example", "new", WHO, now, also=also),
        held.add_passkey(NS, ADDRESS, key(2, now), mine, who=WHO, now=now, proven=False, also=also),
        held.remove_passkey(NS, account, bytes([1]) * 16, mine, who=WHO, now=now, also=also),
        held.confirm_second_factor(asked, account, code, mine, who=WHO, now=now, also=also),
    ):
        with pytest.raises(CutOff):
            await act
    assert (await people.by_address(NS, ADDRESS)).password == "hash"
    assert await people.by_address(NS, "karl@post.example") is None
    assert [one.credential for one in await held.passkeys(NS, account)] == [bytes([1]) * 16]
    assert await held.confirm_second_factor(asked, account, code, mine, who=WHO, now=now)
    with pytest.raises(CutOff):
        await held.remove_second_factor(NS, account, WHO, now, also=also)
    assert await held.second(NS, account) is not None


async def test_a_challenge_is_taken_once_by_its_browser(store, held) -> None:
    asked = Challenged(NS, digest("browser"), Purpose.PASSKEY)
    await held.challenge(asked, b"first", store.clock())
    await held.challenge(asked, b"second", store.clock())
    store.vault.ensure("other")
    for other in (
        Challenged(NS, digest("another"), Purpose.PASSKEY),
        Challenged(NS, digest("browser"), Purpose.REGISTER),
        Challenged("other", digest("browser"), Purpose.PASSKEY),
    ):
        assert await held.take_challenge(other, store.clock()) is None
    assert await held.challenged(asked, store.clock()) == b"second"
    taken = await asyncio.gather(*(held.take_challenge(asked, store.clock()) for _ in range(12)))
    assert sorted(taken, key=bool) == [None] * 11 + [b"second"]
    await held.challenge(asked, b"third", store.clock())
    store.clock.advance(minutes=11)
    assert await held.take_challenge(asked, store.clock()) is None


async def test_a_code_of_the_authenticator_counts_once(store, held, account: str) -> None:
    asked = Challenged(NS, digest("browser"), Purpose.ENROL)
    assert await held.begin_second_factor(asked, account, store.clock()) and await held.second(NS, account) is None
    secret = await held.beginning(asked, account, store.clock())
    assert secret is not None and await held.beginning(asked, "another", store.clock()) is None
    other = Challenged(NS, digest("another"), Purpose.ENROL)
    assert await held.beginning(other, account, store.clock()) is None, "another browser's"
    code = totp.code_at(secret, totp.step_of(store.clock()))
    session = await signed_in(store, "session", account)
    recovery = await held.confirm_second_factor(asked, account, code, session, who=WHO, now=store.clock())
    assert recovery is not None and len(recovery) == 10
    assert await held.begin_second_factor(other, account, store.clock()) is False
    assert await held.beginning(asked, account, store.clock()) is None, "it was taken"
    store.clock.advance(seconds=60)
    code = totp.code_at(secret, totp.step_of(store.clock()))
    tried = await asyncio.gather(*(held.try_second_factor(NS, account, code, WHO, store.clock()) for _ in range(4)))
    assert [one.is_right for one in tried].count(True) == 1
    store.clock.advance(hours=1)
    tried = await asyncio.gather(
        *(held.try_second_factor(NS, account, recovery[0], WHO, store.clock()) for _ in range(4))
    )
    assert [one.is_right for one in tried].count(True) == 1
    assert (await held.second(NS, account)).recovery_left == 9
    assert await held.remove_second_factor(NS, account, WHO, store.clock())
    assert await held.remove_second_factor(NS, account, WHO, store.clock()) is False


async def test_passkeys_belong_to_one_account_of_one_namespace(store, held, account: str) -> None:
    def make(number: int):
        return lambda owner: Passkey(bytes([number]) * 16, owner, b"key", 0, False, store.clock())

    session = await signed_in(store, "session", account)

    async def add(number: int, address: str = ADDRESS, *, proven: bool = False) -> Any:
        return await held.add_passkey(NS, address, make(number), session, who=WHO, now=store.clock(), proven=proven)

    assert (await add(1)).id == account
    assert await add(1) is None, "known"
    assert await add(2, "karl@post.example") is None
    karl = await add(2, "karl@post.example", proven=True)
    assert karl is not None and karl.password == ""
    store.vault.ensure("other")
    assert await held.passkey("other", bytes([1]) * 16) is None
    assert await held.remove_passkey(NS, karl.id, bytes([1]) * 16, b"", who=WHO, now=store.clock()) is False
    mine = await held.passkey(NS, bytes([1]) * 16)
    assert await held.passkey_used(NS, mine, 5, store.clock())
    assert await held.passkey_used(NS, mine, 5, store.clock()) is False, "somebody else used this count"
    for number in range(3, MOST + 4):
        await add(number)
    assert len(await held.passkeys(NS, account)) == MOST


async def test_browsers_are_remembered_for_their_address_and_time(store, held) -> None:
    now = store.clock()

    def device(token: str, address: str = ADDRESS) -> Device:
        return Device(digest(token), address, "code", "Browser", store.clock(), store.clock() + timedelta(days=5))

    await held.remember(NS, device("one"), None, WHO, now)
    await held.remember(NS, device("two", "karl@post.example"), digest("one"), WHO, now)
    assert await held.device(NS, digest("one"), ADDRESS, now) is None, "the token before counts no more"
    assert await held.device(NS, digest("two"), ADDRESS.upper(), now) is not None
    assert await held.device(NS, digest("two"), "olga@post.example", now) is None
    for number in range(25):
        store.clock.advance(seconds=1)
        await held.remember(NS, device(f"more {number}"), None, WHO, store.clock())
    assert len(await held.devices(NS, ADDRESS, store.clock())) == 20
    assert await held.forget_devices(NS, WHO, now, digest=digest("two")) == 1
    assert await held.forget_devices(NS, WHO, now, address=ADDRESS) == 20
    await held.remember(NS, device("last"), None, WHO, now)
    store.clock.advance(days=5)
    assert await held.device(NS, digest("last"), ADDRESS, store.clock()) is None
    await Accounts(store.db, store.vault).sweep(store.clock())
    assert await held.devices(NS, ADDRESS, now) == ()

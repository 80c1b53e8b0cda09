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
    assert await held.begin_second(asked, account, store.clock()) and await held.second(NS, account) is None
    secret = await held.beginning(asked, account, store.clock())
    assert secret is not None and await held.beginning(asked, "another", store.clock()) is None
    other = Challenged(NS, digest("another"), Purpose.ENROL)
    assert await held.beginning(other, account, store.clock()) is None, "another browser's"
    code = totp.code_at(secret, totp.step_of(store.clock()))
    session = digest("session")
    recovery = await held.confirm_second(asked, account, code, session, who=WHO, now=store.clock())
    assert recovery is not None and len(recovery) == 10
    assert await held.begin_second(other, account, store.clock()) is False
    assert await held.beginning(asked, account, store.clock()) is None, "it was taken"
    store.clock.advance(seconds=60)
    code = totp.code_at(secret, totp.step_of(store.clock()))
    tried = await asyncio.gather(*(held.try_second(NS, account, code, WHO, store.clock()) for _ in range(4)))
    assert [one.is_right for one in tried].count(True) == 1
    store.clock.advance(hours=1)
    tried = await asyncio.gather(*(held.try_second(NS, account, recovery[0], WHO, store.clock()) for _ in range(4)))
    assert [one.is_right for one in tried].count(True) == 1
    assert (await held.second(NS, account)).recovery_left == 9
    assert await held.remove_second(NS, account, WHO, store.clock())
    assert await held.remove_second(NS, account, WHO, store.clock()) is False


async def test_passkeys_belong_to_one_account_of_one_namespace(store, held, account: str) -> None:
    def make(number: int):
        return lambda owner: Passkey(bytes([number]) * 16, owner, b"key", 0, False, store.clock())

    assert (await held.add_passkey(NS, ADDRESS, make(1), WHO, store.clock(), proven=False)).id == account
    assert await held.add_passkey(NS, ADDRESS, make(1), WHO, store.clock(), proven=False) is None, "known"
    assert await held.add_passkey(NS, "karl@post.example", make(2), WHO, store.clock(), proven=False) is None
    karl = await held.add_passkey(NS, "karl@post.example", make(2), WHO, store.clock(), proven=True)
    assert karl is not None and karl.password == ""
    store.vault.ensure("other")
    assert await held.passkey("other", bytes([1]) * 16) is None
    assert await held.remove_passkey(NS, karl.id, bytes([1]) * 16, b"", who=WHO, now=store.clock()) is False
    mine = await held.passkey(NS, bytes([1]) * 16)
    assert await held.passkey_used(NS, mine, 5, store.clock())
    assert await held.passkey_used(NS, mine, 5, store.clock()) is False, "somebody else used this count"
    for number in range(3, MOST + 4):
        await held.add_passkey(NS, ADDRESS, make(number), WHO, store.clock(), proven=False)
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

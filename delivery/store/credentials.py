"""What accounts hold beside a password: passkeys, a second factor, recovery codes; and browsers that are remembered.

Each call is one transaction with its audit events, and scoped by its namespace.
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from delivery.store import challenges, devices, passkeys, second_factors, sessions, throttles
from delivery.store.account_rows import Account, by_address, lock_account, prove_account
from delivery.store.audit import EventKind, record
from delivery.store.challenges import Challenged
from delivery.store.database import Database
from delivery.store.devices import Device
from delivery.store.passkeys import Passkey
from delivery.store.throttles import Limit, key_of
from delivery.store.vault import Vault
from delivery.store.who import Also, Who, address_key, event_of
from keys import totp
from keys.tokens import new_token

RECOVERY: Final = 10  # codes
_RECOVERY_BITS: Final = 50  # 10 characters of base32, in two groups
_LOOKALIKES: Final = str.maketrans("01", "ol")
_TRIES: Final = Limit(5, timedelta(minutes=15), timedelta(minutes=10))
_A_DAY: Final = Limit(30, timedelta(days=1), timedelta(), to_the_end=True)


@dataclass(frozen=True, slots=True)
class SecondFactorInForce:
    """The second factor that an account has, and how many recovery codes are unused."""

    recovery_left: int


@dataclass(frozen=True, slots=True)
class SecondFactorTry:
    """Whether a code of the second factor was right. `locked_until`: not checked, after too many tries."""

    is_right: bool = False
    locked_until: datetime | None = None


class Credentials:
    """The repository. Raises StoreUnavailable when the database is away, KeysUnavailable when keys are."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    # -- challenges ----------------------------------------------------------------------------------------------

    async def challenge(self, asked: Challenged, data: bytes, now: datetime) -> None:
        """Keep what a browser is to prove."""
        await self._db.write(lambda conn: challenges.keep(conn, asked, data, now))

    async def challenged(self, asked: Challenged, now: datetime) -> bytes | None:
        """What this browser was asked last, and has not answered."""
        return await self._db.read(lambda conn: challenges.standing(conn, asked, now))

    async def take_challenge(self, asked: Challenged, now: datetime) -> bytes | None:
        """Consume it: whatever the answer is, it counts once."""
        return await self._db.write(lambda conn: challenges.take(conn, asked, now))

    # -- passkeys ------------------------------------------------------------------------------------------------

    async def passkey(self, namespace: str, credential: bytes) -> Passkey | None:
        """The passkey that an authenticator names."""
        return await self._db.read(lambda conn: passkeys.by_credential(conn, namespace, credential))

    async def passkeys(self, namespace: str, account_id: str) -> tuple[Passkey, ...]:
        """Those of an account, oldest first."""
        return await self._db.read(lambda conn: passkeys.of_account(conn, namespace, account_id))

    async def passkey_used(self, namespace: str, before: Passkey, sign_count: int, now: datetime) -> bool:
        """It signed. False: somebody else used this count in between."""
        return await self._db.write(lambda conn: passkeys.used(conn, namespace, before, sign_count, now))

    async def add_passkey(
        self,
        namespace: str,
        address: str,
        make: Callable[[str], Passkey],
        session: bytes,
        *,
        who: Who,
        now: datetime,
        proven: bool,
        also: Also | None = None,
    ) -> Account | None:
        """Add a passkey to the account of an address, made where there is none. None: known already, too many, or the
        `session` (its digest) that adds it has ended.

        `make` is given the account's id. `proven`: the address was proven just now and nothing else was: what the
        account had signed in ends, as with a new password; none is added to an account with a second factor. Else the
        account itself is signed in.
        """

        def work(conn: Connection) -> Account | None:
            there = by_address(conn, namespace, address)
            lock_account(conn, namespace, there.id if there else None)
            if not sessions.stands(conn, namespace, session, now):
                return None
            if proven:
                if there is not None and second_factors.get(conn, namespace, there.id) is not None:
                    return None
                found, is_new = prove_account(conn, namespace, address, now)
            else:
                if there is None:
                    return None
                found, is_new = there, False
            if not passkeys.add(conn, namespace, make(found.id)):
                return None
            kind = EventKind.ACCOUNT_CREATED if is_new else EventKind.ACCOUNT_CHANGED
            record(conn, self._vault, [event_of(kind, namespace, who, address=address, what="passkey")], now)
            if also is not None:
                also(conn)
            return found

        return await self._db.write(work)

    async def remove_passkey(
        self,
        namespace: str,
        account_id: str,
        credential: bytes,
        session: bytes,
        *,
        who: Who,
        now: datetime,
        also: Also | None = None,
    ) -> bool:
        """Forget one; every session of the account but this (its digest) ends: one of them may have come by it.

        False: the account has no such passkey.
        """

        def work(conn: Connection) -> bool:
            lock_account(conn, namespace, account_id)
            if not passkeys.remove(conn, namespace, account_id, credential):
                return False
            sessions.end_all(conn, namespace, account_id, but=session)
            event = event_of(EventKind.ACCOUNT_CHANGED, namespace, who, what="passkey removed")
            record(conn, self._vault, [event], now)
            if also is not None:
                also(conn)
            return True

        return await self._db.write(work)

    # -- second factor -------------------------------------------------------------------------------------------

    async def second(self, namespace: str, account_id: str) -> SecondFactorInForce | None:
        """The second factor that the account has in force."""

        def work(conn: Connection) -> SecondFactorInForce | None:
            if second_factors.get(conn, namespace, account_id) is None:
                return None
            return SecondFactorInForce(second_factors.recovery_left(conn, namespace, account_id))

        return await self._db.read(work)

    async def begin_second_factor(self, asked: Challenged, account_id: str, now: datetime) -> bool:
        """Make a secret, which this browser is to show that it has. False: one is in force.

        It is kept for the browser, not for the account: no other session sees it, or is shown one that it did not ask
        for, of which somebody else may have a copy.
        """
        secret = totp.new_secret()

        def work(conn: Connection) -> bool:
            if second_factors.get(conn, asked.namespace, account_id) is not None:
                return False
            sealed = self._vault.seal_small(asked.namespace, _bound(account_id), secret, conn)
            challenges.keep(conn, asked, _enrolling(account_id, sealed), now)
            return True

        return await self._db.write(work)

    async def beginning(self, asked: Challenged, account_id: str, now: datetime) -> bytes | None:
        """The secret that this browser was given for this account, and no code of which was typed in yet."""

        def work(conn: Connection) -> bytes | None:
            sealed = _enrolled(challenges.standing(conn, asked, now), account_id)
            return None if sealed is None else self._vault.open_small(asked.namespace, _bound(account_id), sealed)

        return await self._db.read(work)

    async def confirm_second_factor(
        self,
        asked: Challenged,
        account_id: str,
        code: str,
        session: bytes,
        *,
        who: Who,
        now: datetime,
        also: Also | None = None,
    ) -> tuple[str, ...] | None:
        """Put it in force, if the code is right; the recovery codes, to be shown once. None: it was not right.

        `session` (its digest) has proven it now, and counts as strong from here on; the account's others end. One
        that has ended puts nothing in force.
        """
        fresh, namespace = tuple(new_recovery_code() for _ in range(RECOVERY)), asked.namespace

        def work(conn: Connection) -> tuple[str, ...] | None:
            if throttles.count_one(conn, namespace, _tries_key(namespace, account_id), _TRIES, now) is not None:
                return None
            lock_account(conn, namespace, account_id)
            sealed = _enrolled(challenges.standing(conn, asked, now), account_id)
            if sealed is None or not sessions.stands(conn, namespace, session, now):
                return None
            step = totp.matching_step(self._vault.open_small(namespace, _bound(account_id), sealed), code, now)
            if step is None or not second_factors.put(
                conn, namespace, account_id, secret_sealed=sealed, step=step, now=now
            ):
                return None
            challenges.take(conn, asked, now)
            throttles.forget(conn, _tries_key(namespace, account_id))
            self._keep_recovery(conn, namespace, account_id, fresh)
            sessions.strengthen(conn, namespace, session)
            sessions.end_all(conn, namespace, account_id, but=session)
            event = event_of(EventKind.ACCOUNT_CHANGED, namespace, who, what="second factor")
            record(conn, self._vault, [event], now)
            if also is not None:
                also(conn)
            return fresh

        return await self._db.write(work)

    async def try_second_factor(
        self, namespace: str, account_id: str, typed: str, who: Who, now: datetime
    ) -> SecondFactorTry:
        """Try a code of the authenticator, or a recovery code. Each counts once, and tries are limited."""
        code, recovery = as_code(typed), as_recovery(typed)

        def work(conn: Connection) -> SecondFactorTry:
            for key, limit in (
                (_tries_key(namespace, account_id), _TRIES),
                (key_of(namespace, "second-day", account_id), _A_DAY),
            ):
                until = throttles.count_one(conn, namespace, key, limit, now)
                if until is not None:
                    return self._failed(conn, namespace, who, now, SecondFactorTry(locked_until=until))
            found = second_factors.get(conn, namespace, account_id)
            if found is None:
                return SecondFactorTry()
            secret = self._vault.open_small(namespace, _bound(account_id), found.secret_sealed)
            step = totp.matching_step(secret, code, now)
            if step is not None and second_factors.take_step(conn, namespace, account_id, step):
                return self._right(conn, namespace, account_id, SecondFactorTry(is_right=True))
            digest = self._recovery_digest(namespace, account_id, recovery)
            if recovery and second_factors.take_recovery(conn, namespace, account_id, digest, now):
                return self._right(conn, namespace, account_id, SecondFactorTry(is_right=True))
            return self._failed(conn, namespace, who, now, SecondFactorTry())

        return await self._db.write(work)

    async def new_recovery(self, namespace: str, account_id: str, who: Who, now: datetime) -> tuple[str, ...]:
        """New recovery codes, to be shown once; the ones before stop counting."""
        fresh = tuple(new_recovery_code() for _ in range(RECOVERY))

        def work(conn: Connection) -> tuple[str, ...]:
            self._keep_recovery(conn, namespace, account_id, fresh)
            event = event_of(EventKind.ACCOUNT_CHANGED, namespace, who, what="recovery codes")
            record(conn, self._vault, [event], now)
            return fresh

        return await self._db.write(work)

    async def remove_second_factor(
        self, namespace: str, account_id: str, who: Who, now: datetime, *, also: Also | None = None
    ) -> bool:
        """Take it off. False: there was none."""

        def work(conn: Connection) -> bool:
            if not second_factors.remove(conn, namespace, account_id):
                return False
            event = event_of(EventKind.ACCOUNT_CHANGED, namespace, who, what="second factor removed")
            record(conn, self._vault, [event], now)
            if also is not None:
                also(conn)
            return True

        return await self._db.write(work)

    def _keep_recovery(self, conn: Connection, namespace: str, account_id: str, fresh: tuple[str, ...]) -> None:
        digests = [self._recovery_digest(namespace, account_id, as_recovery(code)) for code in fresh]
        second_factors.keep_recovery(conn, namespace, account_id, digests)

    def _recovery_digest(self, namespace: str, account_id: str, code: str) -> bytes:
        # 50 bits could be guessed from a plain digest: it is keyed, and bound to the account
        return self._vault.mac(namespace, "recovery", f"{account_id}:{code}".encode())

    def _right(self, conn: Connection, namespace: str, account_id: str, done: SecondFactorTry) -> SecondFactorTry:
        throttles.forget(conn, _tries_key(namespace, account_id))
        throttles.take_back(conn, key_of(namespace, "second-day", account_id))
        return done

    def _failed(
        self, conn: Connection, namespace: str, who: Who, now: datetime, done: SecondFactorTry
    ) -> SecondFactorTry:
        kind = EventKind.SIGNIN_LOCKED if done.locked_until else EventKind.SIGNIN_FAILED
        record(conn, self._vault, [event_of(kind, namespace, who, what="second factor")], now)
        return done

    # -- remembered browsers -------------------------------------------------------------------------------------

    async def remember(self, namespace: str, device: Device, before: bytes | None, who: Who, now: datetime) -> None:
        """Remember a browser. `before`: the digest of the token it held till now."""

        def work(conn: Connection) -> None:
            devices.remember(conn, namespace, device, before)
            record(conn, self._vault, [event_of(EventKind.DEVICE_REMEMBERED, namespace, who, way=device.way)], now)

        await self._db.write(work)

    async def device(self, namespace: str, digest: bytes, address: str, now: datetime) -> Device | None:
        """The browser behind a cookie, if it proved this very address."""
        return await self._db.read(lambda conn: devices.find(conn, namespace, digest, address_key(address), now))

    async def devices(self, namespace: str, address: str, now: datetime) -> tuple[Device, ...]:
        """Every browser that is remembered for an address, newest first."""
        return await self._db.read(lambda conn: devices.of_address(conn, namespace, address_key(address), now))

    async def forget_devices(
        self, namespace: str, who: Who, now: datetime, *, address: str | None = None, digest: bytes | None = None
    ) -> int:
        """Forget every browser of an address, or the one behind a cookie; how many."""
        key = None if address is None else address_key(address)

        def work(conn: Connection) -> int:
            number = devices.forget(conn, namespace, address_key=key, digest=digest)
            if number:
                event = event_of(EventKind.DEVICE_FORGOTTEN, namespace, who, address=address or "", number=number)
                record(conn, self._vault, [event], now)
            return number

        return await self._db.write(work)


def new_recovery_code() -> str:
    """`k3x7q-m2pfa`: 50 random bits, to be written down."""
    plain = new_token(_RECOVERY_BITS)[:10]
    return f"{plain[:5]}-{plain[5:]}"


def as_code(typed: str) -> str:
    """The digits of what was typed; empty where it is none."""
    digits = "".join(str(unicodedata.digit(char, "")) for char in typed[:40])
    return "" if any(char.isalpha() for char in typed[:40]) else digits


def as_recovery(typed: str) -> str:
    """The ten characters of a recovery code, in any case, with dashes and spaces as people write them; else empty."""
    plain = "".join(char for char in typed[:40].lower() if char.isalnum()).translate(_LOOKALIKES)
    return plain if len(plain) == 10 and plain.isascii() else ""


def _bound(account_id: str) -> str:
    return f"second:{account_id}"


def _enrolling(account_id: str, sealed: bytes) -> bytes:
    return account_id.encode() + b" " + sealed


def _enrolled(data: bytes | None, account_id: str) -> bytes | None:
    """The sealed secret; None: there is none, or it is another account's, of which this browser was signed in."""
    whose, _space, sealed = (data or b"").partition(b" ")
    return sealed if data and whose == account_id.encode() else None


def _tries_key(namespace: str, account_id: str) -> str:
    return key_of(namespace, "second", account_id)

"""People at the portal: accounts, codes, sessions and limits, as the portal uses them.

Each call is one transaction with its audit events. Nothing here is ever looked up without its namespace: the same
address in two namespaces is two people. Passwords arrive hashed, cookies and browsers as digests.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from delivery.languages import Language
from delivery.store import challenges, codes, devices, languages, sessions, throttles
from delivery.store.account_rows import Account, by_address, may_enter, phrase_binding, phrase_of, prove_account
from delivery.store.audit import EventKind, record
from delivery.store.codes import Asker, CodeAdmission, CodeRules, CodeSent, Try, TryResult
from delivery.store.database import Database
from delivery.store.schema_people import accounts
from delivery.store.sessions import Session, session_name
from delivery.store.throttles import Attempt, Limit, key_of
from delivery.store.vault import Vault
from delivery.store.who import Also, Who, address_key, event_of


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session was opened. `language`: what its reader chose, now or before, where an address was proven."""

    language: Language | None = None


class Accounts:
    """The repository of accounts, codes, sessions and limits. Raises StoreUnavailable when the database is away."""

    def __init__(self, db: Database, vault: Vault) -> None:
        self._db = db
        self._vault = vault

    # -- codes ---------------------------------------------------------------------------------------------------

    async def begin_code(
        self,
        asker: Asker,
        code: str,
        rules: CodeRules,
        now: datetime,
        attempts: Sequence[Attempt] = (),
        *,
        long: str = "",
        way: str = "code",
        later: bool = False,
        spare: Sequence[Attempt] = (),
    ) -> CodeAdmission:
        """May a code be sent? Counts that it was asked for: by these attempts, in this order, then for the guest; none
        counts that comes after the one that refuses. Where it may, the `code` is kept, or with `later` by `keep_code`.
        `long`: goes in its place while wrong codes have locked those that could be guessed; empty: none does.
        `spare`: counts in place of the guest's, once that is used up.
        """
        namespace, code_id = asker.namespace, codes.new_code_id()

        def count(conn: Connection, one: Attempt) -> datetime | None:
            return throttles.count_one(conn, namespace, self._key_of(namespace, one.what, one.who), one.limit, now)

        def work(conn: Connection) -> CodeAdmission:
            for one in attempts:
                if until := count(conn, one):
                    return CodeAdmission(until=until)
            locked = codes.locked(conn, asker, rules, now)
            if locked is not None and not long:
                return CodeAdmission(refused=locked)
            until = codes.asked(conn, asker, now)
            if until and (not spare or any(count(conn, one) for one in spare)):
                return CodeAdmission(refused=until)
            is_long = locked is not None
            if not later:
                digest = self._code_digest(namespace, code_id, long if is_long else code)
                codes.keep(conn, asker, code_id=code_id, digest=digest, rules=rules, now=now, way=way, is_long=is_long)
            return CodeAdmission(is_long=is_long)

        return await self._db.write(work)

    async def keep_code(
        self,
        asker: Asker,
        code: str,
        rules: CodeRules,
        now: datetime,
        way: str = "code",
        *,
        number: str = "",
        is_long: bool = False,
    ) -> CodeSent:
        """Keep a code that is about to be brought by `way`, to a telephone's `number`: it is worth nothing where the
        guest's is another by then. The one this browser asked for before stops working.
        """
        code_id = codes.new_code_id()

        def work(conn: Connection) -> CodeSent:
            digest = self._code_digest(asker.namespace, code_id, code, number)
            return codes.keep(
                conn, asker, code_id=code_id, digest=digest, rules=rules, now=now, way=way, is_long=is_long
            )

        return await self._db.write(work)

    async def withdraw_code(self, asker: Asker, now: datetime) -> None:
        """The code kept last could not be sent."""
        await self._db.write(lambda conn: codes.withdraw(conn, asker, now))

    async def code_sent(self, asker: Asker, rules: CodeRules, now: datetime) -> CodeSent | None:
        """The code this browser asked for, if it can still be typed in."""
        return await self._db.read(lambda conn: codes.sent(conn, asker, rules, now))

    async def try_code(
        self, asker: Asker, code: str, rules: CodeRules, who: Who, now: datetime, *, number: str = ""
    ) -> TryResult:
        """Try a code. OPENED is said once for a code, however many ask at the same time. `number`: the guest's."""

        def work(conn: Connection) -> TryResult:
            code_id, by_phone = codes.newest(conn, asker) or (None, False)
            digest = self._code_digest(asker.namespace, code_id or "none", code, number if by_phone else "")
            tried = codes.try_one(conn, asker, code_id=code_id, digest=digest, rules=rules, now=now)
            self._record_tried(conn, asker.namespace, tried, who, now)
            return tried

        return await self._db.write(work)

    async def may_answer(self, namespace: str, counted: str, rules: CodeRules, now: datetime) -> TryResult | None:
        """May an answer to the sender's question be tried? None: yes, and it is counted as wrong until `answered`.
        `counted`: whom it counts for, a guest or `codes.mailed` of one.
        """
        return await self._db.write(lambda conn: codes.begin_answer(conn, namespace, counted, rules, now))

    async def answered(
        self, namespace: str, counted: str, rules: CodeRules, who: Who, now: datetime, *, right: bool
    ) -> TryResult:
        """What became of an answer that `may_answer` let through."""

        def work(conn: Connection) -> TryResult:
            tried = codes.end_answer(conn, namespace, counted, rules, now, right=right)
            self._record_tried(conn, namespace, tried, who, now, way="question")
            return tried

        return await self._db.write(work)

    def _record_tried(
        self, conn: Connection, namespace: str, tried: TryResult, who: Who, now: datetime, *, way: str = ""
    ) -> None:
        facts = {"way": way or tried.way} if way or tried.what is Try.OPENED else {}
        record(conn, self._vault, [event_of(kind, namespace, who, address="", **facts) for kind in _told(tried)], now)

    def _code_digest(self, namespace: str, code_id: str, code: str, number: str = "") -> bytes:
        # Six digits are soon guessed from a plain digest: it is keyed, and bound to this one code and where it goes.
        return self._vault.mac(namespace, "code", f"{code_id}:{code}{number}".encode())

    # -- limits --------------------------------------------------------------------------------------------------

    async def count(self, namespace: str, what: str, who: str, limit: Limit, now: datetime) -> datetime | None:
        """Count a try against a limit. None: within; else from when on it may be tried again. `who` is hashed here."""

        key = self._key_of(namespace, what, who)
        return await self._db.write(lambda conn: throttles.count_one(conn, namespace, key, limit, now))

    async def take_back(self, namespace: str, what: str, who: str) -> None:
        """The try counted last was none: it was right."""

        key = self._key_of(namespace, what, who)
        await self._db.write(lambda conn: throttles.take_back(conn, key))

    async def limited(self, namespace: str, what: str, who: str, now: datetime) -> datetime | None:
        """Until when a limit holds, without counting."""

        key = self._key_of(namespace, what, who)
        return await self._db.read_quickly(lambda conn: throttles.locked_until(conn, key, now))

    def _key_of(self, namespace: str, what: str, who: str) -> str:
        # Addresses and networks are not written down to count them.
        digest = self._vault.mac(namespace, f"limit.{what}", who.encode("utf-8", "surrogatepass"))[:20].hex()
        return key_of(namespace, what, digest)

    # -- sessions ------------------------------------------------------------------------------------------------

    async def open_session(
        self,
        namespace: str,
        digest: bytes,
        who: Who,
        now: datetime,
        lifetime: timedelta,
        *,
        account_id: str | None = None,
        way: str = "code",
        strong: bool = False,
        remembered: bool = False,
        replaces: bytes | None = None,
        owner: str | None = None,
        proven_at: datetime | None = None,
        passkey: bytes | None = None,
        proven: str = "",
        chosen: Language | None = None,
    ) -> SignedIn | None:
        """Sign somebody in; the session they had in this browser ends. `remembered`: no code was typed. `owner`: a
        sender, who proved this address, to their own boxes. `proven_at`: of the account, when its password was looked
        at; `passkey`: the one that signed. Where they open the account no more, nobody is signed in: None.

        `proven`: an address that is theirs; the language `chosen` in the browser is kept for it.
        """

        def work(conn: Connection) -> SignedIn | None:
            if account_id is not None and not may_enter(
                conn, namespace, account_id, proven_at=proven_at, passkey=passkey, strong=strong
            ):
                return None
            if replaces is not None:
                sessions.end(conn, namespace, replaces)
            sessions.open_one(
                conn,
                namespace,
                digest,
                account_id=account_id,
                participant_id=None if account_id else who.participant_id,
                now=now,
                lifetime=lifetime,
                way=way,
                strong=strong,
                remembered=remembered,
                owner=owner,
            )
            facts: dict[str, object] = {"way": way, "session": session_name(digest)}
            facts |= {"strong": True} if strong else {}
            facts |= {"remembered": True} if remembered else {}
            facts |= {"as": "owner"} if owner else {}
            record(conn, self._vault, [event_of(EventKind.SIGNIN_SUCCEEDED, namespace, who, address="", **facts)], now)
            return SignedIn(languages.at_sign_in(conn, namespace, proven, chosen, now) if proven else None)

        return await self._db.write(work)

    async def session(
        self, namespace: str, digest: bytes, now: datetime, idle: timedelta, *, of_owner: bool = False
    ) -> Session | None:
        """The session behind a cookie's digest: a guest's, or (`of_owner`) a sender's."""
        return await self._db.read_quickly(
            lambda conn: sessions.find(conn, namespace, digest, now, idle, of_owner=of_owner)
        )

    async def touch_session(self, namespace: str, digest: bytes, now: datetime) -> None:
        """Note that the session was used now."""
        await self._db.write(lambda conn: sessions.touch(conn, namespace, digest, now))

    async def end_session(self, namespace: str, digest: bytes, who: Who, now: datetime) -> None:
        """Sign out."""

        def work(conn: Connection) -> None:
            if sessions.end(conn, namespace, digest):
                facts = {"session": session_name(digest)}
                record(conn, self._vault, [event_of(EventKind.SESSION_ENDED, namespace, who, **facts)], now)

        await self._db.write(work)

    async def sign_out_everywhere(self, namespace: str, account: Account, who: Who, now: datetime) -> int:
        """End every session of an account; how many."""

        def work(conn: Connection) -> int:
            number = sessions.end_all(conn, namespace, account.id)
            if number:
                event = event_of(EventKind.SESSION_ENDED, namespace, who, address=account.address, number=number)
                record(conn, self._vault, [event], now)
            return number

        return await self._db.write(work)

    # -- accounts ------------------------------------------------------------------------------------------------

    async def by_address(self, namespace: str, address: str) -> Account | None:
        """The account of an address, in any case."""
        return await self._db.read(lambda conn: by_address(conn, namespace, address))

    async def proven_at(self, namespace: str, account_id: str) -> datetime | None:
        """When the account's password was set last; None: there is no such account."""
        mine = (accounts.c.id == account_id) & (accounts.c.namespace == namespace)
        return await self._db.read(lambda conn: conn.execute(select(accounts.c.proven_at).where(mine)).scalar())

    async def address_of(self, namespace: str, account_id: str) -> str | None:
        """The address of an account."""
        mine = (accounts.c.id == account_id) & (accounts.c.namespace == namespace)
        return await self._db.read(lambda conn: conn.execute(select(accounts.c.address).where(mine)).scalar())

    def number_digest(self, namespace: str, number: str) -> str:
        """What is kept of a telephone number, where only equality matters (64 characters); empty of none."""
        return self._vault.mac(namespace, "phone", number.encode()).hex() if number else ""

    def owner_key(self, namespace: str, address: str) -> str:
        """What stands for a sender's address where a guest's codes have the participant: 32 characters, no address."""
        return f"owner-{self._vault.mac(namespace, 'owner', address_key(address).encode())[:13].hex()}"

    def known_mark(self, namespace: str, address: str, browser: str) -> str:
        """What shows that we called this `browser` so when somebody with that address was let in with it."""
        mark = self._vault.mac(
            namespace, "known", f"{address_key(address)}\0{browser}".encode("utf-8", "surrogatepass")
        )
        return base64.b32encode(mark[:20]).decode().lower()

    def handle(self, namespace: str, address: str) -> bytes:
        """What a passkey calls a person (WebAuthn's user handle, 32 bytes): tells nobody else who that is."""
        return self._vault.mac(namespace, "passkey", address_key(address).encode("utf-8", "surrogatepass"))

    async def set_password(
        self, namespace: str, address: str, password: str, who: Who, now: datetime, *, also: Also | None = None
    ) -> Account:
        """Make the account, or set its password anew, for an address just proven by a code.

        Every session the account had elsewhere ends, and no browser is remembered for the address any more.
        """

        def work(conn: Connection) -> Account:
            account, is_new = prove_account(conn, namespace, address, now, password=password)
            kind = EventKind.ACCOUNT_CREATED if is_new else EventKind.ACCOUNT_CHANGED
            record(conn, self._vault, [event_of(kind, namespace, who, address=address, what="password")], now)
            if also is not None:
                also(conn)
            return account

        return await self._db.write(work)

    async def rehash(self, account: Account, password: str) -> None:
        """The same password under newer parameters."""
        mine = (accounts.c.id == account.id) & (accounts.c.password == account.password)
        change = update(accounts).where(mine, accounts.c.namespace == account.namespace).values(password=password)
        await self._db.write(lambda conn: conn.execute(change).rowcount)

    async def signin_failed(self, namespace: str, address: str, who: Who, now: datetime, *, locked: bool) -> None:
        """Record that a password was wrong, or that no account has this address: the trail does not say which."""
        kind = EventKind.SIGNIN_LOCKED if locked else EventKind.SIGNIN_FAILED
        event = event_of(kind, namespace, who, address=address[:320])
        await self._db.write(lambda conn: record(conn, self._vault, [event], now))

    async def unlock_signin(self, namespace: str, address: str, who: Who, now: datetime) -> bool:
        """Lift what wrong codes of a sender at their own site have locked, and wrong passwords for an account of that
        address. Nobody is let in by it. False: nothing was counted.
        """
        sender = self.owner_key(namespace, address)
        password = self._key_of(namespace, "password", address_key(address))

        def work(conn: Connection) -> bool:
            lifted = codes.clear_throttles(conn, namespace, sender) + throttles.forget(conn, password)
            if lifted:
                record(conn, self._vault, [event_of(EventKind.SIGNIN_UNLOCKED, namespace, who, address=address)], now)
            return lifted > 0

        return await self._db.write(work)

    async def phrase(self, namespace: str, address: str) -> str | None:
        """The personal phrase that goes into notices to this address."""
        return await self._db.read(lambda conn: phrase_of(conn, self._vault, namespace, address))

    async def set_phrase(self, namespace: str, account_id: str, phrase: str, who: Who, now: datetime) -> None:
        """Keep the phrase, sealed; empty: there is none any more."""

        def work(conn: Connection) -> None:
            sealed = (
                self._vault.seal_audit(namespace, phrase_binding(account_id), phrase.encode(), conn) if phrase else None
            )
            mine = (accounts.c.id == account_id) & (accounts.c.namespace == namespace)
            conn.execute(update(accounts).where(mine).values(phrase_sealed=sealed))
            record(conn, self._vault, [event_of(EventKind.ACCOUNT_CHANGED, namespace, who, what="phrase")], now)

        await self._db.write(work)

    async def choose_language(self, namespace: str, address: str, language: Language, now: datetime) -> None:
        """Keep the language that somebody chose: their notices speak it from now on."""
        await self._db.write(lambda conn: languages.choose(conn, namespace, address, language, now))

    async def sweep(self, now: datetime) -> None:
        """Remove codes, sessions and limits that have passed. Safe to run in every worker."""

        def work(conn: Connection) -> int:
            gone = codes.sweep(conn, now) + sessions.sweep(conn, now) + throttles.sweep(conn, now)
            return gone + challenges.sweep(conn, now) + devices.sweep(conn, now) + languages.sweep(conn, now)

        await self._db.write(work)


def _told(tried: TryResult) -> tuple[EventKind, ...]:
    if tried.what is Try.OPENED:
        return (EventKind.CODE_RIGHT,)
    if tried.what is Try.AGAIN:
        return ()
    return (EventKind.CODE_WRONG, EventKind.CODE_LOCKED) if tried.locked_now else (EventKind.CODE_WRONG,)

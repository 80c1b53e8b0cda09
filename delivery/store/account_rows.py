"""Rows of accounts, within somebody else's transaction: found by address, made, and proven anew."""

from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from delivery.store import devices, passkeys, second_factors, sessions
from delivery.store.schema_people import accounts
from delivery.store.statements import Statement
from delivery.store.vault import Vault
from delivery.store.who import address_key
from keys.tokens import new_id


@dataclass(frozen=True, slots=True)
class Account:
    """A guest's own login in one namespace. `proven_at`: when a code last proved the address to set the password."""

    id: str
    namespace: str
    address: str = field(repr=False)
    password: str = field(repr=False)  # Argon2id, PHC string; empty: signs in by passkey alone
    created_at: datetime
    proven_at: datetime


# Said for every page.
_OF: Final = (accounts.c.namespace == bindparam("in_namespace"), accounts.c.address_key == bindparam("of"))
_BY_ADDRESS: Final = Statement(select(*(accounts.c[one.name] for one in fields(Account))).where(*_OF))
_PHRASE: Final = Statement(select(accounts.c.id, accounts.c.phrase_sealed).where(*_OF))


def prove_account(
    conn: Connection, namespace: str, address: str, now: datetime, *, password: str | None = None
) -> tuple[Account, bool]:
    """The account of an address that was proven just now, made where there is none, and whether it is new.

    What was signed in before ends, and remembered browsers are forgotten: it may have been somebody else's doing.
    `password` None: the one it has stays; a new account has none.
    """
    known = by_address(conn, namespace, address)
    devices.forget(conn, namespace, address_key=address_key(address))
    if known is None:
        return _insert_account(conn, namespace, address, password or "", now), True
    kept = known.password if password is None else password
    mine = (accounts.c.id == known.id) & (accounts.c.namespace == namespace)
    conn.execute(update(accounts).where(mine).values(password=kept, proven_at=now))
    sessions.end_all(conn, namespace, known.id)
    return replace(known, password=kept, proven_at=now), False


def by_address(conn: Connection, namespace: str, address: str) -> Account | None:
    """The account of an address, inside a transaction."""
    row = _BY_ADDRESS.row(conn, {"in_namespace": namespace, "of": address_key(address)})
    return None if row is None else Account(**row)


def lock_account(conn: Connection, namespace: str, account_id: str | None) -> datetime | None:
    """When the account's password was set last. Locks its row until the transaction ends, so that of two that change
    what opens the account, or let somebody in by it, one waits for the other.
    """
    mine = (accounts.c.id == account_id) & (accounts.c.namespace == namespace)
    return conn.execute(select(accounts.c.proven_at).where(mine).with_for_update()).scalar()


def may_enter(
    conn: Connection,
    namespace: str,
    account_id: str,
    *,
    proven_at: datetime | None,
    passkey: bytes | None,
    strong: bool,
) -> bool:
    """Does what somebody has just shown still open the account? It was looked at before this transaction: meanwhile
    the password may have been set anew, the passkey removed, a second step turned on, and all sessions ended for it.
    """
    since = lock_account(conn, namespace, account_id)
    if proven_at is not None and since != proven_at:
        return False
    if passkey is not None:
        return passkeys.is_of(conn, namespace, account_id, passkey)
    return strong or second_factors.get(conn, namespace, account_id) is None


def proven_before(conn: Connection, namespace: str, address: str, when: datetime) -> bool:
    """Has the address an account whose password was last set before `when`?

    A password set later, by a code mailed over a path that may not have been proven, shows no more than that code.
    """
    account = by_address(conn, namespace, address)
    return account is not None and account.proven_at < when


def phrase_of(conn: Connection, vault: Vault, namespace: str, address: str) -> str | None:
    """The personal phrase for notices to `address`; None: none was chosen."""
    row = _PHRASE.row(conn, {"in_namespace": namespace, "of": address_key(address)})
    if row is None or row["phrase_sealed"] is None:
        return None
    return vault.open_audit(namespace, phrase_binding(row["id"]), row["phrase_sealed"]).decode()


def _insert_account(conn: Connection, namespace: str, address: str, password: str, now: datetime) -> Account:
    account = Account(new_id(), namespace, address.strip(), password, now, now)
    conn.execute(
        insert(accounts).values(
            id=account.id,
            namespace=namespace,
            address=account.address,
            address_key=address_key(address),
            password=password,
            created_at=now,
            proven_at=now,
        )
    )
    return account


def phrase_binding(account_id: str) -> str:
    """What a phrase is sealed for."""
    return f"phrase:{account_id}"

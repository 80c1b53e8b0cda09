"""`sealgate user`: people at the portal, where an admin has to help: see a guest's account, take its second step off,
sign it out; let an address sign in again that wrong codes or passwords have locked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from gateway.cli.context import NO, CommandGroup, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import actor, shown, stores_of

if TYPE_CHECKING:
    from datetime import datetime

    from delivery.store.account_rows import Account
    from delivery.store.accounts import Accounts
    from delivery.store.credentials import Credentials
    from delivery.store.who import Who


Answer = TypeVar("Answer")


@click.group(cls=CommandGroup)
def command() -> None:
    """Help guests and senders where they cannot help themselves."""


def _namespace(function: Callable[..., None]) -> Callable[..., None]:
    option = click.option(
        "--namespace", default="default", show_default=True, metavar="NAME", help="The namespace of the account."
    )
    return option(function)


@command.command()
@config_after
@click.argument("address")
@_namespace
@json_option
@click.pass_obj
def show(invocation: Invocation, address: str, *, namespace: str, as_json: bool) -> None:
    """Show what an account has to sign in with; never a secret."""

    async def look(
        account: "Account", accounts: "Accounts", held: "Credentials", _who: "Who", now: "datetime"
    ) -> dict[str, object]:
        second = await held.second(namespace, account.id)
        return {
            "address": account.address,
            "created_at": shown(account.created_at),
            "proven_at": shown(account.proven_at),
            "password": bool(account.password),
            "passkeys": len(await held.passkeys(namespace, account.id)),
            "second_step": second is not None,
            "recovery_codes": second.recovery_left if second else 0,
            "devices": len(await held.devices(namespace, address, now)),
        }

    told = _with_account(invocation, address, namespace, look)
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        click.echo(f"{name.replace('_', ' '):<16} {_word(value)}")


@command.command("second-step-off")
@config_after
@click.argument("address")
@_namespace
@click.pass_obj
def second_step_off(invocation: Invocation, address: str, *, namespace: str) -> None:
    """Take the second step off an account whose guest lost telephone and recovery codes.

    First make sure, by other means than mail, that it is the guest who asks.
    """

    async def remove(
        account: "Account", _accounts: "Accounts", held: "Credentials", who: "Who", now: "datetime"
    ) -> bool:
        return await held.remove_second_factor(namespace, account.id, who, now)

    if not _with_account(invocation, address, namespace, remove):
        fail(f"the account of {address} has no second step", f"sealgate user show {address}", code=NO)
    click.echo(f"{address}: the second step is off")


@command.command("sign-out")
@config_after
@click.argument("address")
@_namespace
@click.pass_obj
def sign_out(invocation: Invocation, address: str, *, namespace: str) -> None:
    """End every session of an account, and forget the browsers that need no code for its address."""

    async def end(
        account: "Account", accounts: "Accounts", held: "Credentials", who: "Who", now: "datetime"
    ) -> tuple[int, int]:
        ended = await accounts.sign_out_everywhere(namespace, account, who, now)
        return ended, await held.forget_devices(namespace, who, now, address=account.address)

    ended, forgotten = _with_account(invocation, address, namespace, end)
    click.echo(f"{address}: {ended} sessions ended, {forgotten} browsers forgotten")


@command.command()
@config_after
@click.argument("address")
@_namespace
@click.pass_obj
def unlock(invocation: Invocation, address: str, *, namespace: str) -> None:
    """Let an address sign in again that wrong codes (a sender, to their own SafeBoxes) or wrong passwords have locked.

    It lets nobody in: the next code goes to the same address, so whoever asks for it need not prove anything. But
    whoever tried the codes may go on trying: first look for code.wrong of that address in `audit export`.
    """
    from delivery.store.who import Who
    from gateway.stores import now

    with stores_of(invocation) as stores:
        who = Who(agent=f"sealgate user, by {actor()}")
        lifted = asyncio.run(stores.accounts.unlock_signin(namespace, address, who, now()))
    if not lifted:
        hint = f"a guest who is locked out of one message: sealgate box unlock ID {address}"
        fail(f"nothing locks the sign-in of {address} in the namespace {namespace}", hint, code=NO)
    click.echo(f"{address}: can sign in again")


def _with_account(
    invocation: Invocation,
    address: str,
    namespace: str,
    act: "Callable[[Account, Accounts, Credentials, Who, datetime], Awaitable[Answer]]",
) -> Answer:
    """Do something with an account, as an admin; ends the command where the address has none."""
    from delivery.store.credentials import Credentials
    from delivery.store.who import Who
    from gateway.stores import now

    async def run() -> "Answer | None":
        account = await stores.accounts.by_address(namespace, address)
        if account is None:
            return None
        held, who = Credentials(stores.db, stores.vault), Who(agent=f"sealgate user, by {actor()}")
        return await act(account, stores.accounts, held, who, now())

    with stores_of(invocation) as stores:
        told = asyncio.run(run())
    if told is None:
        fail(f"{address} has no account in the namespace {namespace}", "guests make them at the portal", code=NO)
    return told


def _word(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)

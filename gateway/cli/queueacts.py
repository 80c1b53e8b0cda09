"""The acts of `sealgate queue`: on items by their ids, on all items that fit a description, and on domains."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from gateway.cli.context import NO, WRONG, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import actor, stores_of
from policy.message import Address, AddressInvalid

if TYPE_CHECKING:
    from datetime import timedelta

    from delivery.queueadmin import QueueAdmin
    from delivery.store.views import ItemFilter

Described = dict[str, Any]
Command = TypeVar("Command", bound=Callable[..., Any])

ROUTES: Final = ("relay", "partner", "tls", "safebox", "hold", "reject")
WAITING: Final = ("due", "leased", "held")
HELD: Final = ("held",)
_ALL: Final = 10_000_000  # items that one act may be on
_AT_ONCE: Final = 100


by_route: Final = click.option("--route", type=click.Choice(ROUTES), help="Only items on this route.")


def _correspondent(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """An address or `*@domain` as the queue has them: the domain in lower case and A-labels."""
    if value is None or value == "<>":
        return value
    try:
        address = Address.parse(value)
    except AddressInvalid as cause:
        raise click.BadParameter("write an address, or *@example.net for all of a domain") from cause
    if address.local != "*" and "*" in value:
        raise click.BadParameter("a * stands for all before the @, as in *@example.net, and for no part of it")
    return str(address)


def _part(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A part of a reply: an empty text is part of every one, and a variable of a script is soon empty."""
    if value is not None and not value.strip():
        raise click.BadParameter("write a part of the reply: an empty text would fit every item")
    return value


def narrowing(command: Command) -> Command:
    """Which items: the options that `list` and the acts share. Their values arrive as keyword arguments."""
    options = (
        click.option(
            "--recipient",
            metavar="ADDRESS",
            callback=_correspondent,
            help="Only items for this address, or for *@domain.",
        ),
        click.option(
            "--sender",
            metavar="ADDRESS",
            callback=_correspondent,
            help="Only items of this sender, or of *@domain; <> for reports.",
        ),
        click.option("--older", metavar="DURATION", help="Only items older than this, such as 2 hours."),
        click.option(
            "--said",
            metavar="TEXT",
            callback=_part,
            help="Only items whose last reply holds this text, in any case.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def narrowed(described: Described) -> "ItemFilter":
    """The filter that the options of `narrowing` describe."""
    from delivery.store.views import ItemFilter
    from policy.decision import Route

    route = described.get("route")
    return ItemFilter(
        Route(route) if route else None,
        described.get("recipient"),
        described.get("sender"),
        _age(described.get("older")),
        described.get("said"),
    )


def _age(text: str | None) -> "timedelta | None":
    from policy.units import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError:
        fail(f"--older {text}: no duration", "write it as 90 minutes, 2 hours or 3 days", code=WRONG)


Act = Callable[["QueueAdmin", str], Awaitable[bool | None]]


def _each(
    invocation: Invocation,
    ids: tuple[str, ...],
    described: Described,
    *,
    done: str,
    act: Act,
    among: tuple[str, ...],
    as_json: bool,
    first: "Callable[[QueueAdmin], Awaitable[object]] | None" = None,
) -> None:
    """Do one thing to each item; exit 1 where it could not be done to one that was named.

    `among`: the states in which what is described is looked for; `first`: what is done before it is looked for.
    """
    if bool(ids) == any(value is not None for value in described.values()):
        raise click.UsageError("either name items by their ids, or describe them by options")
    which = narrowed(described)

    async def all_of_them(admin: "QueueAdmin") -> list[tuple[str, bool | None]]:
        from delivery.items import State

        if first is not None and not ids:
            await first(admin)
        states = [State(state) for state in among]
        found = [] if ids else await admin.items(states=states, item_filter=which, limit=_ALL)
        chosen = ids or tuple(line.item.id for line in found)
        answers: list[bool | None] = []
        for at in range(0, len(chosen), _AT_ONCE):  # together, so that they share commits
            answers += await asyncio.gather(*(act(admin, item) for item in chosen[at : at + _AT_ONCE]))
        return list(zip(chosen, answers, strict=True))

    answers = _with_admin(invocation, all_of_them)
    if as_json:
        for item, answer in answers:
            print_json({"id": item, "done": bool(answer), "found": answer is not None})
    else:
        _tell(answers, done, by_name=bool(ids))
    if ids and not all(answer for _, answer in answers):
        sys.exit(NO)


def _tell(answers: list[tuple[str, bool | None]], done: str, *, by_name: bool) -> None:
    if not by_name:
        click.echo(f"{sum(1 for _, answer in answers if answer)} of {len(answers)} items: {done}")
        return
    for item, answer in answers:
        if answer:
            click.echo(f"{item}: {done}")
        elif answer is None:
            click.echo(f"sealgate: {item}: no such item waits", err=True)
        else:
            click.echo(f"sealgate: {item}: its state does not allow that; see sealgate queue show {item}", err=True)


def _on_items(command: Callable[..., None]) -> Callable[..., None]:
    """Arguments and options of an act on items."""
    command = click.argument("ids", metavar="[ID]...", nargs=-1)(narrowing(json_option(command)))
    return config_after(click.pass_obj(command))


@click.command()
@by_route
@_on_items
def retry(invocation: Invocation, ids: tuple[str, ...], *, as_json: bool, **described: Any) -> None:
    """Try waiting items now."""
    done = "will be tried now"
    _each(
        invocation,
        ids,
        described,
        done=done,
        act=lambda admin, item: admin.retry(item, actor()),
        among=WAITING,
        as_json=as_json,
    )


@click.command()
@click.option(
    "--route", "by", type=click.Choice(["relay", "safebox"]), help="Send it this way, not the way it was held from."
)
@_on_items
def release(invocation: Invocation, ids: tuple[str, ...], *, by: str | None, as_json: bool, **described: Any) -> None:
    """Let held items go: what a rule held as the rules below that one say, unless --route says otherwise."""
    from policy.decision import Route

    chosen = Route(by) if by else None
    _each(
        invocation,
        ids,
        described,
        done="released",
        act=lambda admin, item: admin.release(item, actor(), chosen),
        among=HELD,
        as_json=as_json,
    )


@click.command()
@click.option(
    "--reason", default="held by the administrator", show_default=True, help="Why it is held; `--said` finds it again."
)
@click.option("--all", "everything", is_flag=True, help="Hold all that waits: after a backup was restored.")
@by_route
@_on_items
def hold(
    invocation: Invocation, ids: tuple[str, ...], *, reason: str, everything: bool, as_json: bool, **described: Any
) -> None:
    """Put waiting items on hold, until they are released, refused or cancelled. What is being sent now is not held."""
    if not reason.isprintable() or not reason.strip():
        fail("a reason is one line of text", code=WRONG)
    if everything:
        described["all"] = True
    _each(
        invocation,
        ids,
        described,
        done="held",
        act=lambda admin, item: admin.hold(item, actor(), reason),
        among=("due", "leased"),
        as_json=as_json,
        first=lambda admin: admin.free_dead_leases(),
    )


@click.command()
@click.option("--reason", help="What the sender is told.")
@by_route
@_on_items
def refuse(
    invocation: Invocation, ids: tuple[str, ...], *, reason: str | None, as_json: bool, **described: Any
) -> None:
    """End held items; their senders get a report."""
    from delivery.queueadmin import REFUSED

    if reason is not None and not reason.isprintable():
        fail("a reason is one line of text", code=WRONG)
    _each(
        invocation,
        ids,
        described,
        done="refused",
        act=lambda admin, item: admin.refuse(item, actor(), reason or REFUSED),
        among=HELD,
        as_json=as_json,
    )


@click.command()
@by_route
@_on_items
def cancel(invocation: Invocation, ids: tuple[str, ...], *, as_json: bool, **described: Any) -> None:
    """End items without a word to their senders. What is being sent at this moment may still arrive."""
    _each(
        invocation,
        ids,
        described,
        done="cancelled",
        act=lambda admin, item: admin.cancel(item, actor()),
        among=WAITING,
        as_json=as_json,
    )


# -- domains -------------------------------------------------------------------------------------------------------


def _domain(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    """A domain as the queue has it: lower case, A-labels; `*` is all mail."""
    if value == "*":
        return value
    try:
        address = Address.parse(f"postmaster@{value}")
    except AddressInvalid:
        address = None
    if address is None or address.local != "postmaster":
        raise click.BadParameter("write a domain, such as example.net")
    return address.domain


@click.command()
@config_after
@click.argument("domain", callback=_domain)
@json_option
@click.pass_obj
def drain(invocation: Invocation, domain: str, as_json: bool) -> None:
    """Try everything that waits for a domain now, whenever it was to be tried."""
    if domain == "*":
        fail("a domain is drained by its name", "sealgate queue stats shows for which domains mail waits", code=WRONG)
    number = _with_admin(invocation, lambda admin: admin.drain(domain, actor()))
    if as_json:
        print_json({"domain": domain, "items": number})
    else:
        click.echo(f"{number} item{'' if number == 1 else 's'} for {domain} will be tried now")


@click.command()
@config_after
@click.argument("domain", callback=_domain, default="*")
@json_option
@click.pass_obj
def pause(invocation: Invocation, domain: str, as_json: bool) -> None:
    """Send nothing to a domain, or nothing at all, until `resume`. Mail is still accepted, and waits."""
    done = _with_admin(invocation, lambda admin: admin.pause(domain, actor()))
    if as_json:
        print_json({"domain": domain, "paused": True, "done": done})
        return
    click.echo(
        f"{named(domain)} {'is paused; what is being sent now may still arrive' if done else 'was paused already'}"
    )


@click.command()
@config_after
@click.argument("domain", callback=_domain, default="*")
@json_option
@click.pass_obj
def resume(invocation: Invocation, domain: str, as_json: bool) -> None:
    """Let mail to a paused domain go again; without a domain, end the pause of all mail."""
    done = _with_admin(invocation, lambda admin: admin.resume(domain, actor()))
    if as_json:
        print_json({"domain": domain, "paused": False, "done": done})
    elif done:
        click.echo(f"{named(domain)} goes again")
    if not done:
        fail(
            "nothing pauses all mail" if domain == "*" else f"{named(domain)} is not paused",
            "sealgate queue stats shows what is",
            code=NO,
        )


Answer = TypeVar("Answer")


def _with_admin(invocation: Invocation, act: "Callable[[QueueAdmin], Awaitable[Answer]]") -> Answer:
    from delivery.queueadmin import QueueAdmin

    async def do(admin: "QueueAdmin") -> Answer:
        return await act(admin)

    with stores_of(invocation) as stores:
        return asyncio.run(do(QueueAdmin(stores.queue)))


def named(domain: str) -> str:
    """A paused domain in words."""
    return "all mail" if domain == "*" else f"mail for {domain}"


ACTS: Final = (retry, hold, release, refuse, cancel, drain, pause, resume)

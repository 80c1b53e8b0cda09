"""`sealgate queue`: what waits, what became of it, and the proof that nothing was lost."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.context import NO, WRONG, Invocation, config_after, fail, json_option, print_json
from gateway.cli.stores import actor, shown, stores_of
from policy.message import Address, AddressInvalid

if TYPE_CHECKING:
    from datetime import timedelta

    from delivery.desk import Desk, Done
    from delivery.store.views import ItemStory, Line

STATES = ("due", "leased", "held", "sent", "stored", "bounced", "refused", "cancelled")
ROUTES = ("relay", "partner", "tls", "safebox", "hold", "reject")


@click.group()
def command() -> None:
    """See and steer what waits, and prove that nothing was lost."""


@command.command("list")
@config_after
@click.option(
    "--state",
    "states",
    type=click.Choice([*STATES, "all"]),
    multiple=True,
    help="Only items in this state; may be given again. Without it: due, leased and held.",
)
@click.option("--route", type=click.Choice(ROUTES), help="Only items on this route.")
@click.option("--recipient", metavar="ADDRESS", help="Only items for this address, or for *@domain.")
@click.option("--sender", metavar="ADDRESS", help="Only items of this sender, or of *@domain; <> for reports.")
@click.option("--older", metavar="DURATION", help="Only items older than this, such as 2 hours.")
@click.option("--said", metavar="TEXT", help="Only items whose last reply holds this text, in any case.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many.")
@json_option
@click.pass_obj
def list_(
    invocation: Invocation,
    *,
    states: tuple[str, ...],
    route: str | None,
    recipient: str | None,
    sender: str | None,
    older: str | None,
    said: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """List items, oldest first: what waits, or with --state also what has ended."""
    from delivery.desk import Desk
    from delivery.items import State
    from delivery.store.views import WAITING, Narrowed
    from policy.decision import Route

    chosen = tuple(State) if "all" in states else tuple(State(state) for state in states) or WAITING
    with stores_of(invocation) as stores:
        lines = asyncio.run(
            Desk(stores.queue).items(
                states=chosen,
                narrowed=Narrowed(Route(route) if route else None, recipient, sender, _age(older), said),
                limit=limit,
            )
        )
    for line in lines:
        if as_json:
            print_json(_line_json(line))
        else:
            click.echo(_line_text(line))
    if not as_json and not lines:
        click.echo("nothing waits" if not states else "none")


def _age(text: str | None) -> "timedelta | None":
    from policy.units import parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError:
        fail(f"--older {text}: no duration", "write it as 90 minutes, 2 hours or 3 days", code=WRONG)


def _line_json(line: "Line") -> dict[str, Any]:
    item = line.item
    return {
        "id": item.id,
        "message_id": item.message_id,
        "sender": line.sender,
        "recipient": item.recipient,
        "route": item.destination.route.value,
        "state": item.state.value,
        "attempts": item.attempts,
        "next_at": None if line.finished_at else shown(item.next_at),
        "last_reply": item.last_reply or None,
        "decision": item.decision_id or None,
    }


def _line_text(line: "Line") -> str:
    item = line.item
    when = f"ended {shown(line.finished_at)}" if line.finished_at else f"next {shown(item.next_at)}"
    where = item.destination.route.value + (f":{item.destination.name}" if item.destination.name else "")
    text = f"{item.id}  {item.state:<9} {where:<9} {line.sender or '<>'} -> {item.recipient}"
    text += f"  attempts {item.attempts}, {when}"
    return _printable(text + (f"\n    {item.last_reply}" if item.last_reply else ""))


def _printable(text: str) -> str:
    """Nothing that the other side said may steer the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)


@command.command()
@config_after
@click.argument("wanted", metavar="ID")
@json_option
@click.pass_obj
def show(invocation: Invocation, wanted: str, as_json: bool) -> None:
    """Show an item, or all items of a message: every attempt, what the other side said, how it was proven."""
    from delivery.desk import Desk

    with stores_of(invocation) as stores:
        stories = asyncio.run(Desk(stores.queue).show(wanted))
    if not stories:
        fail(f"there is no item and no message {wanted}", "sealgate queue list --state all", code=NO)
    for story in stories:
        if as_json:
            print_json(_story_json(story))
        else:
            click.echo(_story_text(story))


def _story_json(story: "ItemStory") -> dict[str, Any]:
    item = story.line.item
    return _line_json(story.line) | {
        "namespace": item.namespace,
        "kind": item.kind.value,
        "partner": item.destination.name or None,
        "inside": item.destination.inside,
        "rule": item.rule or None,
        "profile": item.profile,
        "size": story.size,
        "received_at": shown(story.received_at),
        "expires_at": shown(item.expires_at),
        "fallback": item.fallback.value if item.fallback else None,
        "fallback_at": shown(item.fallback_at),
        "fell_back": item.fell_back,
        "finished_at": shown(story.line.finished_at),
        "tries": [
            {
                "number": attempt.number,
                "started_at": shown(attempt.started_at),
                "ended_at": shown(attempt.ended_at),
                "outcome": attempt.outcome,
                "reply": attempt.reply,
                "evidence": attempt.evidence,
            }
            for attempt in story.attempts
        ],
    }


def _story_text(story: "ItemStory") -> str:
    item = story.line.item
    lines = [
        _line_text(story.line),
        f"    message {item.message_id}, {story.size} bytes, received {shown(story.received_at)}",
        f"    rule {item.rule or '-'}, decision {item.decision_id or '-'}, expires {shown(item.expires_at)}",
    ]
    if item.fallback:
        lines.append(f"    fallback {item.fallback} at {shown(item.fallback_at)}")
    if item.fell_back:
        lines.append("    came to its route by fallback")
    for attempt in story.attempts:
        lines.append(f"    {attempt.number}. {shown(attempt.started_at)} {attempt.outcome}: {attempt.reply}")
        if attempt.evidence:
            evidence = attempt.evidence
            lines.append(
                f"       {evidence.get('host')} [{evidence.get('address')}] {evidence.get('protocol') or 'no TLS'}"
                f" {evidence.get('cipher') or ''} proof {evidence.get('proof')}"
            )
    return _printable("\n".join(lines))


def _each(
    invocation: Invocation, ids: tuple[str, ...], done: str, act: "Callable[[Desk, str], Awaitable[bool | None]]"
) -> None:
    """Do one thing to each item; exit 1 where it could not be done to all."""
    from delivery.desk import Desk

    async def all_of_them(desk: "Desk") -> list[bool | None]:
        return [await act(desk, item) for item in ids]

    with stores_of(invocation) as stores:
        answers = asyncio.run(all_of_them(Desk(stores.queue)))
    for item, answer in zip(ids, answers, strict=True):
        if answer:
            click.echo(f"{item}: {done}")
        elif answer is None:
            click.echo(f"sealgate: {item}: no such item waits", err=True)
        else:
            click.echo(f"sealgate: {item}: its state does not allow that; see sealgate queue show {item}", err=True)
    if not all(answers):
        sys.exit(NO)


@command.command()
@config_after
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def retry(invocation: Invocation, ids: tuple[str, ...]) -> None:
    """Try waiting items now."""
    _each(invocation, ids, "will be tried now", lambda desk, item: desk.retry(item, actor()))


@command.command()
@config_after
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option(
    "--route", type=click.Choice(["relay", "safebox"]), help="Send it this way, not the way it was held from."
)
@click.pass_obj
def release(invocation: Invocation, ids: tuple[str, ...], route: str | None) -> None:
    """Let held items go. What a rule held goes by ordinary mail, unless --route says otherwise."""
    from policy.decision import Route

    chosen = Route(route) if route else None
    _each(invocation, ids, "released", lambda desk, item: desk.release(item, actor(), chosen))


@command.command()
@config_after
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--reason", help="What the sender is told.")
@click.pass_obj
def refuse(invocation: Invocation, ids: tuple[str, ...], reason: str | None) -> None:
    """End held items; their senders get a report."""
    from delivery.desk import REFUSED

    if reason is not None and not reason.isprintable():
        fail("a reason is one line of text", code=WRONG)
    _each(invocation, ids, "refused", lambda desk, item: desk.refuse(item, actor(), reason or REFUSED))


@command.command()
@config_after
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.pass_obj
def cancel(invocation: Invocation, ids: tuple[str, ...]) -> None:
    """End items without a word to their senders. What is being sent at this moment may still arrive."""
    _each(invocation, ids, "cancelled", lambda desk, item: desk.cancel(item, actor()))


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


@command.command()
@config_after
@click.argument("domain", callback=_domain)
@click.pass_obj
def drain(invocation: Invocation, domain: str) -> None:
    """Try everything that waits for a domain now, whenever it was to be tried."""
    if domain == "*":
        fail("a domain is drained by its name", "sealgate queue stats shows for which domains mail waits", code=WRONG)
    number = _steer(invocation, lambda desk: desk.drain(domain, actor()))
    click.echo(f"{number} item{'' if number == 1 else 's'} for {domain} will be tried now")


@command.command()
@config_after
@click.argument("domain", callback=_domain, default="*")
@click.pass_obj
def pause(invocation: Invocation, domain: str) -> None:
    """Send nothing to a domain, or nothing at all, until `resume`. Mail is still accepted, and waits."""
    done = _steer(invocation, lambda desk: desk.pause(domain, actor()))
    click.echo(
        f"{_named(domain)} {'is paused; what is being sent now may still arrive' if done else 'was paused already'}"
    )


@command.command()
@config_after
@click.argument("domain", callback=_domain, default="*")
@click.pass_obj
def resume(invocation: Invocation, domain: str) -> None:
    """Let mail to a paused domain go again; without a domain, end the pause of all mail."""
    if not _steer(invocation, lambda desk: desk.resume(domain, actor())):
        fail(f"{_named(domain)} is not paused", "sealgate queue stats shows what is", code=NO)
    click.echo(f"{_named(domain)} goes again")


def _steer(invocation: Invocation, act: "Callable[[Desk], Awaitable[Done]]") -> "Done":
    from delivery.desk import Desk

    async def do(desk: "Desk") -> "Done":
        return await act(desk)

    with stores_of(invocation) as stores:
        return asyncio.run(do(Desk(stores.queue)))


def _named(domain: str) -> str:
    return "all mail" if domain == "*" else f"mail for {domain}"


@command.command()
@config_after
@click.option("--limit", type=click.IntRange(1), default=30, show_default=True, help="At most so many domains.")
@json_option
@click.pass_obj
def stats(invocation: Invocation, limit: int, as_json: bool) -> None:
    """Show for which domains mail waits, and how old it is: columns count what is younger than their minutes."""
    from delivery.desk import Desk
    from delivery.store.ages import STEPS

    with stores_of(invocation) as stores:
        piles, paused = asyncio.run(Desk(stores.queue).stats(limit))
    minutes = [int(step.total_seconds() // 60) for step in STEPS]
    if as_json:
        for pile in piles:
            ages = dict(zip([*map(str, minutes), "older"], pile.by_age, strict=True))
            print_json(
                {
                    "domain": pile.domain,
                    "items": pile.items,
                    "held": pile.held,
                    "oldest_at": shown(pile.oldest_at),
                    "minutes": ages,
                    "paused_since": shown(paused.get(pile.domain) or paused.get("*")),
                }
            )
        return
    for domain, since in sorted(paused.items()):
        click.echo(f"{_named(domain)} is paused since {shown(since)}")
    if not piles:
        click.echo("nothing waits")
        return
    columns = ["waits", *(f"<{minute}" for minute in minutes), f"{minutes[-1]}+"]
    width = max(len(pile.domain) for pile in piles)
    click.echo(" " * width + "".join(f"{column:>7}" for column in columns))
    for pile in piles:
        click.echo(f"{pile.domain:<{width}}" + "".join(f"{count:>7}" for count in (pile.items, *pile.by_age)))


@command.command()
@config_after
@json_option
@click.pass_obj
def audit(invocation: Invocation, as_json: bool) -> None:
    """Prove that every accepted recipient has exactly one end, or still waits. Exit 1 if not."""
    from delivery.desk import Desk

    with stores_of(invocation) as stores:
        proof = asyncio.run(Desk(stores.queue).audit())
    counts = {state.value: number for state, number in proof.counts.items()}
    if as_json:
        print_json(
            {
                "holds": proof.holds,
                "messages": proof.messages,
                "recipients": proof.recipients,
                "states": counts,
                "violations": [
                    {"problem": one.problem, "message_id": one.message_id, "item_id": one.item_id or None}
                    for one in proof.violations
                ],
            }
        )
    else:
        click.echo(f"{proof.messages} messages, {proof.recipients} recipients")
        for state, number in counts.items():
            click.echo(f"  {state:<10} {number}")
        for one in proof.violations:
            click.echo(f"  {one.message_id} {one.item_id} {one.problem}".rstrip(), err=True)
        click.echo("every recipient has one end or waits" if proof.holds else "this does not add up")
    if not proof.holds:
        sys.exit(NO)

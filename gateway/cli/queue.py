"""`sealgate queue`: lists what waits, shows what became of it, and proves that nothing was lost."""

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.context import MOST, NO, CommandGroup, Invocation, config_after, fail, json_option, print_json
from gateway.cli.queueacts import ACTS, by_route, named, narrowed, narrowing
from gateway.cli.stores import shown, stores_of
from gateway.cli.terminal import printable_lines

if TYPE_CHECKING:
    from delivery.circuits import Circuit
    from delivery.store.views import ItemStory, Line

STATES = ("due", "leased", "held", "sent", "stored", "bounced", "refused", "cancelled")


@click.group(cls=CommandGroup)
def command() -> None:
    """See and steer what waits, and prove that nothing was lost."""


for act in ACTS:
    command.add_command(act)


@command.command("list")
@config_after
@click.option(
    "--state",
    "states",
    type=click.Choice([*STATES, "all"]),
    multiple=True,
    help="Only items in this state; may be given again. Without it: due, leased and held.",
)
@by_route
@narrowing
@click.option("--limit", type=click.IntRange(1, MOST), default=1000, show_default=True, help="At most so many.")
@json_option
@click.pass_obj
def list_(
    invocation: Invocation,
    /,
    *,
    states: tuple[str, ...],
    limit: int,
    as_json: bool,
    **described: Any,
) -> None:
    """List items, oldest first: what waits, or with --state also what has ended."""
    from delivery.items import State
    from delivery.queueadmin import QueueAdmin
    from delivery.store.views import WAITING

    chosen = tuple(State) if "all" in states else tuple(State(state) for state in states) or WAITING
    with stores_of(invocation) as stores:
        lines = asyncio.run(
            QueueAdmin(stores.queue).items(
                states=chosen,
                item_filter=narrowed(described),
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
    facts = [f"attempts {item.attempts}"]
    if item.kind != "mail":
        facts.insert(0, item.kind.value)
    if line.finished_at:
        facts.append(f"ended {shown(line.finished_at)}")
    elif item.state != "held":  # what is held is not tried
        facts.append(f"next {shown(item.next_at)}")
    where = item.destination.route.value + (f":{item.destination.name}" if item.destination.name else "")
    text = f"{item.id}  {item.state:<9} {where:<9} {line.sender or '<>'} -> {item.recipient}  {', '.join(facts)}"
    why = item.last_reply or (f"by the rule {item.rule}" if item.state == "held" and item.rule else "")
    return printable_lines(text + (f"\n    {why}" if why else ""))


@command.command()
@config_after
@click.argument("wanted", metavar="ID")
@json_option
@click.pass_obj
def show(invocation: Invocation, wanted: str, as_json: bool) -> None:
    """Show an item, or all items of a message: every attempt, what the other side said, how it proved itself."""
    from delivery.queueadmin import QueueAdmin

    with stores_of(invocation) as stores:
        stories = asyncio.run(QueueAdmin(stores.queue).show(wanted))
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
        "urgency": None if story.line.finished_at else item.urgency,
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
            if evidence.get("proven_by"):
                lines.append(f"       proven by {evidence['proven_by']}")
            if evidence.get("certificate_sha256"):
                lines.append(f"       certificate sha256 {evidence['certificate_sha256']}")
    return printable_lines("\n".join(lines))


@command.command()
@config_after
@click.option("--limit", type=click.IntRange(1, MOST), default=30, show_default=True, help="At most so many domains.")
@json_option
@click.pass_obj
def stats(invocation: Invocation, limit: int, as_json: bool) -> None:
    """Show for which domains mail waits, and how old it is: each column counts what is younger than so many minutes."""
    from delivery.queueadmin import QueueAdmin
    from delivery.store.ages import STEPS

    with stores_of(invocation) as stores:
        admin = QueueAdmin(stores.queue)
        piles, paused = asyncio.run(admin.stats(limit))
        circuits = asyncio.run(admin.unreached())
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
        for domain, since in sorted(paused.items()):
            print_json({"paused": domain, "since": shown(since)})
        for circuit in circuits:
            print_json(_circuit_json(circuit))
        return
    for domain, since in sorted(paused.items()):
        click.echo(f"{named(domain)} is paused since {shown(since)}")
    for circuit in circuits:
        click.echo(_circuit_text(circuit))
    if not piles:
        click.echo("nothing waits")
        return
    columns = ["waits", *(f"<{minute}" for minute in minutes), f"{minutes[-1]}+"]
    width = max(len(pile.domain) for pile in piles)
    click.echo(" " * width + "".join(f"{column:>7}" for column in columns))
    for pile in piles:
        click.echo(f"{pile.domain:<{width}}" + "".join(f"{count:>7}" for count in (pile.items, *pile.by_age)))


def _circuit_json(circuit: "Circuit") -> dict[str, Any]:
    where = circuit.lane.destination
    return {
        "unreached": circuit.lane.domain or None,
        "route": where.route.value,
        "partner": where.name or None,
        "inside": where.inside,
        "since": shown(circuit.since),
        "probe_at": shown(circuit.until),
        "probes": circuit.probes,
        "reply": str(circuit.reply),
    }


def _circuit_text(circuit: "Circuit") -> str:
    where = circuit.lane.destination
    name = circuit.lane.domain or where.name or ("inside" if where.inside else "the next hop")
    text = f"{name} cannot be reached since {shown(circuit.since)}, next probe {shown(circuit.until)}: {circuit.reply}"
    return printable_lines(text)


@command.command()
@config_after
@json_option
@click.pass_obj
def audit(invocation: Invocation, as_json: bool) -> None:
    """Prove that every accepted recipient has exactly one end, or still waits. Exit 1 if not."""
    from delivery.queueadmin import QueueAdmin

    with stores_of(invocation) as stores:
        proof = asyncio.run(QueueAdmin(stores.queue).audit())
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

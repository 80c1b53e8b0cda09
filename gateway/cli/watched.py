"""What `policy watch` prints: what rules with `mode: watch` would have done."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import click

from delivery.store.watching import Watch, WatchedEffect
from gateway.cli.context import fail, print_json
from gateway.cli.stores import shown
from gateway.cli.terminal import bold, dim, many, printable, say
from policy.language import Rule
from policy.units import parse_duration

_DAYS: Final = 14  # the latest


def time_of(text: str | None, now: datetime) -> datetime | None:
    """`7 days` before now, or a day or time as ISO 8601 writes them; ends the command where it is neither."""
    if text is None:
        return None
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f'--since: "{text}" is neither a duration nor a time', 'write "7 days" or 2026-05-09')
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


def print_watches(
    watches: Sequence[Watch], rules: Iterable[Rule], since: datetime | None, began: datetime | None, as_json: bool
) -> None:
    """Each rule that watches, also one that saw nothing; then what rules saw that watch no more."""
    seen = {watch.rule: watch for watch in watches}
    watching = {rule.name: rule for rule in rules if rule.watch}
    from_then = since or began
    for name in [*watching, *(name for name in seen if name not in watching)]:
        watch, rule = seen.get(name), watching.get(name)
        if as_json:
            print_json(_watch_json(name, watch, rule is not None, from_then))
        else:
            _print_watch(name, watch, rule, from_then)
    if not as_json and not watching and not seen:
        click.echo("no rule watches: a rule does with `mode: watch`")


def _watch_json(name: str, watch: Watch | None, watching: bool, since: datetime | None) -> dict[str, Any]:
    about: dict[str, Any] = {"rule": name, "watching": watching, "since": shown(since)}
    if watch is None:
        return about | {"recipients": 0, "messages": 0, "first_at": None, "last_at": None, "would": [], "days": [],
                        "examples": []}  # fmt: skip
    return about | {
        "recipients": watch.recipients,
        "messages": watch.messages,
        "first_at": shown(watch.first_at),
        "last_at": shown(watch.last_at),
        "would": [
            {
                "action": would.action,
                "route": would.route,
                "did": would.did,
                "recipients": would.recipients,
                "messages": would.messages,
            }
            for would in watch.would
        ],
        "days": [{"day": day, "recipients": copies, "messages": number} for day, copies, number in watch.days],
        "examples": [
            {
                "message_id": example.message_id,
                "recipient": example.recipient,
                "at": shown(example.at),
                "would": example.action,
                "did": example.did,
            }
            for example in watch.examples
        ],
    }


def _print_watch(name: str, watch: Watch | None, rule: Rule | None, since: datetime | None) -> None:
    gone = "" if rule is not None else dim("  (watches no more)")
    if watch is None:
        ever = f" since {shown(since)}" if since is not None else ""
        click.echo(f"{bold(printable(name))}: saw nothing{ever}{gone}\n")
        return
    copies = f"{many(watch.recipients, 'recipient')} of {many(watch.messages, 'message')}"
    click.echo(f"{bold(printable(name))}: {copies}{gone}")
    click.echo(dim(f"  first {shown(watch.first_at)}, last {shown(watch.last_at)}"))
    for would in watch.would:
        say(_sentence(would), lead="  ", indent=4)
    for day, recipients, messages in watch.days[-_DAYS:]:
        click.echo(dim(f"    {day}  {many(recipients, 'recipient')} of {many(messages, 'message')}"))
    for example in watch.examples:
        who = example.recipient or "(erased)"
        say(f"e.g. message {example.message_id} to {who}, {shown(example.at)}", lead="  ", indent=4)
    click.echo()


def _sentence(would: WatchedEffect) -> str:
    if would.route is None:
        return f"would add to {many(would.recipients, 'copy', 'copies')}, which went by {would.did}"
    way = would.action if would.action == would.route else f"{would.action} ({would.route})"
    changes = "which went that way anyway" if would.route == would.did else f"which went by {would.did}"
    return f"would {way} {would.recipients:,}, {changes}"

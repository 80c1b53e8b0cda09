"""`policy replay`: decides old mail by the policy in force and by another, and prints what would change."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from gateway.cli.context import NO, fail, print_json
from gateway.cli.terminal import bold, dim, many, paint, printable, say
from gateway.replay.compare import Outcome, Pair, Replayed
from gateway.replay.pool import CHUNK, FEW, PoolFailed, ReplayJob, ReplayPool, replay_here
from gateway.replay.sources import Skipped, Source, sources_in
from gateway.replay.tally import Change, Side, Tally

INTERRUPTED: Final = 130  # what shells know a Ctrl-C by
_ADDRESSES: Final = 8  # of one change
_RULES: Final = 50


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """The command's options. `jobs`: how many processes read; None: one a core."""

    jobs: int | None
    as_json: bool


def replay(root: Path, job: ReplayJob, options: ReplayOptions) -> None:
    """Replay everything under `root`, and print it. Ends the command where it cannot be done, or is stopped."""
    tally = Tally()
    stopped = False
    try:
        sources = _sources(root, tally, options.as_json)
        with _progress(len(sources)) as step:

            def told(replayed: Replayed) -> None:
                tally.add(replayed)
                _print_one(replayed, options.as_json)
                step()

            _run(job, sources, options.jobs, told)
    except KeyboardInterrupt:
        stopped = True
    except PoolFailed as error:
        fail(str(error), "run it again", code=NO)
    if options.as_json:
        print_json({"summary": _summary_json(tally, stopped)})
    else:
        _print_summary(tally)
    if stopped:
        click.echo("stopped: these are the messages read so far", err=True)
        raise SystemExit(INTERRUPTED)


def _run(job: ReplayJob, sources: Sequence[Source], jobs: int | None, told: Callable[[Replayed], None]) -> None:
    size = min(jobs or os.cpu_count() or 1, (len(sources) + CHUNK - 1) // CHUNK)
    if size < 2 or (jobs is None and len(sources) <= FEW):
        replay_here(job, sources, told)
        return
    with ReplayPool(job, size) as pool:
        for replayed in pool.replay(sources):
            told(replayed)


def _sources(root: Path, tally: Tally, as_json: bool) -> list[Source]:
    """All messages; what is none is told."""
    found: list[Source] = []
    try:
        for one in sources_in(root):
            if isinstance(one, Skipped):
                tally.skipped += 1
                _print_bad(one.name, one.reason, "skipped", as_json)
            else:
                found.append(one)
    except OSError as error:
        fail(f"{root} cannot be read: {error.strerror}")
    if not found:
        fail(f"there is no message in {root}", "a folder of .eml files, a maildir or a mailbox file is expected", NO)
    return found


@contextmanager
def _progress(length: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr where that is a terminal, and nothing where it is not."""
    shown = sys.stderr.isatty()
    bar = click.progressbar(length=length, label="replaying", file=sys.stderr) if shown else nullcontext()
    with bar as inner:
        yield (lambda: inner.update(1)) if inner is not None else (lambda: None)


def _print_bad(name: str, reason: str, key: str, as_json: bool) -> None:
    if as_json:
        print_json({"message": name, key: reason})
    else:
        click.echo(printable(f"{name}: {key if key == 'skipped' else 'not replayed'}: {reason}"), err=True)


def _print_one(replayed: Replayed, as_json: bool) -> None:
    """With --json each change as it is found; else only what could not be done."""
    if replayed.error:
        _print_bad(replayed.name, replayed.error, "error", as_json)
        return
    if not as_json:
        return
    for pair in replayed.pairs:
        if pair.changed:
            sides = {"before": _outcome_json(pair.before), "after": _outcome_json(pair.after)}
            print_json({"message": replayed.name, "sender": replayed.sender, "address": pair.address} | sides)


def _outcome_json(outcome: Outcome | None) -> dict[str, Any] | None:
    return None if outcome is None else asdict(outcome) | {"adds": list(outcome.adds)}


def _summary_json(tally: Tally, stopped: bool) -> dict[str, Any]:
    return {
        "messages": tally.messages,
        "recipients": tally.recipients,
        "changed_messages": tally.changed_messages,
        "changed_recipients": tally.changed_recipients,
        "same_way_by_another_rule": tally.renamed,
        "not_looked_into": tally.closed,
        "failed": tally.failed,
        "skipped": tally.skipped,
        "stopped": stopped,
        "rules": [{"rule": rule, "before": tally.before[rule], "after": tally.after[rule]} for rule in _rules(tally)],
        "watched": [
            {"rule": rule, "would": would, "recipients": number} for (rule, would), number in tally.watched.items()
        ],
        "changes": [
            {
                "before": _side_json(before),
                "after": _side_json(after),
                "recipients": change.recipients,
                "messages": change.messages,
                "addresses": dict(change.addresses.most_common()),
                "examples": [{"message": name, "address": pair.address} for name, pair in change.examples],
            }
            for (before, after), change in tally.in_order()
        ],
    }


def _side_json(side: Side) -> dict[str, str] | None:
    return None if side is None else {"rule": side[0], "route": side[1]}


def _rules(tally: Tally) -> list[str]:
    """Every rule that decided anything, those of most copies first."""
    both = tally.before | tally.after
    return [rule for rule, _ in both.most_common()]


def _print_summary(tally: Tally) -> None:
    click.echo(bold(f"{many(tally.messages, 'message')}, {many(tally.recipients, 'recipient')}"))
    share = f" ({tally.changed_recipients / tally.recipients:.1%})" if tally.recipients else ""
    if tally.changed_recipients:
        copies = many(tally.changed_recipients, "copy", "copies")
        click.echo(f"{copies}{share} of {many(tally.changed_messages, 'message')} would change")
    else:
        click.echo("nothing would change")
    for number, what in (
        (tally.renamed, "would go the same way by another rule"),
        (tally.closed, "with something that could not be looked into"),
        (tally.failed, "could not be replayed"),
        (tally.skipped, "skipped, which hold no message"),
    ):
        if number:
            click.echo(dim(f"{number:,} {what}"))
    for (before, after), change in tally.in_order():
        _print_change(before, after, change)
    _print_rules(tally)


def _print_change(before: Side, after: Side, change: Change) -> None:
    way = f"{_shown(before)} -> {_shown(after)}" if before != after else f"{_shown(before)}, but not as before"
    click.echo(f"\n{way}: {bold(f'{change.recipients:,}')} of {many(change.messages, 'message')}")
    most = [f"{address} {number:,}" for address, number in change.addresses.most_common(_ADDRESSES)]
    left = len(change.addresses) - len(most)
    say(", ".join(most) + (f" and {many(left, 'other')}" if left else ""), lead="  for ", indent=6)
    for name, pair in change.examples:
        say(f"{name}: {pair.address}", lead="  e.g. ", indent=7, fg="cyan")
        _print_pair(pair)


def _print_pair(pair: Pair) -> None:
    for what, outcome, other in (("before", pair.before, pair.after), ("after", pair.after, pair.before)):
        if outcome is None:
            continue
        differs = [
            f"{name} {value}"
            for name, value, its in (
                ("profile", outcome.profile, other and other.profile),
                ("partner", outcome.partner, other and other.partner),
            )
            if value and value != its
        ]
        adds = [add for add in outcome.adds if other is None or add not in other.adds]
        said = "; ".join([f'"{outcome.rule}": {outcome.because}', *differs, *adds])
        say(said, lead=f"       {what:>6}  ", indent=15, dim=True)


def _shown(side: Side) -> str:
    if side is None:
        return "no copy"
    return f'{paint(side[1], fg="yellow", bold=True)} by "{printable(side[0])}"'


def _print_rules(tally: Tally) -> None:
    click.echo(f"\n{bold('Copies that each rule decides')}\n  {'before':>9} {'after':>9}")
    rules = _rules(tally)
    for rule in rules[:_RULES]:
        before, after = tally.before[rule], tally.after[rule]
        line = f"  {before:>9,} {after:>9,}  {printable(rule)}"
        click.echo(line if before == after else bold(line))
    if len(rules) > _RULES:
        click.echo(dim(f"  and {len(rules) - _RULES} more"))
    for (rule, would), number in tally.watched.most_common():
        say(f'only watching: "{rule}" would {would} {number:,}', lead="  ", indent=4)

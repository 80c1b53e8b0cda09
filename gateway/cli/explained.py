"""What `policy explain` prints: for people, and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import click

from gateway.cli.terminal import bold, dim, many, paint, printable, say
from policy.decision import Decision, Verdict
from policy.message import Message
from policy.nearness import RuleReport
from policy.units import show_size
from rules.checks import CHECKS
from rules.detector import Detector
from rules.finding import Because, Confidence, Finding, Hit
from rules.masking import mask_value

_PLACES: Final = 5  # of one detector
_COLOURS: Final = {Confidence.HIGH: "red", Confidence.MEDIUM: "yellow", Confidence.LOW: None}


@dataclass(frozen=True, slots=True)
class Explained:
    """What is to be explained of one message: what was found, what was decided, and how near each rule was."""

    message: Message
    findings: tuple[Finding, ...]
    verdict: Verdict
    told: tuple[tuple[RuleReport, ...], ...]  # of each recipient of the envelope
    detectors: Mapping[str, Detector]


def explained_json(explained: Explained) -> dict[str, Any]:
    """The JSON of `policy explain --json`, as docs/policy.md describes it."""
    message, verdict = explained.message, explained.verdict
    told: list[Sequence[RuleReport]] = [*explained.told, *(() for _ in verdict.copies)]
    decisions = (*verdict.decisions, *verdict.copies)
    return {
        "policy": {"sha256": verdict.policy_sha256},
        "message": {"subject": message.subject, "size": message.size},
        "findings": [_finding_json(finding, explained.detectors) for finding in explained.findings],
        "files": [
            {
                "place": file.place or file.name,
                "type": file.kind.value,
                "size": file.size,
                "encrypted": file.encrypted,
                "unreadable": file.unreadable,
                "reason": file.reason,
            }
            for file in message.content.files
        ],
        "recipients": [
            decision_json(decision) | {"rules": [_told_json(one, decision) for one in mine]}
            for decision, mine in zip(decisions, told, strict=True)
        ],
        "watched": [{"rule": w.rule, "address": w.recipient, "would": w.would} for w in verdict.watched],
        "notify": [{"address": address, "rule": rule} for address, rule in verdict.notify],
    }


def decision_json(decision: Decision) -> dict[str, Any]:
    """One recipient's decision in that JSON."""
    return {
        "address": decision.recipient,
        "action": decision.action.value,
        "route": decision.route.value,
        "partner": decision.partner,
        "rule": decision.rule,
        "profile": decision.profile,
        "reasons": [
            {"rule": reason.rule, "applies": reason.applies, "because": reason.because} for reason in decision.reasons
        ],
    }


def _told_json(told: RuleReport, decision: Decision) -> dict[str, Any]:
    return {
        "rule": told.rule,
        "asked": told.asked,
        "decides": told.rule == decision.rule,
        "watch": told.watch,
        "applies": told.nearness.applies,
        "held": list(told.nearness.held),
        "missing": list(told.nearness.missing),
    }


def _finding_json(finding: Finding, detectors: Mapping[str, Detector]) -> dict[str, Any]:
    detector = detectors.get(finding.detector)
    return {
        "detector": finding.detector,
        "title": detector.title if detector is not None else "",
        "groups": sorted(finding.groups),
        "confidence": finding.confidence.value,
        "count": finding.count(),
        "unique": len(finding.values()),
        "places": [
            {
                "part": hit.place,
                "excerpt": hit.excerpt,
                "value": mask_value(hit.value),
                "confidence": hit.confidence.value,
                "because": _because_json(hit.because),
            }
            for hit in finding.hits
        ],
    }


def _because_json(because: Because | None) -> dict[str, Any] | None:
    if because is None:
        return None
    check = CHECKS.get(because.check)
    return asdict(because) | {"alone": because.alone.value, "about": check.about if check is not None else ""}


def print_explained(explained: Explained) -> None:
    """The message, what was found and where, and for each recipient which rule decided and by what others did not."""
    message, verdict = explained.message, explained.verdict
    click.echo(f"{bold(printable(message.subject) or '(no subject)')}  {show_size(message.size)}")
    click.echo(dim(f"policy {verdict.policy_sha256[:12]}"))
    click.echo(f"\n{bold('Found')}")
    for finding in sorted(explained.findings, key=lambda each: -each.confidence.rank):
        _print_finding(finding, explained.detectors)
    if not explained.findings:
        click.echo("  nothing")
    closed = [file for file in message.content.files if file.encrypted or file.unreadable]
    if closed:
        click.echo(f"\n{bold('Could not be looked into')}")
    for file in closed:
        why = "encrypted" if file.encrypted else "unreadable"
        because = f": {file.reason}" if file.reason else ""
        say(f"{file.place or file.name}: {why}{because}", lead="  ", indent=4)
    for decision, told in zip(verdict.decisions, explained.told, strict=True):
        _print_decision(decision, told)
    for decision in verdict.copies:
        _print_decision(decision, (), "copy to ")
    for watched in verdict.watched:
        click.echo()
        say(f'only watching: "{watched.rule}" would {watched.would} the copy of {watched.recipient}', indent=2)
    for address, rule in verdict.notify:
        click.echo()
        say(f'{address} is told that "{rule}" applied', indent=2)


def _print_finding(finding: Finding, detectors: Mapping[str, Detector]) -> None:
    detector = detectors.get(finding.detector)
    title = f" {detector.title}" if detector is not None else ""
    values, sure = many(len(finding.values()), "value"), finding.confidence
    more = f" in {finding.count()} places" if finding.count() > len(finding.values()) else ""
    shown = paint(sure.value, fg=_COLOURS[sure], bold=sure is not Confidence.LOW)
    click.echo(f"  {bold(finding.detector)}{title}: {values}{more}, {shown}")
    hits = sorted(finding.hits, key=lambda hit: -hit.confidence.rank)[:_PLACES]
    for hit in hits:
        say(hit.place, lead="    ", indent=6, fg="cyan")
        say(hit.excerpt, lead="      ", indent=8)
        if reasons := "; ".join(why_sure(hit)):
            say(reasons, lead="      ", indent=8, dim=True)
    if len(finding.hits) > len(hits):
        click.echo(f"    … and {len(finding.hits) - len(hits)} more")


def why_sure(hit: Hit) -> Iterator[str]:
    """The check that a value passed, and the words nearby that counted for or against it."""
    because = hit.because
    if because is None:
        return
    check = CHECKS.get(because.check)
    if check is not None:
        yield f"{hit.confidence}: passed the check {because.check} ({check.about})"
    else:
        yield f"{hit.confidence}" + ("" if because.weight else f": its form alone says {because.alone}")
    if because.weight:
        yield f"terms nearby weigh {because.weight} together"
    if because.raised_by:
        what = f"raised from {because.alone}" if because.alone.rank < hit.confidence.rank else "borne out"
        gap = f"{many(because.raised_gap, 'character')} away" if because.raised_gap else "beside it"
        yield f'{what} by "{because.raised_by}" {"in the head of its column" if because.in_header else gap}'
    if because.held_down_by:
        yield f'not raised: "{because.held_down_by}", a word of another detector, stands nearer'
    if because.example:
        yield "lowered one step: known from manuals and test systems"
    if because.against:
        yield f'"{because.against}" speaks against it, but stands farther away'


def _print_decision(decision: Decision, told: Sequence[RuleReport], what: str = "") -> None:
    way = decision.partner or ("inside" if decision.inside else "")
    click.echo(f"\n{what}{bold(printable(decision.recipient))} -> {bold(decision.route)}{f' ({way})' if way else ''}")
    if decision.profile:
        click.echo(f"  profile {decision.profile}")
    reasons = {reason.rule: reason.because for reason in decision.reasons if reason.applies}
    nearest = _nearest(told)
    for one in told:
        _print_rule(one, reasons.get(one.rule, ""), decision, one is nearest)
    for reason in decision.reasons:
        if not told or all(one.rule != reason.rule for one in told):
            sign = "yes" if reason.applies else "no"
            say(f"{reason.rule}: {reason.because}", lead=f"  {sign:>7}  ", indent=11)
    if decision.released is not None:
        say(f'released, it would go by {decision.released.route} ("{decision.released.rule}")', lead="  ", indent=4)
    changes = decision.changes
    if changes.subject is not None:
        say(f"subject becomes: {changes.subject}", lead="  ", indent=4)
    for name, value in changes.add_headers:
        say(f"adds {name}: {value}", lead="  ", indent=4)
    for name in changes.drop_headers:
        say(f"takes off {name}", lead="  ", indent=4)


def _nearest(told: Sequence[RuleReport]) -> RuleReport | None:
    """The rule that a single condition kept from applying; of several, the one of which most conditions held."""
    almost = [one for one in told if one.asked and len(one.nearness.missing) == 1 and one.nearness.held]
    return max(almost, key=lambda one: len(one.nearness.held), default=None)


def _print_rule(told: RuleReport, because: str, decision: Decision, nearest: bool) -> None:
    near = told.nearness
    colour: str | None
    if not told.asked:
        would = "would apply too" if near.applies else "would not apply"
        say(
            f'{told.rule}: not asked, since "{decision.rule}" decided; {would}',
            lead=dim("        -  "),
            indent=11,
            dim=True,
        )
        return
    if near.applies:
        sign, colour, said = ("watch", "blue", because) if told.watch else ("yes", "green", because)
        said = said or "; ".join(near.held)
    else:
        sign, colour, said = ("almost" if nearest else "no"), ("yellow" if nearest else None), "; ".join(near.missing)
        if nearest:
            said += f"  [but: {'; '.join(near.held)}]"
    say(f"{told.rule}: {said}", lead=f"  {paint(f'{sign:>7}', fg=colour)}  ", indent=11)

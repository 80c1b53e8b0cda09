"""`sealgate policy`: check and test the policy, explain what it makes of a message, and what another would change."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib import resources
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from gateway.cli.context import (
    CONFIG_DEFAULT,
    NO,
    WRONG,
    CommandGroup,
    Invocation,
    config_after,
    fail,
    json_option,
    print_json,
)
from gateway.cli.terminal import bold, many
from policy.message import Address, AddressInvalid, Client, Envelope, Recipient
from policy.units import has_every_zone

if TYPE_CHECKING:
    from gateway.policyfile import Loaded, PolicyPlace
    from gateway.tesseract import ReadingSettings
    from policy.message import Message
    from policy.problem import Problem
    from policy.route import Directory
    from policy.trial import Outcome

    _Around = tuple[PolicyPlace, Directory, ReadingSettings]

BUILTIN: Final = "builtin"
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.group(cls=CommandGroup)
def command() -> None:
    """Check, test and explain the policy; see what another would change, and what watching rules saw."""


@command.command()
@click.argument("file", type=_FILE, required=False)
@config_after
@json_option
@click.pass_obj
def check(invocation: Invocation, file: Path | None, as_json: bool) -> None:
    """Read the policy (or FILE in its place) with its rule packs, and tell every mistake."""
    from gateway.policyfile import PolicyInvalid, read_policy_file
    from policy.idle import never_asked

    place, directory, _ = _place(invocation, file, as_json)
    try:
        policy, _ = read_policy_file(place, directory)
    except PolicyInvalid as invalid:
        _refuse(invalid.problems, as_json)
    rules, tests = len(policy.text.rules), len(policy.text.tests)
    if as_json:
        facts = {"sha256": policy.sha256, "rules": rules, "tests": tests, "never_asked": never_asked(policy.text.rules)}
        warnings = [asdict(warning) for warning in policy.text.warnings]
        print_json({"file": str(place.file), "sound": True, **facts, "warnings": warnings})
        return
    for warning in policy.text.warnings:
        click.echo(str(warning), err=True)
    click.echo(f"{place.file}: sound, {many(rules, 'rule')}, {many(tests, 'test')}")
    click.echo(f"  sha256 {policy.sha256}")


@command.command()
@click.argument("file", type=_FILE, required=False)
@config_after
@json_option
@click.pass_obj
def test(invocation: Invocation, file: Path | None, as_json: bool) -> None:
    """Run the tests inside the policy (or FILE); exit 1 when one fails."""
    from policy.extraction.message import read_message

    loaded, _ = _load(invocation, file, as_json)
    outcomes = loaded.trial(read_message)
    for outcome in outcomes:
        if as_json:
            print_json(_outcome_json(outcome))
        else:
            _print_outcome(outcome, str(loaded.place.file))
    failed = sum(not outcome.passed for outcome in outcomes)
    if not as_json:
        click.echo(f"{many(len(outcomes), 'test')}, {failed or 'none'} failed")
    if failed:
        raise SystemExit(NO)


@command.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--from", "sender", required=True, metavar="ADDRESS", help="The envelope's sender; <> for none.")
@click.option(
    "--to", "recipients", required=True, multiple=True, metavar="ADDRESS", help="A recipient; may be repeated."
)
@click.option("--client", default="127.0.0.1", metavar="IP", help="The address the message comes from.")
@click.option("--at", metavar="TIME", help="When it comes, as 2026-05-09T20:30:00+02:00; now if not given.")
@click.option("--policy", "other", type=_FILE, metavar="FILE", help="Another policy instead of the configured one.")
@click.option("--online", is_flag=True, help="Ask DNS how far the recipients' servers can be proven.")
@config_after
@json_option
@click.pass_obj
def explain(  # noqa: PLR0917 - click hands over each option by its name
    invocation: Invocation,
    file: Path,
    sender: str,
    recipients: Sequence[str],
    client: str,
    at: str | None,
    other: Path | None,
    online: bool,
    as_json: bool,
) -> None:
    """Show what the policy decides for the message in FILE (.eml), and why."""
    from gateway.cli.explained import Explained, explained_json, print_explained
    from gateway.cli.online import proven_online
    from policy.engine import Facts

    envelope = _envelope(sender, recipients, client, at)
    loaded, reading = _load(invocation, other, as_json)
    policy = loaded.policy
    message = _read(file, policy.passwords, reading)
    scanned = loaded.matcher.scan(message.content, why=True)
    message, findings = replace(message, content=scanned.content), scanned.findings
    numbers = count(1)
    proves_tls = proven_online(_strange_domains(envelope, policy.directory), invocation) if online else {}
    facts = Facts(lambda: f"explain-{next(numbers)}", proves_tls=proves_tls)
    verdict = policy.decide(envelope, message, findings, facts)
    told = policy.explain(envelope, message, findings, facts, verdict)
    explained = Explained(message, findings, verdict, told, {each.id: each for each in loaded.detectors})
    if as_json:
        print_json(explained_json(explained))
    else:
        print_explained(explained)


@command.command()
@click.argument("folder", metavar="DIR|MAILDIR|MBOX", type=click.Path(path_type=Path, exists=True))
@click.option("--against", required=True, type=_FILE, metavar="FILE", help="The policy that might come into force.")
@click.option("--policy", "other", type=_FILE, metavar="FILE", help="What to compare it with; else the configured one.")
@click.option("--from", "sender", metavar="ADDRESS", help="The sender of all of them; <> for none.")
@click.option("--to", "recipients", multiple=True, metavar="ADDRESS", help="A recipient of all; may be repeated.")
@click.option("--client", metavar="IP", help="Where all come from; else as their first Received line says.")
@click.option(
    "--recipients",
    "told",
    type=click.Choice(["envelope", "header"]),
    default="envelope",
    show_default=True,
    help="Who says whom a message was for. envelope: the server that took it, where it wrote that on top "
    "(X-Original-To and the like), else To, Cc and Bcc; header: always these.",
)
@click.option("--jobs", type=click.IntRange(1), metavar="N", help="How many processes; one a core if not given.")
@config_after
@json_option
@click.pass_obj
def replay(  # noqa: PLR0917 - click hands over each option by its name
    invocation: Invocation,
    folder: Path,
    against: Path,
    other: Path | None,
    sender: str | None,
    recipients: Sequence[str],
    client: str | None,
    told: str,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Show what another policy would change for mail of the past; nothing is sent or stored.

    Messages are found in a folder (at any depth), a maildir or a mailbox file. The last line of --json is the summary.
    """
    from gateway.cli.replayed import ReplayOptions
    from gateway.cli.replayed import replay as run
    from gateway.policyfile import PolicyInvalid, PolicyPlace, read_policy_file
    from gateway.replay.envelopes import Overrides, RecipientsFrom
    from gateway.replay.pool import Compiled, ReplayJob
    from gateway.usercache import kept_for_user

    place, directory, reading = _place(invocation, other, as_json)
    later = PolicyPlace(against, place.rules)
    try:
        for each in (place, later):
            read_policy_file(each, directory)
    except PolicyInvalid as invalid:
        _refuse(invalid.problems, as_json)
    empty = sender in ("", "<>")
    given = Overrides(
        None if sender is None or empty else _address(sender, "--from"),
        empty,
        tuple(_address(text, "--to") for text in recipients),
        None if client is None else _ip(client),
        RecipientsFrom(told),
    )
    compiled = Compiled(kept_for_user())
    run(folder, ReplayJob(place, later, directory, given, compiled, reading), ReplayOptions(jobs, as_json))


@command.command()
@click.option("--since", metavar="TIME", help='Only what was seen since: "7 days", 2026-05-09, 2026-05-09T20:30:00Z.')
@config_after
@json_option
@click.pass_obj
def watch(invocation: Invocation, since: str | None, as_json: bool) -> None:
    """Show what rules with `mode: watch` saw and would have done: of all processes, since the trail began."""
    from delivery.store.watching import began_at, watches
    from gateway.cli.stores import stores_of
    from gateway.cli.watched import print_watches, time_of
    from gateway.policyfile import PolicyInvalid, read_policy_file

    from_then = time_of(since, datetime.now(UTC))
    place, directory, _ = _place(invocation, None, as_json)
    try:
        policy, _ = read_policy_file(place, directory)
    except PolicyInvalid as invalid:
        _refuse(invalid.problems, as_json)
    with stores_of(invocation) as stores:
        seen, began = stores.db.read_now(lambda conn: (watches(conn, from_then), began_at(conn)))
    print_watches(seen, policy.text.rules, from_then, began, as_json)


@command.command()
def example() -> None:
    """Print the policy that comes with Sealgate, to begin with."""
    click.echo(resources.files("gateway").joinpath("policy.example.yaml").read_text("utf-8"), nl=False)


def _load(invocation: Invocation, file: Path | None, as_json: bool) -> "tuple[Loaded, ReadingSettings]":
    """The configured policy, or FILE in its place, and how messages are read; ends with the problems, if any."""
    from gateway.policyfile import PolicyInvalid, load_policy
    from gateway.usercache import kept_for_user

    place, directory, reading = _place(invocation, file, as_json)
    try:
        return load_policy(place, directory, cache=kept_for_user()), reading
    except PolicyInvalid as invalid:
        _refuse(invalid.problems, as_json)


def _place(invocation: Invocation, file: Path | None, as_json: bool) -> "_Around":
    """Where the policy lies, what the configuration knows of us and others, and how it has messages read."""
    from gateway.policyfile import PolicyPlace
    from gateway.settings import SettingsInvalid, load_settings
    from gateway.tesseract import ReadingSettings
    from policy.route import Directory

    if file is not None and invocation.config == Path(CONFIG_DEFAULT) and not invocation.config.exists():
        click.echo(f"There is no {CONFIG_DEFAULT}: no domains of ours and no partners are known.", err=True)
        return PolicyPlace(file, (BUILTIN, str(file.parent / "local-rules/*.yaml"))), Directory(), ReadingSettings()
    try:
        settings = load_settings(invocation.config, keyring=False, policy=False)
    except SettingsInvalid as invalid:
        _refuse(invalid.problems, as_json)
    place = settings.policy_place()
    return PolicyPlace(file or place.file, place.rules), settings.directory(), settings.reading


def _refuse(problems: "tuple[Problem, ...]", as_json: bool) -> NoReturn:
    from gateway.cli.config import print_problems

    print_problems(problems, as_json)
    raise SystemExit(WRONG)


def _envelope(sender: str, recipients: Sequence[str], client: str, at: str | None) -> Envelope:
    return Envelope(
        id="explain",
        sender=None if sender in ("", "<>") else _address(sender, "--from"),
        recipients=tuple(Recipient(_address(text, "--to")) for text in recipients),
        client=Client(_ip(client)),
        received_at=_time(at),
    )


def _address(text: str, option: str) -> Address:
    try:
        return Address.parse(text)
    except AddressInvalid:
        fail(f'{option}: "{text}" is no mail address', "write it as bob@example.com")


def _ip(text: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(text)
    except ValueError:
        fail(f'--client: "{text}" is no IP address', "write it as 10.0.8.7")


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or not has_every_zone(at):
        fail(f'--at: "{text}" is no time', "write it as 2026-05-09T20:30:00+02:00")
    return at if at.tzinfo is not None else at.astimezone()


def _read(file: Path, passwords: Sequence[str], reading: "ReadingSettings") -> "Message":
    """The message as SMTP would have brought it: a file with lone line feeds gets CRLF."""
    from gateway.extractors import read_message

    try:
        raw = file.read_bytes()
    except OSError as error:
        fail(f"{file} cannot be read: {error.strerror}")
    return read_message(raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n"), passwords=passwords, reading=reading)


def _strange_domains(envelope: Envelope, directory: "Directory") -> list[str]:
    """The recipients' domains that are neither ours nor a partner's."""
    addresses = [recipient.address for recipient in envelope.recipients]
    return sorted({a.domain for a in addresses if not directory.is_ours(a) and directory.partner_of(a) is None})


def _outcome_json(outcome: "Outcome") -> dict[str, Any]:
    from gateway.cli.explained import decision_json

    return {
        "test": outcome.case.name,
        "line": outcome.case.line,
        "passed": outcome.passed,
        "misses": [
            {
                "address": miss.recipient,
                "expected": miss.expected.value,
                "got": decision_json(miss.got) if miss.got is not None else None,
            }
            for miss in outcome.misses
        ],
    }


def _print_outcome(outcome: "Outcome", file: str) -> None:
    if outcome.passed:
        click.echo(f"ok      {outcome.case.name}")
        return
    click.echo(f"FAILED  {bold(outcome.case.name)} ({file}:{outcome.case.line})")
    for miss in outcome.misses:
        if miss.got is None:
            click.echo(f"        {miss.recipient}: expected {miss.expected}, but it gets no copy")
            continue
        click.echo(f'        {miss.recipient}: expected {miss.expected}, got {miss.got.route} by "{miss.got.rule}"')
        for reason in miss.got.reasons:
            click.echo(f"          {'yes' if reason.applies else 'no':>3}  {reason.rule}: {reason.because}")

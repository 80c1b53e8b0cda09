"""`sealgate rules`: see the detectors, run their samples, scan files with them."""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

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
from gateway.cli.terminal import printable
from gateway.detectors import DetectorsInvalid, configured_detectors
from gateway.usercache import kept_for_user
from rules.content import Content, Part
from rules.detector import Detector
from rules.finding import Finding
from rules.masking import mask_value
from rules.matching import Matcher
from rules.reference import markdown
from rules.samples import run_samples


@click.group(cls=CommandGroup)
def command() -> None:
    """List, show, test detectors, and scan files with them.

    With a configuration its `rules` count, without one the built-in detectors.
    """


@command.command("list")
@click.option("--markdown", "as_markdown", is_flag=True, help="Print the page docs/detectors.md.")
@json_option
@config_after
@click.pass_obj
def list_detectors(invocation: Invocation, as_markdown: bool, as_json: bool) -> None:
    """List the detectors with their titles and groups."""
    if as_markdown and as_json:
        raise click.UsageError("--markdown and --json exclude each other")
    detectors = _detectors(invocation)
    if as_markdown:
        click.echo(markdown(detectors), nl=False)
        return
    width = max((len(detector.id) for detector in detectors), default=0)
    for detector in detectors:
        groups = sorted(detector.groups)
        if as_json:
            print_json({"id": detector.id, "title": detector.title, "groups": groups, "source": detector.source})
        else:
            click.echo(f"{detector.id:{width}}  {detector.title} ({', '.join(groups)})")


@command.command("show")
@click.argument("detector_id", metavar="ID")
@json_option
@config_after
@click.pass_obj
def show(invocation: Invocation, detector_id: str, as_json: bool) -> None:
    """Show everything about one detector."""
    detectors = _detectors(invocation)
    detector = next((each for each in detectors if each.id == detector_id), None)
    if detector is None:
        fail(f"there is no detector {detector_id}", "`sealgate rules list` names them", code=NO)
    if as_json:
        print_json(_as_json(detector))
        return
    for line in _described(detector):
        click.echo(line)


@command.command("test")
@json_option
@config_after
@click.pass_obj
def test(invocation: Invocation, as_json: bool) -> None:
    """Run the samples of all detectors; exit 1 if one fails."""
    detectors = _detectors(invocation)
    matcher = Matcher(detectors, kept_for_user())
    failures = run_samples(matcher, detectors)
    samples = sum(len(detector.found) + len(detector.ignored) for detector in detectors)
    if as_json:
        for failure in failures:
            print_json(
                {
                    "detector": failure.detector,
                    "source": failure.source,
                    "text": failure.text,
                    "expected": failure.expected,
                    "got": failure.got,
                }
            )
        print_json({"samples": samples, "failed": len(failures), "told": list(matcher.slow_notes)})
    else:
        for told in matcher.slow_notes:
            click.echo(f"note: {told}")
        for failure in failures:
            click.echo(f"FAILED {failure}")
        click.echo(f"{len(detectors)} detectors, {samples} samples, {len(failures)} failed")
    if failures:
        raise SystemExit(NO)


@command.command("scan")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--jsonl",
    type=click.File("r", "utf-8-sig", errors="replace"),
    help='A file of {"id", "text"} lines; - reads stdin.',
)
@click.option("--reveal", is_flag=True, help="Print values as they are, not masked.")
@json_option
@config_after
@click.pass_obj
def scan(invocation: Invocation, files: tuple[Path, ...], jsonl: IO[str] | None, reveal: bool, as_json: bool) -> None:
    """Scan mails (.eml), documents and texts, or the lines of a JSONL file.

    A line that is no {"id", "text"} is told and left out; the others are scanned, and the exit code is 2.
    """
    if bool(files) == (jsonl is not None):
        fail("give either files or --jsonl FILE", "sealgate rules scan letter.eml report.docx")
    matcher = Matcher(_detectors(invocation), kept_for_user())
    if jsonl is not None:
        _scan_lines(matcher, jsonl, reveal)
        return
    for path in files:
        _scan_file(matcher, path, reveal, as_json)


def _scan_lines(matcher: Matcher, lines: IO[str], reveal: bool) -> None:
    output, source, broken = sys.stdout, getattr(lines, "name", "-"), 0
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            identifier, text = row["id"], row["text"]
        except (ValueError, KeyError, TypeError, RecursionError):
            text = None
        if not isinstance(text, str):
            click.echo(f'{source}:{number}: not an object with "id" and a text as "text"', err=True)
            broken += 1
            continue
        started = time.perf_counter()
        scanned = matcher.scan(Content((Part("text", text),)))
        took = round((time.perf_counter() - started) * 1000, 3)
        told = {"id": identifier, "ms": took, "findings": list(_hits(scanned.findings, reveal))}
        if scanned.content.files:
            told["unreadable"] = [file.reason for file in scanned.content.files]
        output.write(json.dumps(told) + "\n")
        output.flush()  # who writes a line and waits gets its answer
    if broken:
        fail(f"{broken} lines could not be read" if broken > 1 else "a line could not be read")


def _hits(findings: tuple[Finding, ...], reveal: bool) -> Iterator[dict[str, str]]:
    """Each distinct value once, as sure as it was seen at its surest."""
    for finding in findings:
        surest: dict[str, Any] = {}
        for hit in finding.hits:
            known = surest.get(hit.value)
            if known is None or hit.confidence.rank > known.rank:
                surest[hit.value] = hit.confidence
        for value, confidence in surest.items():
            yield {
                "detector": finding.detector,
                "confidence": confidence.value,
                "value": value if reveal else mask_value(value),
            }


def _scan_file(matcher: Matcher, path: Path, reveal: bool, as_json: bool) -> None:
    """Print what one file holds, and what in it could not be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    content = _content(data, path)
    scanned = matcher.scan(content)
    findings = scanned.findings
    closed = [file for file in scanned.content.files if file.encrypted or file.unreadable]
    if as_json:
        told = [{"place": file.place, "encrypted": file.encrypted, "reason": file.reason} for file in closed]
        shown = [_finding_json(finding, reveal) for finding in findings]
        print_json({"file": str(path), "findings": shown, "unreadable": told})
        return
    _print_findings(path, findings, reveal)
    for file in closed:
        what = "encrypted" if file.encrypted else f"unreadable: {file.reason}"
        click.echo(printable(f"{path}: {file.place or file.name}: {what}"))


def _finding_json(finding: Finding, reveal: bool) -> dict[str, Any]:
    places = [
        {"part": hit.place, "confidence": hit.confidence.value, "excerpt": hit.excerpt}
        | ({"value": hit.value} if reveal else {})
        for hit in finding.hits
    ]
    return {
        "detector": finding.detector,
        "confidence": finding.confidence.value,
        "count": finding.count(),
        "unique": len(finding.values()),
        "places": places,
    }


def _print_findings(path: Path, findings: tuple[Finding, ...], reveal: bool) -> None:
    if not findings:
        click.echo(f"{path}: nothing found")
    for finding in findings:
        for hit in finding.hits:
            value = f"  {hit.value}" if reveal else ""
            said = f"{path}: {finding.detector} {hit.confidence.value}  {hit.place}: {hit.excerpt}{value}"
            click.echo(printable(said))


def _content(data: bytes, path: Path) -> Content:
    """What the file shows: mail and documents by their readers, anything that is plainly text at once."""
    if b"\0" not in data and path.suffix.lower() in (".txt", ".csv", ".log", ".md", ""):
        try:
            return Content(parts=(Part("text", data.decode("utf-8-sig")),))
        except UnicodeDecodeError:
            pass
    from gateway.extractors import read_file, read_message

    return read_message(data).content if path.suffix.lower() == ".eml" else read_file(data, path.name)


def _detectors(invocation: Invocation) -> tuple[Detector, ...]:
    nowhere = str(invocation.config) == CONFIG_DEFAULT and not invocation.config.exists()
    try:
        return configured_detectors(None if nowhere else invocation.config)
    except DetectorsInvalid as error:
        for problem in error.problems:
            click.echo(str(problem), err=True)
        raise SystemExit(WRONG) from None


def _as_json(detector: Detector) -> dict[str, Any]:
    return {
        "id": detector.id,
        "title": detector.title,
        "about": detector.about,
        "groups": sorted(detector.groups),
        "source": detector.source,
        "patterns": [
            {
                "regex": p.regex,
                "confidence": p.confidence.value,
                "check": p.check,
                "alone": p.alone,
                "named": p.named,
                "width": p.max_width,
            }
            for p in detector.patterns
        ],
        "words": len(detector.words.terms) if detector.words else 0,
        "near": [
            {"words": n.words, "within": n.within, "raise": n.confidence.value, "names": n.names} for n in detector.near
        ],
        "unless": [{"words": u.words, "within": u.within} for u in detector.unless],
        "except": sorted(detector.exempt),
        "samples": {
            "found": [{"text": s.text, "confidence": s.confidence} for s in detector.found],
            "ignored": list(detector.ignored),
        },
    }


def _described(detector: Detector) -> Iterator[str]:
    yield f"{detector.id}: {detector.title}"
    if detector.about:
        yield f"  {detector.about}"
    yield f"  groups: {', '.join(sorted(detector.groups))}    from: {detector.source}"
    for pattern in detector.patterns:
        extras = (
            [f"check {pattern.check}"] * bool(pattern.check) + ["alone"] * pattern.alone + ["named"] * pattern.named
        )
        yield f"  pattern ({', '.join([pattern.confidence.value, *extras])}): {pattern.regex}"
    if detector.words:
        yield f"  words: {len(detector.words.terms)} weighted terms within {detector.words.within} characters"
    for near in detector.near:
        silent = "" if near.names else ", names nothing"
        yield f"  near ({near.within} characters, raises to {near.confidence.value}{silent}): {', '.join(near.words)}"
    for unless in detector.unless:
        yield f"  unless ({unless.within} characters): {', '.join(unless.words)}"
    if detector.exempt:
        yield f"  except: {len(detector.exempt)} values that never count"
    for sample in detector.found:
        yield f"  found: {sample.text!r}" + (f" ({sample.confidence.value})" if sample.confidence else "")
    for text in detector.ignored:
        yield f"  ignored: {text!r}"

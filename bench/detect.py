"""What the detectors find and wrongly find, and what it takes, beside peers in the same run: `make bench-detect`.

    python bench/detect.py                          # the corpus that bench/corpus.py makes
    python bench/detect.py --corpus texts.jsonl    # lines of {"text", "label", "expected", "tier"}; core is scored

A hit is `medium` or surer. Of each type precision, recall and F1; the macro F1 is the mean of types with 20 positives
or more. Ordinary mail is read as the gateway reads it, and counted as flagged at a tier if any detector is so sure.
Presidio runs with its pattern recognisers and context words on a blank spaCy model, at the score threshold that serves
it best; the plain expressions stand in detection/regexes.py. Times are of the processor.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from corpus import corpus as own_corpus  # noqa: E402 - found only by the path above
from detection import regexes  # noqa: E402 - likewise
from detection.kinds import DETECTORS  # noqa: E402 - likewise
from detection.peers import ask_presidio, ordinary_mail, presidio_python  # noqa: E402 - likewise
from detection.scoring import LEAST, Counts, Row, macro, score  # noqa: E402 - likewise

from gateway.extractors import read_message  # noqa: E402 - likewise
from rules.content import Content, Part  # noqa: E402 - likewise
from rules.finding import Confidence, Scanned  # noqa: E402 - likewise
from rules.matching import Matcher  # noqa: E402 - likewise
from rules.pack import load_builtin  # noqa: E402 - likewise

CHECKED = ("us.ssn", "payment.card", "iban", "us.aba", "us.npi", "us.dea", "us.mbi", "us.bank_account")
TIERS = (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH)
THRESHOLDS = (0.2, 0.3, 0.35, 0.4, 0.5, 0.6, 0.75)


@dataclass(slots=True)
class Peer:
    """What one of the three made of everything."""

    name: str
    counts: dict[str, Counts] = field(default_factory=dict)
    flagged: dict[str, float] = field(default_factory=dict)  # of 1,000 mails, by tier
    times: list[float] = field(default_factory=list)  # milliseconds a mail
    note: str = ""


def read_corpus(path: Path | None, each: int, seed: int) -> list[Row]:
    """The texts to score; labels as ids of detectors."""
    lines: Iterable[dict[str, object]]
    if path is None:
        lines = own_corpus(each, seed)
    else:
        lines = (json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip())
    return [
        Row(str(line["text"]), DETECTORS.get(str(line["label"]), str(line["label"])), bool(line["expected"]))
        for line in lines
        if line.get("tier", "core") == "core"
    ]


def sure(scanned: Scanned, least: Confidence = Confidence.MEDIUM) -> Set[str]:
    """The detectors that are so sure or surer."""
    return {finding.detector for finding in scanned.findings if finding.confidence.rank >= least.rank}


def timed(call: Callable[[], object], times: list[float]) -> object:
    """What a call gives; its milliseconds go into `times`."""
    started = time.process_time()
    result = call()
    times.append((time.process_time() - started) * 1000)
    return result


def per_thousand(count: int, of: int) -> float:
    """A rate."""
    return 1000 * count / of if of else 0.0


def run_ours(rows: Sequence[Row], mails: Sequence[Content]) -> tuple[Peer, list[Set[str]]]:
    """The product."""
    matcher = Matcher(load_builtin())
    peer = Peer("sealgate")
    found = [sure(matcher.scan(Content((Part("text", row.text),)))) for row in rows]
    peer.counts = score(rows, found)
    for mail in mails[:200]:
        matcher.scan(mail)  # what is made on first use is no cost of a mail
    scans: list[Scanned] = []
    for mail in mails:
        started = time.process_time()
        scans.append(matcher.scan(mail))
        peer.times.append((time.process_time() - started) * 1000)
    for tier in TIERS:
        peer.flagged[tier.value] = per_thousand(sum(bool(sure(scan, tier)) for scan in scans), len(scans))
    return peer, found


def run_regexes(rows: Sequence[Row], mails: Sequence[Content]) -> Peer:
    """Plain expressions."""
    peer = Peer("plain regexes")
    peer.counts = score(rows, [regexes.found(row.text) for row in rows])
    flagged = 0
    for mail in mails:
        text = joined(mail)
        seen = timed(lambda text=text: regexes.found(text), peer.times)
        flagged += bool(seen & regexes.FLAGGING)
    peer.flagged["any"] = per_thousand(flagged, len(mails))
    peer.note = "flagged by " + ", ".join(sorted(regexes.FLAGGING))
    return peer


def run_presidio(rows: Sequence[Row], mails: Sequence[Content]) -> Peer:
    """Presidio, at the threshold with the best mean of F1 over its own types."""
    peer = Peer("presidio")
    python = presidio_python()
    if python is None:
        peer.note = "not measured: presidio-analyzer cannot be installed here"
        return peer
    answers = list(ask_presidio(python, [*(row.text for row in rows), *map(joined, mails)]))
    of_rows, of_mails = answers[: len(rows)], answers[len(rows) :]
    scored = {least: score(rows, [answer.at(least) for answer in of_rows]) for least in THRESHOLDS}
    best = max(THRESHOLDS, key=lambda least: macro(scored[least]))
    peer.counts = scored[best]
    numbers = set(DETECTORS.values()) - {"date_of_birth"}
    for name, least in (("any", 0.0), ("best", best)):
        flagged = sum(bool(answer.at(least) & numbers) for answer in of_mails)
        peer.flagged[name] = per_thousand(flagged, len(mails))
    peer.times = [answer.ms for answer in of_mails]
    peer.note = f"pattern recognisers with context on a blank spaCy model, threshold {best}"
    return peer


def joined(mail: Content) -> str:
    """A mail's texts in one, each once."""
    return "\n\n".join(dict.fromkeys(part.text for part in mail.parts))


def print_types(peers: Sequence[Peer]) -> None:
    """A line for each type."""
    ours = peers[0].counts
    print(
        f"{'type':<22}{'with':>6}{'without':>8}   "
        + "   ".join(f"{peer.name + ': P    R    F1':>26}" for peer in peers)
    )
    for label in sorted(ours, key=lambda label: (label not in CHECKED, label)):
        line = f"{label:<22}{ours[label].positives:>6}{ours[label].negatives:>8}   "
        for peer in peers:
            count = peer.counts.get(label, Counts())
            line += f"{'':>10}{count.precision:>6.3f}{count.recall:>6.3f}{count.f1:>6.3f} "
        few = "   (too few to be averaged)" if ours[label].positives < LEAST else ""
        print(line.rstrip() + few)
    for title, labels in (("macro F1, with a check", CHECKED), ("macro F1, all types", None)):
        print(f"{title:<39}" + "".join(f"{'':>22}{macro(peer.counts, labels):>6.3f} " for peer in peers))


def print_mail(peers: Sequence[Peer], count: int) -> None:
    """What ordinary mail gave."""
    print(f"\nordinary mail: {count} mails\n{'':<16}{'ms: mean':>10}{'p50':>8}{'p99':>8}   flagged of 1,000")
    for peer in peers:
        if peer.times:
            times = sorted(peer.times)
            p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
            flagged = ", ".join(f"{name} {rate:.1f}" for name, rate in peer.flagged.items())
            mean, middle = statistics.fmean(times), statistics.median(times)
            print(f"{peer.name:<16}{mean:>10.3f}{middle:>8.3f}{p99:>8.3f}   {flagged}")
        if peer.note:
            print(f"{'':<16}{peer.note}")


def print_mistakes(rows: Sequence[Row], found: Sequence[Set[str]], wanted: str) -> None:
    """The texts of one type, or of all, that were judged wrongly."""
    for row, seen in zip(rows, found, strict=True):
        if row.label == "none":
            wrong = seen if wanted == "all" else seen & {wanted}
        else:
            wrong = {row.label} if (row.label in seen) != row.expected and wanted in ("all", row.label) else set()
        for label in sorted(wrong):
            print(f"{'MISSED' if row.expected else 'WRONG '} {label}: {row.text!r}")


def main() -> None:
    """Measure and print."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--corpus", type=Path, help="labelled texts; our own are made where none are given")
    reader.add_argument(
        "--each", type=int, default=200, help="texts of our own with and without a value, for each type"
    )
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--mistakes", metavar="TYPE", help="print what we judged wrongly of one type, or of `all`")
    reader.add_argument("--alone", action="store_true", help="without the peers, which take minutes")
    reader.add_argument("--no-mail", action="store_true", help="without ordinary mail")
    asked = reader.parse_args()
    rows = read_corpus(asked.corpus, asked.each, asked.seed)
    mails = [] if asked.no_mail else [read_message(path.read_bytes()).content for path in ordinary_mail()]
    ours, found = run_ours(rows, mails)
    if asked.mistakes:
        print_mistakes(rows, found, asked.mistakes)
    peers = [ours] if asked.alone else [ours, run_presidio(rows, mails), run_regexes(rows, mails)]
    print(f"{asked.corpus or 'our own corpus'}: {len(rows)} texts; processor time; all in one run\n")
    print_types(peers)
    if mails:
        print_mail(peers, len(mails))


if __name__ == "__main__":
    main()

"""What reading and scanning cost, without a network, a corpus or a peer: `make bench-scan`.

    python bench/scan.py            # all of it
    python bench/scan.py --quick    # fewer rounds, no floods

Prints for each message the processor's milliseconds to read and to scan it (mean, median, 99th percentile), megabytes a
second, what one plain regular expression for a Social Security number takes for the same texts (Python's `re`: a
measure of the machine), and the longest hold: the longest time in which one call kept the interpreter from all other
threads, the event loop among them. Then what floods cost a megabyte, how long the matcher takes to start with and
without its cache, and what it takes of memory. Times are of the processor, so that a busy machine changes them less.
"""

import argparse
import base64
import io
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from texts import WORDS, prose  # noqa: E402 - found only by the path above

from gateway.matchcache import FileCache  # noqa: E402 - likewise
from gateway.memory import tune_for_serving  # noqa: E402 - likewise
from policy.extraction.collected import File  # noqa: E402 - likewise
from policy.extraction.message import extract_file, read_message  # noqa: E402 - likewise
from rules.content import Content, Part  # noqa: E402 - likewise
from rules.matching import Matcher  # noqa: E402 - likewise
from rules.pack import load_builtin  # noqa: E402 - likewise

HEAD = b"From: Alice <alice@example.com>\r\nTo: <bob@example.net>\r\nSubject: Figures\r\nMIME-Version: 1.0\r\n"
ONE_REGEX = re.compile(r"\b(?!000|666|9\d\d)\d{3}[- ](?!00)\d{2}[- ](?!0000)\d{4}\b")
LETS_GO = frozenset({"scan", "sleep"})  # calls that let other threads run


def plain(text: str) -> bytes:
    """A message of one text."""
    return HEAD + b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + text.encode()


def attached(text: str, content: bytes, kind: str, name: str) -> bytes:
    """A message of a text and a file in base64."""
    packed = base64.encodebytes(content).replace(b"\n", b"\r\n")
    return (
        HEAD
        + b'Content-Type: multipart/mixed; boundary="=_b"\r\n\r\n--=_b\r\nContent-Type: text/plain\r\n\r\n'
        + text.encode()
        + f'--=_b\r\nContent-Type: {kind}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n'.encode()
        + packed
        + b"--=_b--\r\n"
    )


def page(rng: random.Random, size: int) -> bytes:
    """A newsletter: tables, classes, inline styles, a rule for phones."""
    pieces = [
        "<html><head><style>body{font:14px Arial;color:#333}.h{font-size:20px}td.c{padding:4px;border:1px solid #ccc}"
        "@media (max-width:600px){.w{width:100%!important}}.pre{display:none}</style></head><body>"
        '<table width="600" class="w"><tr><td>'
    ]
    while sum(map(len, pieces)) < size:
        words = prose(rng, 150).replace("\r\n", " ")
        pieces.append(
            f'<p style="margin:0 0 12px;color:#333333">{words}<b>{rng.choice(WORDS)}</b> &amp; <a href="https://example.com'
            f'/{rng.randrange(10**6)}" style="color:#06c">more</a></p><table><tr>'
            + "".join(f'<td class="c" align="right">{rng.choice(WORDS)}</td>' for _ in range(6))
            + '</tr></table><div class="h"><img src="i.png" alt="logo"><span style="font-size:12px">'
            f"{words[:60]}</span>&nbsp;<br></div>\r\n"
        )
    return HEAD + b"Content-Type: text/html; charset=utf-8\r\n\r\n" + "".join(pieces).encode() + b"</body></html>\r\n"


def document(rng: random.Random, size: int) -> bytes:
    """A docx with so much text."""
    out = io.BytesIO()
    paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in prose(rng, size).splitlines())
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f'<w:document xmlns:w="w"><w:body>{paragraphs}</w:body></w:document>')
    return out.getvalue()


def floods(rng: random.Random, size: int) -> Iterator[tuple[str, str]]:
    """Texts that hold nothing but what has to be looked at closely."""

    def fill(one: Callable[[], str]) -> str:
        pieces: list[str] = []
        room = size
        while room > 0:
            pieces.append(one())
            room -= len(pieces[-1])
        return "".join(pieces)

    yield "spaced digits", fill(lambda: f"{rng.randrange(10)} ")
    yield "digits", fill(lambda: str(rng.random())[2:])
    yield (
        "valid numbers",
        fill(lambda: f"{rng.randint(100, 665):03}-{rng.randint(1, 99):02}-{rng.randint(1, 9999):04}\n"),
    )
    yield (
        "tables of numbers",
        "name,ssn,account\n" + fill(lambda: f"x,{rng.randrange(10**9):09},{rng.randrange(10**10):010}\n"),
    )
    yield "words that name", fill(lambda: rng.choice(("ssn ", "card number ", "account ", "mrn ", "passport ")))
    yield "medical words", fill(lambda: rng.choice(("diabetes ", "metformin ", "biopsy ", "insulin ")))


def timed(call: Callable[[], object], rounds: int) -> list[float]:
    """The processor's milliseconds of each of some calls, sorted."""
    times: list[float] = []
    call()
    for _ in range(rounds):
        started = time.process_time()
        call()
        times.append((time.process_time() - started) * 1000)
    return sorted(times)


def longest_hold(call: Callable[[], object]) -> tuple[float, str]:
    """The longest call into C that lets nobody else run: milliseconds, and which."""
    longest, begun = (0.0, ""), 0.0

    def look(_frame: FrameType, event: str, called: object) -> None:
        nonlocal longest, begun
        if event == "c_call":
            begun = time.thread_time()
        elif event == "c_return":
            name = getattr(called, "__name__", "")
            if name not in LETS_GO:
                longest = max(longest, ((time.thread_time() - begun) * 1000, getattr(called, "__qualname__", name)))

    def run() -> None:
        sys.setprofile(look)
        call()
        sys.setprofile(None)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return longest


def memory() -> float:
    """Megabytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def start(folder: Path) -> tuple[float, float]:
    """Seconds to a matcher of all packs, and the megabytes that it takes, in a process of its own."""
    code = (
        "import sys,time;sys.path[:0]=sys.argv[1:3];import scan;from pathlib import Path\n"
        "before=scan.memory();began=time.process_time()\n"
        "m=scan.Matcher(scan.load_builtin(),scan.FileCache(Path(sys.argv[3]),bytes(32)))\n"
        "m.scan_text('SSN 536-22-1234')\n"
        "print(time.process_time()-began,scan.memory()-before)"
    )
    asked = [sys.executable, "-c", code, str(HERE), str(HERE.parent), str(folder)]
    seconds, megabytes = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(megabytes)


def print_messages(matcher: Matcher, rounds: int) -> None:
    """A line for each message."""
    rng = random.Random(1)
    docx = document(rng, 64_000)
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    messages = {
        "4 KB text": plain(prose(rng, 3_600)),
        "64 KB, text attached": attached(prose(rng, 3_500), prose(rng, 45_000).encode(), "text/csv", "report.csv"),
        "64 KB page": page(rng, 64_000),
        "64 KB docx": attached(prose(rng, 500), docx, kind, "report.docx"),
        "5 MB text": plain(prose(rng, 5_000_000)),
        "5 MB, text attached": attached(prose(rng, 3_500), prose(rng, 3_700_000).encode(), "text/csv", "report.csv"),
    }
    titles = f"{'':<22}{'read ms':>9}{'scan ms: mean':>15}{'p50':>8}{'p99':>8}{'MB/s':>7}{'one regex':>11}"
    print(f"{titles}{'longest hold':>14}")
    for name, raw in messages.items():
        if name.endswith("docx"):
            reading = lambda: extract_file(File("report.docx", docx, "report.docx"))  # noqa: E731 - told apart by name
            content = reading()
        else:
            reading = lambda raw=raw: read_message(raw).content  # noqa: E731 - likewise
            content = reading()
        times = rounds if len(raw) < 100_000 else max(3, rounds // 20)
        read, scan = timed(reading, times), timed(lambda content=content: matcher.scan(content), times)
        texts = [part.text for part in content.parts]
        one = timed(lambda texts=texts: [ONE_REGEX.findall(text) for text in texts], times)
        hold, where = longest_hold(lambda reading=reading: matcher.scan(reading()))
        speed = len(raw) / 1e3 / (statistics.fmean(read) + statistics.fmean(scan))
        print(
            f"{name:<22}{statistics.fmean(read):>9.2f}{statistics.fmean(scan):>15.2f}{statistics.median(scan):>8.2f}"
            f"{scan[int(len(scan) * 0.99)]:>8.2f}{speed:>7.0f}"
            f"{statistics.fmean(one):>11.2f}{hold:>11.1f} ms  {where}"
        )


def print_floods(matcher: Matcher) -> None:
    """What a megabyte of each costs, and twice as much of it."""
    print(f"\n{'floods':<22}{'s/MB':>9}{'at twice':>10}  told as not read")
    once, twice = dict(floods(random.Random(2), 500_000)), dict(floods(random.Random(2), 1_000_000))
    for name, text in once.items():
        spent: list[float] = []
        told = False
        for one in (text, twice[name]):
            started = time.process_time()
            told = bool(matcher.scan(Content((Part("text", one),))).content.files)
            spent.append((time.process_time() - started) * 1e6 / len(one))
        print(f"{name:<22}{spent[0]:>9.2f}{spent[1]:>10.2f}  {'yes' if told else ''}")


def main() -> None:
    """Measure and print."""
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--quick", action="store_true", help="fewer rounds, no floods")
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cold, _ = start(Path(folder))
        warm, megabytes = start(Path(folder))
        matcher = Matcher(load_builtin(), FileCache(Path(folder), bytes(32)))
        tune_for_serving()  # as the gateway does
        print_messages(matcher, 20 if asked.quick else 200)
    if not asked.quick:
        print_floods(matcher)
    print(f"\nstart: {cold:.2f} s without a cache, {warm:.2f} s with; all packs take {megabytes:.0f} MB")


if __name__ == "__main__":
    main()

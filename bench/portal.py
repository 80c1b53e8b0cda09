"""The portal under load: guests open SafeBoxes at once, and take large documents: `make bench-portal`.

The real gateway runs with every default and as many workers as it takes by itself. All is on loopback, and the load
runs on the same cores. Guests come within a few seconds: each follows the link of a notice, asks for a code, reads it
from the mail, opens the message, takes its document at full speed, and looks at pages meanwhile. In further rounds they
come again, in the same session: memory that grows from round to round would show. Before them one guest and one sender
come alone (`alone.py`): what a page takes by itself. Nothing is reported where a download
was not whole, or an answer not as it should be.
"""

import argparse
import asyncio
import email.generator
import email.policy
import io
import json
import os
import platform
import random
import re
import smtplib
import tempfile
import threading
import time
from collections.abc import Coroutine
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import uvloop
from aiosmtpd.smtp import SMTP
from alone import WITHIN, Alone
from guests import Browser, Figures, Mailboxes
from peers import Gateway, free_port, processor_seconds, tree

TOGETHER = 20  # guests of one message
PATIENCE = 60.0  # seconds for a mail
LONGEST = 900.0  # seconds for the whole run
CONFIG = """\
limits: {sessions_per_client: 500}
"""


@dataclass(slots=True)
class Sample:
    """What the gateway's processes take, at one moment."""

    at: float
    pss: float  # MB: each shared page counted once
    rss: float  # MB: in each process anew
    handles: int


@dataclass
class Watch(threading.Thread):
    """Looks at a tree of processes now and then."""

    roots: list[int]
    samples: list[Sample] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._over = threading.Event()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        """Twice a second: looking costs time as well."""
        while not self._over.wait(0.5):
            self.samples.append(self.look())

    def look(self) -> Sample:
        """Now."""
        pss = rss = handles = 0
        for one in tree(self.roots):
            try:
                lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
                handles += sum(1 for _ in Path(f"/proc/{one}/fd").iterdir())
            except (FileNotFoundError, ProcessLookupError):
                continue
            values = {line.split()[0]: int(line.split()[1]) for line in lines if line.startswith(("Pss:", "Rss:"))}
            pss, rss = pss + values.get("Pss:", 0), rss + values.get("Rss:", 0)
        return Sample(time.monotonic(), pss / 1024, rss / 1024, handles)

    def end(self) -> None:
        """No more."""
        self._over.set()
        self.join()

    def highest(self, since: float) -> float:
        """PSS, in MB."""
        return max((one.pss for one in self.samples if one.at >= since), default=0.0)


@dataclass(slots=True)
class Round:
    """What one part of the run took: seconds, seconds of processor time, MB at most and MB afterwards (PSS)."""

    what: str
    seconds: float
    processor: float
    highest: float
    after: float


@dataclass(slots=True)
class Guest:
    """One guest with what they know."""

    address: str
    browser: Browser
    pace: random.Random
    link: str = ""
    letter: str = ""
    document: str = ""


def mail(guests: list[str], size: int, number: int) -> bytes:
    """A message with one document of random bytes, marked to be kept."""
    made = EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"] = "Alice Example <alice@example.com>", ", ".join(guests)
    made["Subject"], made["Message-ID"] = "[secure] The pictures", f"<{number}@example.com>"
    made.set_content("Dear all,\n\nhere are the pictures.\n\nAlice\n")
    made.add_attachment(random.Random(number).randbytes(size), "application", "octet-stream", filename="pictures.bin")
    raw = io.BytesIO()
    email.generator.BytesGenerator(raw, policy=email.policy.SMTP).flatten(made)
    return raw.getvalue()


async def seed(gateway: Gateway, guests: list[Guest], size: int, mailboxes: Mailboxes) -> None:
    """Send the messages, and wait for everybody's notice."""
    for number, some in enumerate(_batches(guests)):
        await asyncio.to_thread(_send, gateway.smtp, [guest.address for guest in some], size, number)
    for guest in guests:
        guest.link = await mailboxes.next(guest.address, r"https?://[^/\s]+(/b/\S+)", PATIENCE)


def _batches(guests: list[Guest]) -> list[list[Guest]]:
    return [guests[at : at + TOGETHER] for at in range(0, len(guests), TOGETHER)]


def _send(port: int, recipients: list[str], size: int, number: int) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=120) as client:
        client.sendmail("alice@example.com", recipients, mail(recipients, size, number))


async def open_box(guest: Guest, mailboxes: Mailboxes, figures: Figures) -> None:
    """From the link to the letter."""
    browser = guest.browser
    envelope = await browser.page(guest.link)
    asked = await browser.send(f"{guest.link}/code", envelope.text, by="code")
    if not asked.headers.get("location", "").endswith("/code"):
        raise SystemExit(
            f"a guest got no code: {asked.status} {asked.headers.get('location', '')}\n{asked.text[:3000]}"
        )
    typed = await browser.page(f"{guest.link}/code")
    began = time.perf_counter()
    code = await mailboxes.next(guest.address, r"(?m)^\s*(\d{3} ?\d{3})\s*$", PATIENCE)
    figures.kinds["code's mail"].whole.append(time.perf_counter() - began)
    opened = await browser.send(f"{guest.link}/open", typed.text, code=code.replace(" ", ""))
    guest.letter = opened.headers.get("location", "")
    letter = await browser.page(guest.letter)
    found = re.search(rf'"({re.escape(guest.letter)}/documents/[^".]+)"', letter.text)
    if found is None:
        raise SystemExit(f"a guest did not come to their document: {opened.status}, {letter.status}")
    guest.document = found[1]


async def read(guest: Guest, size: int) -> bool:
    """Take the document, and look at pages meanwhile. False: it was not whole."""

    async def look() -> None:
        while True:
            await asyncio.sleep(guest.pace.uniform(0.5, 3.5))
            await guest.browser.page(guest.letter, "page beside downloads")

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(look())
        whole = await guest.browser.download(guest.document, size)
        reading.cancel()
    return whole


async def come_all(guests: list[Guest], size: int, within: float, mailboxes: Mailboxes, figures: Figures) -> None:
    """Everybody comes within so many seconds, the first time by the notice's link, and goes with the document."""

    async def come(guest: Guest) -> None:
        await asyncio.sleep(guest.pace.uniform(0, within))
        if not guest.letter:
            await open_box(guest, mailboxes, figures)
        else:
            await guest.browser.page(guest.letter)
        if not await read(guest, size):
            figures.troubles["a download was not whole"] += 1

    async with asyncio.TaskGroup() as all_of_them:
        for guest in guests:
            all_of_them.create_task(come(guest))


async def watched(watch: Watch, what: str, doing: Coroutine[Any, Any, None]) -> Round:
    """Do it, and tell what it took; then a breath, to see what memory is given back."""
    began, before = time.monotonic(), processor_seconds(watch.roots)
    await doing
    took, highest = time.monotonic() - began, watch.highest(began)
    processor = processor_seconds(watch.roots) - before
    await asyncio.sleep(2)
    return Round(what, took, processor, max(highest, watch.look().pss), watch.look().pss)


def quantile(values: list[float], of: float) -> float:
    """In milliseconds."""
    return sorted(values)[min(len(values) - 1, int(of * len(values)))] * 1000 if values else 0.0


def report(figures: Figures) -> None:
    """A line for each kind of answer."""
    print(f"{'':24}{'count':>7}{'first byte p50':>16}{'p95':>8}{'p99':>8}{'whole p50':>12}{'p95':>8}{'worst':>8}  ms")
    for kind, taken in figures.kinds.items():
        first = "".join(f"{quantile(taken.first, of):{width}.0f}" for of, width in ((0.5, 16), (0.95, 8), (0.99, 8)))
        whole = "".join(f"{quantile(taken.whole, of):{width}.0f}" for of, width in ((0.5, 12), (0.95, 8), (1.0, 8)))
        print(f"{kind:24}{len(taken.whole):7}{first if taken.first else '':32}{whole}")


async def run(asked: argparse.Namespace, folder: Path, stack: ExitStack) -> dict[str, object]:
    """All of it."""
    mailboxes, figures, loop = Mailboxes(), Figures(), asyncio.get_running_loop()
    ports = {"smtp": free_port(), "portal": free_port(), "world": free_port()}
    sink = await loop.create_server(
        lambda: SMTP(mailboxes, hostname="world.test", data_size_limit=2**28, loop=loop), "127.0.0.1", ports["world"]
    )
    gateway = Gateway(folder / "gateway", ports, more=CONFIG)
    config = gateway.config.read_text().replace("portal: {address:", "portal: {trusted_proxies: [127.0.0.1], address:")
    gateway.config.write_text(config)
    await asyncio.to_thread(gateway.start)
    stack.callback(gateway.close)
    assert gateway._process is not None
    guests = [
        Guest(
            f"guest{number}@friends.example",
            Browser(ports["portal"], f"2001:db8:{number:x}::1", figures),
            random.Random(number),
        )
        for number in range(asked.guests)
    ]
    size = int(asked.megabytes * 2**20)
    await seed(gateway, guests, size, mailboxes)
    watch = Watch([gateway._process.pid])
    at_rest = watch.look()
    watch.start()
    alone = Alone(ports["portal"], watch.roots, mailboxes, guests[0].address, guests[0].link, size)
    await alone.visit()
    rounds = []
    for number in range(asked.rounds):
        come = come_all(guests, size, asked.within, mailboxes, figures)
        rounds.append(await watched(watch, f"round {number + 1}", come))
    watch.end()
    for guest in guests:
        guest.browser.close()
    sink.close()
    if figures.troubles:
        raise SystemExit(f"nothing is reported: {dict(figures.troubles)}")
    print_alone(alone)
    return {**told(asked, figures, at_rest, rounds, watch.samples[-1]), "alone": as_json(alone.figures)}


def told(
    asked: argparse.Namespace, figures: Figures, at_rest: Sample, rounds: list[Round], last: Sample
) -> dict[str, object]:
    """Print the figures, and give them for the file."""
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"{asked.guests} guests within {asked.within:g} s, documents of {asked.megabytes:g} MiB; "
        f"load {os.getloadavg()[0]:.1f} at the end"
    )
    report(figures)
    print(f"\nat rest: PSS {at_rest.pss:.0f} MB, RSS {at_rest.rss:.0f} MB, {at_rest.handles} file handles")
    for one in rounds:
        print(
            f"{one.what:10} {one.seconds:6.1f} s, {one.processor:5.1f} s of processor time;"
            f" PSS at most {one.highest:5.0f} MB, then {one.after:5.0f} MB"
        )
    print(f"at the end: PSS {last.pss:.0f} MB, RSS {last.rss:.0f} MB, {last.handles} file handles")
    return {
        "rounds": [asdict(one) for one in rounds],
        "kinds": as_json(figures),
    }


def as_json(figures: Figures) -> dict[str, dict[str, float]]:
    """Of each kind of answer: how many, and milliseconds."""
    return {
        kind: {
            "count": len(taken.whole),
            "first_p50": quantile(taken.first, 0.5),
            "first_p95": quantile(taken.first, 0.95),
            "whole_p50": quantile(taken.whole, 0.5),
            "whole_p95": quantile(taken.whole, 0.95),
        }
        for kind, taken in figures.kinds.items()
    }


def print_alone(alone: Alone) -> None:
    """The figures of who came alone, and the processor's part of them."""
    print("one guest and one sender, alone:")
    report(alone.figures)
    costs = ", ".join(f"{kind} {cost * 1000:.1f}" for kind, cost in alone.processor.items())
    print(f"processor time of each, in ms: {costs}")
    slow = alone.slow()
    print(
        f"first byte within {WITHIN * 1000:.0f} ms, in the middle: {'all but ' + ', '.join(slow) if slow else 'all'}\n"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guests", type=int, default=200)
    parser.add_argument("--megabytes", type=float, default=20, help="of each document")
    parser.add_argument("--within", type=float, default=10, help="seconds in which all guests come")
    parser.add_argument("--rounds", type=int, default=3, help="how often everybody comes")
    parser.add_argument("--out", type=Path, help="write the figures as JSON, too")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sealgate-bench-")))

        async def bounded() -> dict[str, object]:
            async with asyncio.timeout(LONGEST):
                return await run(asked, folder, stack)

        told = uvloop.run(bounded())
    if asked.out is not None:
        asked.out.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()

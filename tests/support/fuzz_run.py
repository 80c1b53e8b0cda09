"""Runs the fuzzing: seeds by number, on several cores, each range in a process with the limits that children have.

python tests/support/fuzz_run.py 0 200000 --jobs 2 --state FILE      # goes on where FILE says it was
python tests/support/fuzz_run.py 4711 4712 --keep FOLDER              # one seed again; its file is kept
"""

import argparse
import asyncio
import importlib
import json
import mmap
import os
import resource
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import fuzz_trial
from fuzz_seeds import Seed
from fuzz_trial import Fault

from gateway.children.nursery import _warm
from gateway.children.pool import ChildPool
from gateway.children.sandbox import limit_resources
from policy.extraction.collected import File
from policy.reader.limits import DEFAULT_LIMITS

TARGET = "fuzz_trial:read"
HANGS = 10.0  # seconds of processor time, after which a case is given up
MEMORY = 768 * 1024 * 1024  # beyond what the parsers take, as gateway.children.pool.PoolLimits
BLOCK = 5_000
ROOT = Path(__file__).parents[2]
_CHILD = ("the program that reads it failed", "it took too long to read")


@dataclass
class Report:
    """What came of a run."""

    cases: int = 0
    cpu_seconds: float = 0.0
    most_memory: int = 0  # bytes that a process grew by
    faults: list[Fault] = field(default_factory=list)

    def add(self, other: "Report") -> None:
        """Take another's in."""
        self.cases += other.cases
        self.cpu_seconds += other.cpu_seconds
        self.most_memory = max(self.most_memory, other.most_memory)
        self.faults += other.faults

    def __str__(self) -> str:
        lines = [
            f"{self.cases:,} cases, {self.cpu_seconds:.0f} s of processor time, {self.most_memory >> 20} MB at most"
        ]
        return "\n".join([*lines, *map(str, self.faults)])


def run(first: int, last: int, *, jobs: int = 0, target: str = TARGET, hangs: float = HANGS) -> Report:
    """Seeds first to last (not itself included), read by `module:function`, in `jobs` processes (0: one a core).

    A module that has files of its own to begin with names them ITEMS.
    """
    jobs = jobs or os.cpu_count() or 1
    step = max(1, (last - first + 2 * jobs - 1) // (2 * jobs))
    ranges = [(start, min(last, start + step)) for start in range(first, last, step)]
    whole = Report()
    with ThreadPoolExecutor(jobs) as threads:
        for report in threads.map(lambda span: _range(*span, target, hangs), ranges):
            whole.add(report)
    whole.faults.sort(key=lambda fault: fault.seed)
    return whole


def _range(first: int, last: int, target: str, hangs: float) -> Report:
    """One range; a process that dies costs one seed, and the next one goes on behind it."""
    whole = Report()
    while first < last:
        with tempfile.NamedTemporaryFile() as at:
            at.write(struct.pack("<q", first))
            at.flush()
            command = [sys.executable, __file__, str(first), str(last), "--worker", at.name, "--target", target]
            command += ["--hangs", str(hangs)]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT / "tests" / "support"), str(ROOT)))}
            done = subprocess.run(command, capture_output=True, check=False, env=environment)
            at.seek(0)
            (here,) = struct.unpack("<q", at.read(8))
        for line in done.stdout.splitlines():
            told = json.loads(line)
            if "kind" in told:
                whole.faults.append(Fault(**told))
            else:
                whole.cpu_seconds += told["cpu"]
                whole.most_memory = max(whole.most_memory, told["memory"])
        if done.returncode == 0:
            whole.cases += last - first
            return whole
        if done.returncode == -signal.SIGINT:
            raise KeyboardInterrupt
        if here < first or not -65 < done.returncode < 0:
            raise RuntimeError(done.stderr.decode("utf-8", "replace")[-2000:])
        name = signal.Signals(-done.returncode)
        item, _ = fuzz_trial.case(here, _of(target)[1])
        kind = "hang" if name is signal.SIGPROF else "crash"
        whole.faults.append(Fault(here, item.name, kind, f"the process ended by {name.name}"))
        whole.cases += here + 1 - first
        first = here + 1
    return whole


def _of(target: str) -> tuple[fuzz_trial.Reads, Sequence[Seed] | None]:
    module, _, name = target.partition(":")
    loaded = importlib.import_module(module)
    return getattr(loaded, name), getattr(loaded, "ITEMS", None)


def _worker(first: int, last: int, at: str, target: str, hangs: float) -> None:
    """In the process itself: read each, say what is wrong, and where we are before we begin."""
    reads, items = _of(target)
    if items is None:
        fuzz_trial.corpus()
    with Path(at).open("r+b") as file:
        place = mmap.mmap(file.fileno(), 8)
    _warm(DEFAULT_LIMITS)
    limit_resources(MEMORY)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    before = _peak()
    for number in range(first, last):
        place[:8] = struct.pack("<q", number)
        signal.setitimer(signal.ITIMER_PROF, hangs)
        fault = fuzz_trial.attempt(number, reads, items)
        if fault is not None:
            print(json.dumps(fault.to_json()), flush=True)
    signal.setitimer(signal.ITIMER_PROF, 0)
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "memory": _peak() - before}), flush=True)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def run_children(first: int, last: int, *, size: int = 2) -> Report:
    """The files among these seeds through the real children: none may be lost."""
    return asyncio.run(_through_children(first, last, size))


async def _through_children(first: int, last: int, size: int) -> Report:
    report = Report()
    numbers = iter(range(first, last))
    async with ChildPool(size) as pool, asyncio.TaskGroup() as tasks:
        for _ in range(size):
            tasks.create_task(_feed(pool, numbers, report))
    return report


async def _feed(pool: ChildPool, numbers: Iterator[int], report: Report) -> None:
    for number in numbers:
        item, data = fuzz_trial.case(number)
        if item.mail:
            continue
        report.cases += 1
        content = (await pool.read(File("file", data, "file"))).content
        lost = next((fact.reason for fact in content.files if fact.reason in _CHILD), None)
        if lost is not None:
            report.faults.append(Fault(number, item.name, "child", lost))


def main(arguments: Sequence[str] | None = None, told: Callable[[str], None] = print) -> int:
    """The command: 1 where there are faults."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=int)
    parser.add_argument("last", type=int)
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--target", default=TARGET)
    parser.add_argument("--hangs", type=float, default=HANGS, help="seconds of processor time until one is given up")
    parser.add_argument("--state", type=Path, help="remembers which seeds are done")
    parser.add_argument("--keep", type=Path, help="a folder for the files that are read badly")
    parser.add_argument("--children", action="store_true", help="through the real children")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.worker:
        _worker(given.first, given.last, given.worker, given.target, given.hangs)
        return 0
    first, whole = given.first, Report()
    if given.state and given.state.exists():
        first = max(first, json.loads(given.state.read_text())["next"])
    while first < given.last:
        last = min(given.last, first + BLOCK)
        block = run_children(first, last) if given.children else run(first, last, jobs=given.jobs, target=given.target)
        whole.add(block)
        told(f"seeds {first} to {last - 1}: {block}")
        for fault in block.faults if given.keep else ():
            item, data = fuzz_trial.case(fault.seed)
            given.keep.mkdir(parents=True, exist_ok=True)
            (given.keep / f"{fault.seed}-{item.name.replace('/', '-')}").write_bytes(data)
        first = last
        if given.state:
            given.state.write_text(json.dumps({"next": first}))
    return 1 if whole.faults else 0


if __name__ == "__main__":
    sys.exit(main())

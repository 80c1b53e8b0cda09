"""The long runs, piece by piece: what comes, what was done, and what it came to.

python tests/support/soak_run.py                    # all; a run that was stopped goes on where it was
python tests/support/soak_run.py --list             # what there is, what is done, how long the rest takes
python tests/support/soak_run.py --only cuts --anew # pieces whose names have the word, done or not

A piece that went well is not done again as long as nothing it tests has changed: what is done is kept under `.soak`, by
the sum of all files of the product and its tests. With two free cores all pieces take about two hours and a half.
"""

import argparse
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import faults_told

ROOT: Final = Path(__file__).parents[2]
TESTED: Final = ("gateway", "portal", "delivery", "policy", "rules", "keys", "tests", ".ci", "pyproject.toml")
FAULTS: Final = "tests/journeys/faults"
STREAMS: Final = 100_000  # in one piece
SEEDS: Final = 50_000  # in one piece
KILLS: Final = 50  # of two nodes, in one piece: what an admin asks of the books takes longer, the more is in them
_IN_ORDER: Final = 180  # seconds to end its servers: a database, too, on a machine that has other things to do
_STOPS: Final = (signal.SIGINT, signal.SIGTERM)
CHILDREN: Final = range(1_000_000, 1_020_000)  # seeds of the files that real children read


class _Stop:
    """The handler of signals that stop it. Which thread a signal comes to is nobody's choice, so none is masked."""

    def __init__(self) -> None:
        self.starting = False  # a piece: what stops us waits until it can be ended
        self._asked = False

    def __call__(self, _number: int, _frame: object) -> None:
        self._asked = True
        if not self.starting:
            raise KeyboardInterrupt

    def begun(self) -> None:
        """The piece can be ended from now on; raises KeyboardInterrupt where it has to be."""
        self.starting = False
        if self._asked:
            raise KeyboardInterrupt

    def anew(self) -> None:
        """Nobody asked yet."""
        self.starting = self._asked = False


_stop: Final = _Stop()


@dataclass(frozen=True)
class Piece:
    """One command. `counts`: what it looks at, and how many; `books`: it writes down what became of mail."""

    name: str
    command: tuple[str, ...]
    minutes: float  # about, on two cores that have nothing else to do
    counts: Mapping[str, int] = field(default_factory=dict)
    books: bool = False
    more: Mapping[str, str] = field(default_factory=dict)  # of its environment

    @property
    def file(self) -> str:
        """Its name, fit for a file."""
        return self.name.replace(" ", "-").replace(",", "")


@dataclass(frozen=True)
class Numbers:
    """How many of each."""

    kills: int = 200
    cuts: int = 40
    locked: int = 60  # seconds
    streams: int = 1_000_000
    seeds: int = 200_000
    sessions: int = 50_000
    first: int = 0  # of the streams and of the seeds: others find other faults


def tests(*words: str) -> tuple[str, ...]:
    """A run of pytest."""
    return sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "--timeout", "7200", *words


def spans(first: int, last: int, step: int) -> Iterator[tuple[int, int]]:
    """Pieces of a range: first of each, and the one behind its last."""
    return ((at, min(last, at + step)) for at in range(first, last, step))


def pieces(numbers: Numbers, keep: Path) -> list[Piece]:
    """All, those first that tell of lost mail. `keep`: a folder for files that are read badly."""
    kills, cuts = str(numbers.kills), str(numbers.cuts)
    killing = {"SEALGATE_KILLS": kills, "SEALGATE_LOCKED": str(numbers.locked)}
    random_kills, power = f"{FAULTS}/test_random_kills.py", f"{FAULTS}/test_power_cut.py"
    under_load = f"{FAULTS}/test_kill.py"
    each = numbers.kills / 200
    found = [
        Piece(f"{cuts} power cuts", tests(power), 0.1 * numbers.cuts, books=True, more={"SEALGATE_CUTS": cuts}),
        Piece(
            f"{kills} kills of one gateway",
            tests(random_kills, "-k", "test_killed_at_random_moments"),
            8 * each, books=True, more=killing,
        ),
        *(
            Piece(
                f"kills {first + 1} to {last} of two nodes", tests(random_kills, "-k", "test_two_nodes"),
                (last - first) / 6, books=True, more={**killing, "SEALGATE_KILLS": str(last - first)},
            )
            for first, last in spans(0, numbers.kills, KILLS)
        ),
        Piece(f"{kills} kills under load", tests(under_load), 12 * each, books=True, more=killing),
        Piece(
            "other faults",
            tests(FAULTS, *(f"--ignore={file}" for file in (random_kills, under_load, power))),
            12 + numbers.locked / 20, books=True, more=killing,
        ),
        Piece(
            f"{numbers.sessions} sessions at the door", tests("-m", "soak", "tests/dialogues/test_door.py"),
            2, {"sessions": numbers.sessions}, more={"SEALGATE_SESSIONS": str(numbers.sessions)},
        ),
    ]  # fmt: skip
    found += [
        Piece(
            f"streams {first} to {last - 1}", tests("tests/dialogues/test_streams.py", "-k", "test_a_million"),
            (last - first) / 22_000, {"streams": last - first}, more={"SEALGATE_STREAMS": f"{first}-{last}"},
        )
        for first, last in spans(numbers.first, numbers.first + numbers.streams, STREAMS)
    ]  # fmt: skip
    fuzz = (sys.executable, str(ROOT / "tests/support/fuzz_run.py"))
    found += [
        Piece(
            f"seeds {first} to {last - 1}", (*fuzz, str(first), str(last), "--keep", str(keep)),
            (last - first) / 100_000, {"seeds": last - first},
        )
        for first, last in spans(numbers.first, numbers.first + numbers.seeds, SEEDS)
    ]  # fmt: skip
    children = (str(CHILDREN.start), str(CHILDREN.stop), "--children", "--keep", str(keep))
    found.append(Piece("files through children", (*fuzz, *children), 5, {"seeds": len(CHILDREN)}))
    found += [
        Piece(
            f"random examples of {folder.name}",
            tests("-m", "hypothesis and not soak", f"tests/unit/{folder.name}"),
            2, more={"SEALGATE_SEARCH": "searching"},
        )
        for folder in sorted((ROOT / "tests/unit").iterdir())
        if any("hypothesis" in file.read_text() for file in folder.rglob("test_*.py"))
    ]  # fmt: skip
    return found


def tree_key(root: Path = ROOT, names: Iterable[str] = TESTED) -> str:
    """Of the product and its tests as they are, on this Python."""
    digest = hashlib.sha256(sys.version.encode())
    for name in names:
        top = root / name
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            made = "__pycache__" in file.parts or file.suffix in (".pyc", ".mo")
            if file.is_file() and not made and not any(part.startswith(".") for part in file.relative_to(top).parts):
                digest.update(f"{file.relative_to(root)}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:12]


class State:
    """What is done, of one tree: a file that each piece that ends adds to; logs and books beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "done.jsonl"
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        self.ends: dict[str, dict[str, Any]] = {end["piece"]: end for end in map(json.loads, lines)}

    def went_well(self, piece: Piece) -> bool:
        """Was it done, without a fault?"""
        return bool(self.ends.get(piece.name, {}).get("well"))

    def note(self, piece: Piece, *, well: bool, seconds: float) -> None:
        """It ended."""
        end = {"piece": piece.name, "well": well, "seconds": round(seconds), "at": time.strftime("%F %T")}
        self.ends[piece.name] = end
        with self._file.open("a") as file:
            file.write(json.dumps(end) + "\n")

    def log(self, piece: Piece) -> Path:
        """What it says."""
        return self.folder / f"{piece.file}.log"

    def books(self, piece: Piece) -> Path:
        """What became of its mail."""
        return self.folder / f"{piece.file}.books"


def run(piece: Piece, state: State) -> bool:
    """Do it, its output into its log. False: something is wrong."""
    books, log = state.books(piece), state.log(piece)
    books.unlink(missing_ok=True)
    environment = {**os.environ, **piece.more, "SEALGATE_BOOKS": str(books)}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT / "tests/support"), str(ROOT)])
    began = time.monotonic()
    with log.open("w") as out:
        _stop.starting = True  # or a piece that has just begun would be left to itself
        process = subprocess.Popen(
            piece.command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_heed,
        )  # fmt: skip
        try:
            _stop.begun()
            code = _code_of(process)
        except BaseException:
            _end(process)
            raise
    well = code == 0
    if well and piece.books and not books.exists():
        well = False
        with log.open("a") as out:
            out.write("Nothing was counted: what it needs is not here (root that may mount, PostgreSQL).\n")
    state.note(piece, well=well, seconds=time.monotonic() - began)
    return well


def _code_of(process: "subprocess.Popen[bytes]") -> int:
    """Look for its end now and then: a signal that another thread gets wakes nobody who waits in the kernel, and it is
    this thread that has to heed it. While it looks it is not stopped: it holds a lock that `_end` needs, too.
    """
    while True:
        _stop.starting = True
        code = process.poll()
        _stop.begun()
        if code is not None:
            return code
        time.sleep(0.2)


def _heed() -> None:
    """What a shell started in the background ignores SIGINT; a piece must not, for `_end` asks it that way."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a piece and all that it started: first as a person would, so that its servers are ended in order."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_IN_ORDER)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def told(wanted: Sequence[Piece], state: State) -> str:
    """What it came to: mail by fault, what was counted, and each piece."""
    lines = []
    ended = [piece for piece in wanted if piece.name in state.ends]
    rows = [json.loads(line) for piece in ended for line in _lines(state.books(piece))]
    if rows:
        lines += ["what became of mail", "-------------------", faults_told.table(rows), ""]
    counted: dict[str, int] = {}
    for piece in wanted:
        for what, many in piece.counts.items():
            counted[what] = counted.get(what, 0) + many * state.went_well(piece)
    lines += [f"{many:,} random {what} without a fault" for what, many in counted.items()]
    width = max(len(piece.name) for piece in wanted)
    lines += ["", f"{'piece':<{width}}  end       minutes", "-" * (width + 19)]
    for piece in wanted:
        end = state.ends.get(piece.name)
        word = "not done" if end is None else "well" if end["well"] else "FAILED"
        taken = "" if end is None else f"{end['seconds'] / 60:9.1f}"
        lines.append(f"{piece.name:<{width}}  {word:<8} {taken}")
    failed = [piece for piece in ended if not state.went_well(piece)]
    lines += ["", *(f"{piece.name} FAILED: {state.log(piece)}" for piece in failed)]
    well = sum(map(state.went_well, wanted))
    lines.append(f"{well} of {len(wanted)} pieces without a fault, on tree {state.folder.name}")
    return "\n".join(lines)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def coming(wanted: Sequence[Piece], state: State) -> str:
    """What there is to do, and how long it takes."""
    rest = [piece for piece in wanted if not state.went_well(piece)]
    lines = [
        f"  {'done' if state.went_well(piece) else f'{piece.minutes:3.0f} min':<8} {piece.name}" for piece in wanted
    ]
    hours = sum(piece.minutes for piece in rest) / 60
    return "\n".join([*lines, f"{len(rest)} of {len(wanted)} pieces to do: about {hours:.1f} hours on two free cores"])


_HELP: Final = {
    "kills": "of a gateway, in each of three pieces (default: %(default)s)",
    "cuts": "of the power (default: %(default)s)",
    "locked": "seconds for which others lock the database (default: %(default)s)",
    "streams": "of random commands (default: %(default)s)",
    "seeds": "of mutated mails and documents (default: %(default)s)",
    "sessions": "at the door (default: %(default)s)",
    "first": "number of the streams and seeds: others find other faults (default: %(default)s)",
}


def main(arguments: Sequence[str] | None = None, say: Callable[[str], None] = print) -> int:
    """The command: 0 where all that was wanted is done without a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="only tell what there is")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="pieces whose names have this")
    parser.add_argument("--anew", action="store_true", help="also what is done")
    parser.add_argument("--folder", type=Path, default=ROOT / ".soak", help="for what is done, logs and files")
    defaults = Numbers()
    for name in Numbers.__dataclass_fields__:
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name), metavar="N", help=_HELP[name])
    given = parser.parse_args(arguments)
    numbers = Numbers(**{name: getattr(given, name) for name in Numbers.__dataclass_fields__})
    state = State(given.folder / tree_key())
    wanted = [
        piece
        for piece in pieces(numbers, given.folder / "bad-files")
        if not given.only or any(word in piece.name for word in given.only)
    ]
    if not wanted:
        parser.error("no piece has such a name; --list shows them")
    say(coming(wanted, state))
    if given.list:
        return 0
    return run_all(wanted, state, say, anew=given.anew)


def run_all(wanted: Sequence[Piece], state: State, say: Callable[[str], None], *, anew: bool) -> int:
    """All that is not done, whatever one of them says; the exit code."""
    _stop.anew()
    heard = [number for number in _STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _stop) for number in heard}
    try:
        for piece in wanted:
            if state.went_well(piece) and not anew:
                continue
            say(f"== {piece.name} (about {max(1, piece.minutes):.0f} min; {state.log(piece)})")
            if not run(piece, state):
                say(f"   FAILED\n{state.log(piece).read_text()[-3000:]}")
    except KeyboardInterrupt:
        say(f"\n{told(wanted, state)}\nStopped. The same command goes on with the piece that was under way.")
        return 130
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    say(f"\n{told(wanted, state)}")
    return 0 if all(state.went_well(piece) for piece in wanted) else 1


if __name__ == "__main__":
    sys.exit(main())

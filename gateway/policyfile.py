"""A policy file with the rule packs beside it: read, checked and made ready to decide."""

import glob
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Final

from gateway.yamlmarks import Document, read_limited, read_yaml
from policy.clauses import NO_DETECTOR, Names
from policy.engine import Policy
from policy.extraction.message import read_message
from policy.idle import idle_rules
from policy.language import PolicyText, read_policy
from policy.passwords import passwords_in
from policy.problem import Mark, Problem
from policy.route import Directory
from policy.trial import Outcome, ReadMessage, try_policy
from rules.detector import Detector
from rules.errors import PackInvalid, PackProblem, RulesError
from rules.matching import Cache, Matcher
from rules.pack import PackSource, load_packs
from rules.repeats import Repeats

BUILTIN: Final = "builtin"


UNREAD: Final = "cannot be read"  # begins the cause where a file is there and the system does not give it


class PolicyInvalid(Exception):
    """The policy or its packs cannot be used; `problems` has every mistake, `beside` the file it names to be read."""

    def __init__(self, problems: Sequence[Problem], beside: Path | None = None) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)
        self.beside = beside


@dataclass(frozen=True, slots=True)
class PolicyPlace:
    """Where a policy and its packs lie. `rules`: `builtin`, files and globs, absolute or from the working folder."""

    file: Path
    rules: tuple[str, ...]

    def packs(self) -> tuple[Path, ...]:
        """The pack files there are now, in the order of `rules`, each once."""
        found: dict[Path, None] = {}
        for entry in self.rules:
            if entry == BUILTIN:
                continue
            names = sorted(glob.glob(entry)) if glob.has_magic(entry) else [entry]  # noqa: PTH207 - absolute patterns
            found.update(dict.fromkeys(map(Path, names)))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Packs:
    """The detectors of a policy's packs, and the bytes they were read from."""

    detectors: tuple[Detector, ...] = field(repr=False)
    contents: tuple[bytes, ...] = field(repr=False)
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy ready to decide, with the matcher of its packs."""

    policy: Policy
    detectors: tuple[Detector, ...] = field(repr=False)
    matcher: Matcher = field(repr=False)
    place: PolicyPlace

    def trial(self, read: ReadMessage) -> tuple[Outcome, ...]:
        """Run the tests inside the file."""
        return try_policy(self.policy, read, self.matcher)

    def failures(self, outcomes: Iterable[Outcome], *, shown: Callable[[Path], str] = str) -> tuple[Problem, ...]:
        """Failed tests as problems."""
        return tuple(
            Problem(
                shown(self.place.file),
                outcome.case.line,
                1,
                "tests",
                f'test "{outcome.case.name}": {miss.recipient} was expected to go by {miss.expected}, but goes by '
                f"{miss.got.route if miss.got else 'no way: it gets no copy'}",
                f"decided by the rule {miss.got.rule}" if miss.got else "",
            )
            for outcome in outcomes
            for miss in outcome.misses
        )


def load_policy(
    place: PolicyPlace,
    directory: Directory,
    *,
    shown: Callable[[Path], str] = str,
    cache: Cache | None = None,
    repeats: Repeats | None = None,
) -> Loaded:
    """Read everything; raise PolicyInvalid with all mistakes of the policy and the packs. Runs no tests.

    `shown` gives the name of a file for messages; `repeats` is for this matcher alone. Compiling the patterns takes
    some tenths of a second.
    """
    policy, packs = read_policy_file(place, directory, shown=shown)
    try:
        return Loaded(policy, packs.detectors, Matcher(packs.detectors, cache, repeats=repeats), place)
    except RulesError as error:
        cause, hint = f"the detectors cannot be compiled: {error}", "`sealgate rules test` tells more"
        raise PolicyInvalid([Problem(shown(place.file), 0, 0, "", cause, hint)]) from error


def read_policy_file(
    place: PolicyPlace, directory: Directory, *, shown: Callable[[Path], str] = str
) -> tuple[Policy, Packs]:
    """As `load_policy`, but without compiling patterns: nothing can be found by it yet."""
    packs = read_packs(place, shown=shown)
    problems = list(packs.problems)
    written = _read(place.file, shown(place.file), problems)
    if written is None:
        raise PolicyInvalid(problems)
    raw, document = written
    names = Names(
        detectors=frozenset(detector.id for detector in packs.detectors),
        groups=frozenset(group for detector in packs.detectors for group in detector.groups),
        profiles=directory.profiles,
        namespaces=directory.namespaces,
    )
    text, mistakes = read_policy(document.data, document.file, document.where, names)
    if packs.problems:  # names that a bad pack has would be told as unknown
        mistakes = tuple(mistake for mistake in mistakes if not mistake.cause.startswith(NO_DETECTOR))
    problems += mistakes
    text, secrets = _with_passwords(text, place, shown, problems)
    if problems:
        raise PolicyInvalid(problems, beside_of(place, text))
    text = replace(text, warnings=tuple(_idle(text, document, directory)))
    digest = hashlib.sha256()
    for content in (raw, *packs.contents, *secrets):
        digest.update(len(content).to_bytes(8, "big") + content)
    return Policy(digest.hexdigest(), directory, text), packs


def _idle(text: PolicyText, document: Document, directory: Directory) -> Iterable[Problem]:
    """Rules that never apply, at their places: with no mistake in it, the policy has them as the file does."""
    for number, cause, hint in idle_rules(text.rules, directory):
        yield replace(document.problem(("rules", number, "name"), cause, hint), warning=True)


def beside_of(place: PolicyPlace, text: PolicyText) -> Path | None:
    """The file of passwords that a policy names, relative to the policy's own folder."""
    return None if text.passwords.file is None else place.file.parent / text.passwords.file


def _with_passwords(
    text: PolicyText, place: PolicyPlace, shown: Callable[[Path], str], problems: list[Problem]
) -> tuple[PolicyText, tuple[bytes, ...]]:
    """The policy with the passwords of the file that it names, and that file's bytes."""
    path = beside_of(place, text)
    if path is None:
        return text, ()
    try:
        raw = read_limited(path)
        lines = raw.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        cause = f"{UNREAD}: {error.strerror}" if isinstance(error, OSError) else "is no text in UTF-8"
        problems.append(Problem(shown(path), 0, 0, "", cause, "see that the path is right and the service may read it"))
        return text, ()
    texts, faults = passwords_in(lines)
    problems += [Problem(shown(path), line, 1 if line else 0, "", cause) for line, cause in faults]
    return replace(text, passwords=replace(text.passwords, texts=texts)), (raw,)


def try_out(
    place: PolicyPlace,
    directory: Directory,
    *,
    shown: Callable[[Path], str] = str,
    read: ReadMessage = read_message,
    trial: bool = True,
    cache: Cache | None = None,
) -> tuple[Problem, ...]:
    """Every problem of a policy: its mistakes, or where it has none the tests in it that fail, and warnings.

    `trial` False: its tests are not run, and so nothing is compiled.
    """
    try:
        policy, _ = read_policy_file(place, directory, shown=shown)
        if not policy.text.tests or not trial:
            return policy.text.warnings
        loaded = load_policy(place, directory, shown=shown, cache=cache)
    except PolicyInvalid as invalid:
        return invalid.problems
    return (*policy.text.warnings, *loaded.failures(loaded.trial(read), shown=shown))


def read_packs(place: PolicyPlace, *, shown: Callable[[Path], str] = str) -> Packs:
    """Read the rule packs; their mistakes stand in `problems`."""
    problems: list[Problem] = []
    read = [found for path in place.packs() if (found := _read(path, shown(path), problems)) is not None]
    builtin = BUILTIN in place.rules
    contents = [*(_shipped() if builtin else ()), *(content for content, _ in read)]
    try:
        detectors = load_packs([_source(document) for _, document in read], builtin)
    except PackInvalid as error:
        problems += map(_pack_problem, error.problems)
        detectors = ()
    return Packs(detectors, tuple(contents), tuple(problems))


def _read(path: Path, shown: str, problems: list[Problem]) -> tuple[bytes, Document] | None:
    """A file's bytes and its data; None where it cannot be read, having said so."""
    try:
        raw = read_limited(path)
    except OSError as error:
        cause = "does not exist" if isinstance(error, FileNotFoundError) else f"{UNREAD}: {error.strerror}"
        problems.append(Problem(shown, 0, 0, "", cause, "see that the path is right and the service may read it"))
        return None
    document = read_yaml(raw, shown)
    problems += document.problems
    return (raw, document) if document.whole else None


def _source(document: Document) -> PackSource:
    def where(path: tuple[str | int, ...]) -> Mark:
        return document.where(path)

    return PackSource(document.file, document.data, where)


def _pack_problem(problem: PackProblem) -> Problem:
    return Problem(
        problem.source, problem.line, problem.column, problem.detector, problem.cause, problem.hint, problem.pointed
    )


def _shipped() -> list[bytes]:
    root = resources.files("rules")
    files = [f for folder in ("packs", "words") for f in root.joinpath(folder).iterdir() if f.is_file()]
    return [f.name.encode() + b"\0" + f.read_bytes() for f in sorted(files, key=lambda f: f.name)]

"""`passwords`: what is tried on files that are locked. Secrets: no problem, repr or log ever shows one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from policy.problem import Path
from policy.source import Source, kind_of

MOST_PASSWORDS: Final = 100  # each costs some milliseconds a locked file
LONGEST_PASSWORD: Final = 255  # characters: what Office and zip take


@dataclass(frozen=True, slots=True)
class Passwords:
    """The passwords in a policy: `texts`, or the name of the `file` that holds them, read by `gateway.policyfile`."""

    texts: tuple[str, ...] = field(default=(), repr=False)
    file: str | None = None


NO_PASSWORDS: Final = Passwords()


def read_passwords(source: Source, value: object, path: Path) -> Passwords:
    """Read a list of passwords, or `{file: NAME}`; mistakes are reported to `source`, never with a password in them."""
    if isinstance(value, dict):
        keys = source.mapping(value, path, ("file",), ("file",)) or {}
        name = source.text(keys["file"], (*path, "file"), "the name of a file") if "file" in keys else None
        if name is not None and "\0" in name:
            source.report((*path, "file"), "is no name of a file")
            name = None
        return Passwords(file=name)
    if not isinstance(value, list):
        what = "a list of passwords, or {file: NAME},"
        source.report(path, f"{kind_of(value)} stands where {what} should be", key=True)
        return NO_PASSWORDS
    good: dict[str, None] = {}
    for index, entry in enumerate(value):
        cause = _fault(entry)
        if cause:
            hint = "quote it" if isinstance(entry, int | float) else ""
            source.report((*path, index), cause, hint)
        else:
            good[entry] = None
    if len(good) > MOST_PASSWORDS:
        source.report(path, f"holds {len(good)} passwords, at most {MOST_PASSWORDS} are tried", key=True)
    return Passwords(tuple(good))


def passwords_in(lines: Iterable[str]) -> tuple[tuple[str, ...], tuple[tuple[int, str], ...]]:
    """The passwords of a file, one per line, and its bad lines as (number from 1, cause); number 0: the whole file.

    Empty lines and those that begin with # are skipped.
    """
    good: dict[str, None] = {}
    bad: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if not text or text.startswith("#"):
            continue
        cause = _fault(text)
        if cause:
            bad.append((number, cause))
        else:
            good[text] = None
    if len(good) > MOST_PASSWORDS:
        bad.append((0, f"holds {len(good)} passwords, at most {MOST_PASSWORDS} are tried"))
    return tuple(good), tuple(bad)


def _fault(entry: object) -> str:
    """What is wrong with an entry, without showing it; empty where nothing is."""
    if not isinstance(entry, str):
        return f"{kind_of(entry)} stands where a password should be"
    if not entry:
        return "is empty, a password is expected"
    if len(entry) > LONGEST_PASSWORD:
        return f"is longer than {LONGEST_PASSWORD} characters"
    return "" if entry.isprintable() else "a password is one line of text"

"""A value of a parsed pack with its place, read strictly: what is wrong is noted, and reading goes on."""

import difflib
import re
from collections.abc import Sequence
from typing import Final, Protocol

from rules.errors import PackProblem

_FEW: Final = 12  # names that fit into a message

Path = tuple[str | int, ...]


class Where(Protocol):
    """Finds a place of the parsed data in its file."""

    def __call__(self, path: Path) -> tuple[int, int] | None:
        """Line and column, from 1, of the value at `path` (keys and indices from the root); None if not known."""
        ...


def nowhere(path: Path) -> tuple[int, int] | None:
    """A Where for data without known places."""
    return None


class Node:
    """One value of a pack. Each reading method returns its type; where the value is wrong, it notes that and gives a
    neutral one: an empty text, the least number, False.
    """

    def __init__(self, source: str, where: Where, problems: list[PackProblem], value: object, path: Path = ()) -> None:
        self._source = source
        self._where = where
        self._problems = problems
        self._path = path
        self.value = value
        self.detector = ""

    def problem(self, cause: str, hint: str = "", pointed: str = "") -> None:
        """Note a mistake at this value; `pointed` shows the place within a text (see `PackProblem`)."""
        path = self._path
        place = self._where(path)
        while place is None and path:
            path = path[:-1]
            place = self._where(path)
        line, column = place or (0, 0)
        inside = ".".join(str(step) for step in self._path[2:])
        told = f"{inside}: {cause}" if inside else cause
        self._problems.append(PackProblem(self._source, told, hint, self.detector, line, column, pointed))

    def mapping(self, keys: set[str] | None, required: set[str] | None = None) -> dict[str, "Node"] | None:
        """The entries by key; `keys` None allows any. None where this is no mapping."""
        if not isinstance(self.value, dict):
            self.problem(f"a mapping is expected here, not {_kind(self.value)}", _keys_hint(keys))
            return None
        entries: dict[str, Node] = {}
        for key, value in self.value.items():
            if not isinstance(key, str):
                self.problem(f"the key {key!r} is no text", "Put it in quotes")
            elif keys is not None and key not in keys:
                self._child(key, value).problem("unknown key", suggestion(key, sorted(keys)))
            else:
                entries[key] = self._child(key, value)
        for key in sorted((required or set()) - entries.keys()):
            self.problem(f"`{key}` is missing")
        return entries

    def items(self, least: int = 0, most: int = 100_000) -> list["Node"]:
        """The entries of a list."""
        if not isinstance(self.value, list):
            self.problem(f"a list is expected here, not {_kind(self.value)}", "Write it as [one, two]")
            return []
        if not least <= len(self.value) <= most:
            self.problem(f"{len(self.value)} entries where {least} to {most} may stand")
            return []
        return [self._child(index, value) for index, value in enumerate(self.value)]

    def one_or_more(self) -> list["Node"]:
        """The entries of a list, or this value as the only one."""
        return self.items(least=1) if isinstance(self.value, list) else [self]

    def text(self, most: int = 100_000) -> str:
        """A text that is not empty, of at most `most` characters."""
        if not isinstance(self.value, str):
            self.problem(f"a text is expected here, not {_kind(self.value)}", "Put it in quotes")
            return ""
        if not self.value.strip():
            self.problem("an empty text")
        elif len(self.value) > most:
            self.problem(f"a text of {len(self.value)} characters; {most} is the most")
        return self.value

    def number(self, least: int, most: int) -> int:
        """A whole number in least..most."""
        if not isinstance(self.value, int) or isinstance(self.value, bool) or not least <= self.value <= most:
            self.problem(f"a whole number from {least} to {most} is expected here")
            return least
        return self.value

    def flag(self) -> bool:
        """true or false."""
        if not isinstance(self.value, bool):
            self.problem(f"true or false is expected here, not {_kind(self.value)}")
        return self.value is True

    def choice(self, known: Sequence[str]) -> str:
        """One of `known`; empty where it is none of them."""
        if not isinstance(self.value, str) or self.value not in known:
            hint = suggestion(str(self.value), known)
            if len(known) > _FEW:
                self.problem(f"{self.value!r} is not known here", hint or "docs/detectors.md lists what there is")
            else:
                self.problem(f"{self.value!r} is none of {', '.join(known)}", hint)
            return ""
        return self.value

    def key_matches(self, pattern: str) -> bool:
        """Whether the last key of the path has this form."""
        return bool(self._path) and re.fullmatch(pattern, str(self._path[-1])) is not None

    def _child(self, step: str | int, value: object) -> "Node":
        child = Node(self._source, self._where, self._problems, value, (*self._path, step))
        child.detector = self.detector
        return child


def _kind(value: object) -> str:
    names = {
        dict: "a mapping",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return "nothing" if value is None else names.get(type(value), type(value).__name__)


def _keys_hint(keys: set[str] | None) -> str:
    return f"Its keys are {', '.join(sorted(keys))}" if keys else ""


def suggestion(word: str, known: Sequence[str]) -> str:
    """A hint: the known word that `word` is close to, or all known ones if they are few; else empty."""
    close = difflib.get_close_matches(word, known, 1)
    return f'Did you mean "{close[0]}"?' if close else f"Known are {', '.join(known)}" if len(known) <= _FEW else ""

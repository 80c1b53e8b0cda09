"""Reading plain data that came from a file people write: types, unknown keys, and every mistake with its place."""

from collections.abc import Iterable, Mapping
from typing import Any

from policy.problem import Path, Problem, Where, did_you_mean, dotted, one_of


def kind_of(value: object) -> str:
    """The type of a YAML value, in words for messages."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "keys with values"


class Source:
    """Reads the plain data of one file; mistakes are gathered in `problems`.

    Each method that reads a value reports what is wrong with it, and then gives None or leaves it out.
    """

    def __init__(self, file: str, where: Where) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._where = where

    def report(self, path: Path, cause: str, hint: str = "", *, key: bool = False) -> None:
        """Add a problem at the path: at its value or, if `key`, at its key."""
        mark = self._where(path, key)
        self.problems.append(Problem(self.file, mark.line, mark.column, dotted(path), cause, hint))

    def expected(self, value: object, path: Path, what: str, hint: str = "") -> None:
        """Report a value of a wrong type; `what` was expected."""
        self.report(path, f"{kind_of(value)} stands where {what} should be", hint, key=isinstance(value, dict))

    def mapping(
        self, value: object, path: Path, known: Iterable[str], required: Iterable[str] = ()
    ) -> Mapping[str, Any] | None:
        """Read keys with values; unknown keys are reported and left out, missing ones reported."""
        names = tuple(known)
        if not isinstance(value, dict):
            self.expected(value, path, f"keys ({one_of(names)})")
            return None
        for key in value:
            if key not in names:
                self.report(
                    (*path, key), "is no key here", did_you_mean(key, names) or f"Known: {one_of(names)}", key=True
                )
        for key in required:
            if key not in value:
                near = [k for k in value if k not in names and did_you_mean(k, (key,))]
                if not near:  # else it is one mistake: the misspelt key
                    self.report(path, f"{key} is missing", key=True)
        return {key: value[key] for key in value if key in names}

    def sequence(self, value: object, path: Path, what: str) -> list[Any]:
        """Read a list of `what`; an empty one where something else stands."""
        if isinstance(value, list):
            return value
        self.expected(value, path, f"a list of {what}")
        return []

    def text(self, value: object, path: Path, what: str = "a text", *, empty: bool = False) -> str | None:
        """Read a text, which must not be blank unless `empty`."""
        if not isinstance(value, str):
            self.expected(value, path, what, f'quote it: "{value}"' if isinstance(value, int | float) else "")
            return None
        if not value.strip() and not empty:
            self.report(path, f"is empty, {what} is expected")
            return None
        return value

    def texts(self, value: object, path: Path, what: str) -> list[tuple[Path, str]]:
        """Read one text or a list of them, each with its path."""
        if isinstance(value, str):
            text = self.text(value, path, what)
            return [(path, text)] if text is not None else []
        if not isinstance(value, list):
            self.expected(value, path, f"{what}, or a list of them")
            return []
        if not value:
            self.report(path, f"is an empty list, {what} is expected")
        found = ((self.text(v, (*path, i), what), (*path, i)) for i, v in enumerate(value))
        return [(place, text) for text, place in found if text is not None]

    def flag(self, value: object, path: Path) -> bool | None:
        """Read a value that has to be true or false."""
        if isinstance(value, bool):
            return value
        yes_no = str(value).lower() in ("yes", "no", "on", "off")
        self.expected(value, path, "true or false", f'"{value}" is a text in YAML 1.2' if yes_no else "")
        return None

    def choice(self, value: object, path: Path, words: Iterable[str]) -> str | None:
        """Read a value that has to be one of some words."""
        names = tuple(words)
        if isinstance(value, str) and value in names:
            return value
        if not isinstance(value, str):
            self.expected(value, path, f"one of {one_of(names)}")
        else:
            self.report(path, f'"{value}" is none of {one_of(names)}', did_you_mean(value, names))
        return None
